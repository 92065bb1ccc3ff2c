"""Purging: which content leaves the store for good, and what that touches."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.paths import TrackedPath, escape, unescape


@dataclass(frozen=True, slots=True)
class Target:
    """What a person named: a path or pattern of paths, or one content by its id."""

    path: TrackedPath | None = None
    """With all below it; wildcards are git's."""
    blob: Oid | None = None

    def __str__(self) -> str:
        return f"blob:{self.blob.hex()}" if self.blob else f"path:{escape(self.path or b'')}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """Returns the target whose text form that is."""
        kind, _, rest = text.partition(":")
        if kind == "blob":
            return cls(blob=Oid(bytes.fromhex(rest)))
        return cls(path=unescape(rest))


@dataclass(frozen=True, slots=True)
class Unreached:
    """A place that may hold the content and that no purge reaches."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """What repeats the content beside history, and is reached."""

    what: str
    """One of them, as `state snapshot`."""
    count: int


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge removes, or has removed."""

    targets: tuple[str, ...]
    paths: tuple[tuple[TrackedPath, int], ...]
    """Each path that loses content, in order, with the number of its versions that go."""
    also: tuple[TrackedPath, ...]
    """Those of them that no target named: they hold the same content."""
    blobs: tuple[Oid, ...]
    steps: tuple[StepId, ...]
    """Steps that lose something, in the order of their recording."""
    texts: int
    """Prompts, inputs, results, titles and notes in which the content is blotted out."""
    documents: tuple[tuple[str, str], ...]
    """State documents that lose something, in any step: session ("": none) and name."""
    events: int
    """Events that hooks left and no step has yet, out of which it is taken."""
    beside: tuple[Repeated, ...]
    """What repeats it beside history, out of which it is taken."""
    undo_ended: tuple[int, ...]
    """Operations that can be taken back no more, because that would need the content."""
    in_workspace: tuple[TrackedPath, ...]
    """Paths at which the head had it: while it lies there, the next capture stores it again."""
    unreached: tuple[Unreached, ...]
    bytes_before: int = 0
    """Of the packs; 0 before it is done."""
    bytes_after: int = 0
    operation: int | None = None
    """The operation that recorded its end; None: nothing was done."""
