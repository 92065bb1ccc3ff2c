"""One step's change, made ready to be shown, undone and redone without the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from stepwell.store.engine.diff import changes
from stepwell.store.engine.objects import BLOB, ObjectReader
from stepwell.store.engine.parents import HasSteps, first_parent
from stepwell.store.engine.patch import as_patch
from stepwell.store.engine.snapshots import differing
from stepwell.store.model.changes import Change
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.patchlines import PatchLines
from stepwell.store.model.steps import Step

LARGEST = 1 << 16
"""Bytes that one step may take in memory; a larger one is read from the store each time."""

_MOST_READ_AHEAD = 2_000
_BYTES_READ_AHEAD = 4 << 20
_MOST_STORED = 16 << 10
"""Of one content, deflated: what is much larger is not remembered."""
_VALUE = 500
"""About what one change or hunk takes beside its text."""
_MOST_FILES = LARGEST // (4 * _VALUE)
"""Each has a change and a hunk at least, for both ways."""
_MOST_LINES = LARGEST // 32
"""Both ways hold each line that came or went, and those around it."""


class Key(NamedTuple):
    """Names a step's change: the same step follows another one once what was between is dropped."""

    step: StepId
    parent: StepId | None


def key_of(step: Step) -> Key:
    """Returns what a step's change is known by."""
    return Key(step.id, step.parents[0] if step.parents else None)


class Steps(ObjectReader, HasSteps, Protocol):
    """Where steps and their objects are read."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A step's change against its first parent, with the contents that it concerns."""

    there: tuple[Change, ...]
    """What turns the parent into the step."""
    back: tuple[Change, ...]
    """What turns the step into the parent; empty where only the way there is kept."""
    blobs: Mapping[Oid, bytes]
    """Both sides of every file in it; none of a change that is too large for that."""
    bare: int
    """Bytes that it takes without the contents, about."""

    @property
    def size(self) -> int:
        """Bytes that it takes, were nothing shared."""
        return self.bare + sum(map(len, self.blobs.values()))

    @property
    def path(self) -> bytes | None:
        """The one path that it changed; None when it changed none, or several."""
        return self.there[0].path if len(self.there) == 1 else None

    def patch(self, below: ObjectReader, *, reverse: bool) -> bytes:
        """Returns the way there, or back, as `git apply` takes it.

        Raises:
            IntegrityError: a content that is not in memory is missing or damaged.
        """
        return as_patch(self.back if reverse else self.there, Over(self.blobs, below))


class Over:
    """A reader that takes contents from memory, as far as they are there."""

    def __init__(self, blobs: Mapping[Oid, bytes], below: ObjectReader) -> None:
        self._blobs = blobs
        self._below = below

    def read(self, oid: Oid) -> tuple[str, bytes]:
        known = self._blobs.get(oid)
        return self._below.read(oid) if known is None else (BLOB, known)

    def has(self, oid: Oid) -> bool:
        return oid in self._blobs or self._below.has(oid)


def make_ready(steps: Steps, step: Step) -> Ready:
    """Returns a step's change, made from the store.

    Raises:
        IntegrityError: an object of it is missing or damaged.
    """
    parent = first_parent(steps, step)
    old = parent.snapshot if parent is not None else None
    there = changes(steps, old, step.snapshot, hunks=True)
    back = changes(steps, step.snapshot, old, hunks=True)
    return Ready(there, back, _blobs(steps, there), weight(there) + weight(back))


def one_way(there: tuple[Change, ...]) -> Ready:
    """Returns a change of which only the way there is known."""
    return Ready(there, (), {}, weight(there))


def weight(found: Iterable[Change]) -> int:
    """Returns about how many bytes changes take in memory."""
    total = 0
    for change in found:
        total += _VALUE * (1 + len(change.hunks))
        for hunk in change.hunks:
            lines = hunk.lines
            total += len(lines.text) if isinstance(lines, PatchLines) else sum(map(len, lines))
    return total


class Stored(Steps, Protocol):
    """The same, where it is also known how much there is to be read."""

    def stored_size(self, oid: Oid) -> int:
        """Returns how many bytes the object takes, deflated; raises as `read`."""


def read_ahead(steps: Stored, step: Step) -> None:
    """Has the store remember what lies between a large step and its parent, as far as it remembers.

    Those are the trees, and small contents that the step replaced, until some megabytes of them were
    read, unless its own are many: a rollback over it begins with reading just that.

    Raises:
        IntegrityError: an object is missing or damaged.
    """
    parent = first_parent(steps, step)
    if parent is None or step.changes.files > _MOST_READ_AHEAD:
        return
    found = differing(steps, parent.snapshot, step.snapshot)
    left = _BYTES_READ_AHEAD if step.raw_bytes <= _BYTES_READ_AHEAD else 0
    for was, _ in found:
        if was is None or was.oid is None or steps.stored_size(was.oid) > _MOST_STORED:
            continue
        if left <= 0:
            return
        left -= len(steps.read(was.oid)[1])


def is_large(step: Step) -> bool:
    """Tells whether a step's change is too large to be kept, without computing it.

    Computing it takes many times its size, which the process would not get rid of again.
    """
    counts = step.changes
    lines = counts.added + counts.deleted
    return step.raw_bytes > 4 * LARGEST or lines > _MOST_LINES or counts.files > _MOST_FILES


def _blobs(reader: ObjectReader, found: tuple[Change, ...]) -> dict[Oid, bytes]:
    blobs: dict[Oid, bytes] = {}
    room = LARGEST // 2
    for oid in {o for c in found for o in (c.old_blob, c.new_blob) if o is not None}:
        blobs[oid] = reader.read(oid)[1]
        room -= len(blobs[oid])
        if room < 0:
            return {}
    return blobs
