"""The first tier (L1): each session's newest steps, ready in memory to be shown, undone and redone.

A step is made ready after it was acknowledged, never on the way to that. What is ready is derived
and bounded, in steps a session and in bytes altogether; what is not ready is read from the store.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from stepwell.store.engine.diff import changes
from stepwell.store.engine.objects import BLOB, ObjectReader
from stepwell.store.engine.patch import as_patch
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Step

STEPS = 50
"""How many steps of a session are kept ready."""

BYTES = 16 << 20
"""How much all sessions' steps may take together."""

_LARGEST = BYTES // 4
_MOST_LINES = 50_000
_MOST_FILES = 1_000
_WAITING = 1_000


class Steps(ObjectReader, Protocol):
    """Where steps and their objects are read."""

    def step(self, step: StepId) -> Step:
        """Returns a step; raises NotFoundError when there is none."""


@dataclass(frozen=True, slots=True)
class Ready:
    """One step's change against its first parent, as git patches, with the contents it concerns."""

    forward: bytes
    """Turns the parent into the step."""
    reverse: bytes
    """Turns the step into the parent."""
    blobs: Mapping[Oid, bytes]
    """Both sides of every file in it; none of a change that is too large to be kept."""

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.forward) + len(self.reverse) + sum(map(len, self.blobs.values()))


def make_ready(steps: Steps, step: Step) -> Ready:
    """Returns a step's change, made from the store.

    Raises:
        IntegrityError: an object of it is missing or damaged.
    """
    old = steps.step(step.parents[0]).snapshot if step.parents else None
    there = changes(steps, old, step.snapshot, hunks=True)
    back = changes(steps, step.snapshot, old, hunks=True)
    return Ready(as_patch(there, steps), as_patch(back, steps), _blobs(steps, there))


def _blobs(reader: ObjectReader, found: tuple[Change, ...]) -> dict[Oid, bytes]:
    blobs: dict[Oid, bytes] = {}
    room = _LARGEST
    for oid in {o for c in found for o in (c.old_blob, c.new_blob) if o is not None}:
        blobs[oid] = reader.read(oid)[1]
        room -= len(blobs[oid])
        if room < 0:
            return {}
    return blobs


def _is_large(step: Step) -> bool:
    """Tells whether a step's change is too large to be kept, without computing it.

    Computing it takes many times its size, which the process would not get rid of again.
    """
    counts = step.changes
    lines = counts.added + counts.deleted
    return step.raw_bytes > _LARGEST or lines > _MOST_LINES or counts.files > _MOST_FILES


class Recent:
    """The rings of all sessions; steps without a session share one. For one thread at a time."""

    def __init__(self, steps: int = STEPS, limit: int = BYTES) -> None:
        self._steps = steps
        self._limit = limit
        self._waiting: deque[Step] = deque(maxlen=_WAITING)
        self._ready: OrderedDict[StepId, tuple[str | None, Ready]] = OrderedDict()
        self._rings: dict[str | None, deque[StepId]] = {}
        self._blobs: dict[Oid, tuple[bytes, int]] = {}
        """Content, and how many ready steps have it."""
        self.bytes = 0
        """What all that is ready takes."""

    def __len__(self) -> int:
        return len(self._ready)

    def note(self, step: Step) -> None:
        """Takes in a step that was just recorded; costs nothing until it is made ready."""
        self._waiting.append(step)

    @property
    def waits(self) -> bool:
        """Tells whether a noted step is not ready yet."""
        return bool(self._waiting)

    def make_next(self, steps: Steps) -> bool:
        """Makes one of the noted steps ready, the newest first; False when none waits.

        A step whose content is damaged is passed over: whoever asks for it is told.
        """
        if not self._waiting:
            return False
        step = self._waiting.pop()
        if step.id not in self._ready and not _is_large(step):
            try:
                self._keep(step, make_ready(steps, step))
            except StepwellError:
                return True
        return True

    def of(self, steps: Steps, step: Step) -> Ready:
        """Returns a step's change, from memory when it is ready; raises as `make_ready`."""
        known = self._ready.get(step.id)
        if known is not None:
            return known[1]
        made = make_ready(steps, step)
        self._keep(step, made)
        return made

    def _keep(self, step: Step, ready: Ready) -> None:
        if ready.size > _LARGEST:
            return
        ring = self._rings.setdefault(step.session, deque())
        ring.append(step.id)
        self._ready[step.id] = (step.session, ready)
        self.bytes += ready.size
        for oid, content in ready.blobs.items():
            _, count = self._blobs.get(oid, (content, 0))
            self._blobs[oid] = (content, count + 1)
        if len(ring) > self._steps:
            self._drop(ring[0])
        self.shrink(self._limit)

    def shrink(self, limit: int) -> None:
        """Lets go of the oldest steps until the rest takes no more than `limit` bytes."""
        while self.bytes > limit and self._ready:
            self._drop(next(iter(self._ready)))

    def _drop(self, step: StepId) -> None:
        session, ready = self._ready.pop(step)
        ring = self._rings[session]
        ring.remove(step)
        if not ring:
            del self._rings[session]
        self.bytes -= ready.size
        for oid in ready.blobs:
            content, count = self._blobs.pop(oid)
            if count > 1:
                self._blobs[oid] = (content, count - 1)

    def over(self, below: ObjectReader) -> ObjectReader:
        """Returns a reader that takes the contents of ready steps from memory."""
        return _Over(self._blobs, below)


class _Over:
    def __init__(self, blobs: Mapping[Oid, tuple[bytes, int]], below: ObjectReader) -> None:
        self._blobs = blobs
        self._below = below

    def read(self, oid: Oid) -> tuple[str, bytes]:
        known = self._blobs.get(oid)
        return self._below.read(oid) if known is None else (BLOB, known[0])

    def has(self, oid: Oid) -> bool:
        return oid in self._blobs or self._below.has(oid)
