"""The first tier (L1): each session's newest steps, ready in memory to be shown, undone and redone.

A step is made ready after it was acknowledged, never on the way to that. Steps that follow one
another share contents: what one left is what the next began with.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from stepwell.store.engine.tiers.ready import LARGEST, Key, Ready, key_of
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Step

STEPS = 50
"""How many steps of a session are kept ready."""


@dataclass(frozen=True, slots=True)
class Held:
    """A step of a ring."""

    key: Key
    seq: int
    session: str | None
    turn: int | None
    time_ns: int
    ready: Ready


Leaving = Callable[[Held], None]


class Recent:
    """The rings of all sessions; steps without a session share one. For one thread at a time."""

    def __init__(self, leaving: Leaving, steps: int = STEPS) -> None:
        """`leaving` takes each step that a newer one of its session pushes out."""
        self._leaving = leaving
        self._steps = steps
        self._held: dict[Key, Held] = {}
        self._rings: dict[str | None, list[Key]] = {}
        self._shared: dict[Oid, tuple[bytes, int]] = {}
        """Content, and how many ready steps have it."""
        self.bytes = 0
        """What all that is ready takes."""
        self.raw_bytes = 0
        """What it would take, were nothing shared."""

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[Key]:
        """Yields what names the steps that are ready, in the order in which they were made so."""
        return iter(self._held)

    def get(self, key: Key) -> Ready | None:
        """Returns a step's change when it is ready."""
        held = self._held.get(key)
        return held.ready if held else None

    def rings(self) -> Iterator[list[Held]]:
        """Yields each session's steps, the oldest first."""
        for ring in self._rings.values():
            yield [self._held[key] for key in ring]

    def keep(self, step: Step, ready: Ready) -> None:
        """Takes a step's change in, in the order of their numbers, unless it is too large."""
        key = key_of(step)
        if ready.size > LARGEST or key in self._held:
            return
        ring = self._rings.setdefault(step.session, [])
        held = Held(key, step.seq, step.session, step.turn, step.time_ns, self._share(ready))
        self._held[key] = held
        insort(ring, key, key=lambda one: self._held[one].seq)
        if len(ring) > self._steps:
            self._leaving(self._held[ring[0]])
            self.drop([ring[0]])

    def _share(self, ready: Ready) -> Ready:
        self.bytes += ready.bare
        self.raw_bytes += ready.size
        blobs = {}
        for oid, content in ready.blobs.items():
            known, count = self._shared.get(oid, (content, 0))
            self._shared[oid] = (known, count + 1)
            self.bytes += 0 if count else len(known)
            blobs[oid] = known
        return replace(ready, blobs=blobs)

    def drop(self, keys: Iterable[Key]) -> None:
        """Lets go of steps; they are in the store as before."""
        for key in keys:
            held = self._held.pop(key)
            self._part(held.ready)
            self.bytes -= held.ready.bare
            self.raw_bytes -= held.ready.bare
            ring = self._rings[held.session]
            ring.remove(key)
            if not ring:
                del self._rings[held.session]

    def drop_contents(self, keys: Iterable[Key]) -> None:
        """Lets go of the contents that steps concern, and keeps what they changed."""
        for key in keys:
            held = self._held[key]
            self._part(held.ready)
            self._held[key] = replace(held, ready=replace(held.ready, blobs={}))

    def _part(self, ready: Ready) -> None:
        for oid in ready.blobs:
            content, count = self._shared.pop(oid)
            self.raw_bytes -= len(content)
            if count > 1:
                self._shared[oid] = (content, count - 1)
            else:
                self.bytes -= len(content)

    def contents(self) -> Mapping[Oid, bytes]:
        """Returns the contents that ready steps concern, as they are now."""
        return {oid: content for oid, (content, _) in self._shared.items()}
