"""Which step each line of a file came with.

As git blame does it: lines are handed from a version to its parents as long as those have them, and
what no parent has came with that step. The histories of two parents are gone through together,
newest step first, so that a line that both have is followed to where they part.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from stepwell.store.engine.diff import TOO_LARGE, changes, is_binary
from stepwell.store.engine.lines import (
    Region,
    common_end,
    common_start,
    regions,
    split_lines,
)
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.snapshots import lookup
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.steps import Step

_TEXTS = 8
"""How many versions' bytes are kept: each is asked for as the new and as the old one."""


class Lineage(Protocol):
    """What blame asks of the history."""

    def step(self, seq: int) -> Step:
        """Returns a step."""

    def parents(self, seq: int) -> Sequence[int]:
        """Returns the numbers of a step's parents, the first one first."""

    def changing(self, path: bytes) -> Collection[int]:
        """Returns the numbers of all steps that changed the path against their first parent."""


@dataclass(slots=True)
class _Version:
    """A version of the file that may have brought lines."""

    seq: int
    path: TrackedPath
    blob: Oid
    lines: list[int]
    """For each line of this version the line asked about that it is (0-based), or -1."""


def blame(
    reader: ObjectReader, lineage: Lineage, at: Step, path: TrackedPath
) -> list[tuple[bytes, Step]]:
    """Returns each line of a file at a step, with the step that it came with.

    Raises:
        NotFoundError: the step has no file there.
        UsageError: the file is no text, or too large to compare by line.
    """
    blob = _blob_at(reader, at, path)
    if blob is None:
        raise NotFoundError(
            f"{escape(path) or 'the folder itself'} is no file in step #{at.seq}",
            hint=f"see what there is with `stepwell show '#{at.seq}'`, or name another step with --at",
            path=escape(path),
        )
    text = split_lines(_text(reader, blob, path))
    walk = _Walk(reader, lineage, len(text))
    walk.hand_to(_Version(at.seq, path, blob, list(range(len(text)))))
    owners = walk.run()
    steps = {seq: lineage.step(seq) for seq in set(owners)}
    return [(line, steps[seq]) for line, seq in zip(text, owners, strict=True)]


def _blob_at(reader: ObjectReader, step: Step, path: TrackedPath) -> Oid | None:
    entry = lookup(reader, step.snapshot, path)
    return None if entry is None else entry.oid


def _text(reader: ObjectReader, blob: Oid, path: TrackedPath) -> bytes:
    content = reader.read(blob)[1]
    if is_binary(content) or len(content) > TOO_LARGE:
        what = "is binary" if is_binary(content) else "is too large to be compared line by line"
        raise UsageError(f"{escape(path)} {what}", hint="`stepwell log path:...` lists its steps")
    return content


class _Walk:
    """The versions still to be looked at, newest first."""

    def __init__(self, reader: ObjectReader, lineage: Lineage, count: int) -> None:
        self._reader = reader
        self._lineage = lineage
        self._owners = [0] * count
        self._waiting: dict[tuple[int, TrackedPath], _Version] = {}
        self._order: list[tuple[int, TrackedPath]] = []
        self._changing: dict[TrackedPath, Collection[int]] = {}
        self._texts: dict[Oid, bytes] = {}

    def run(self) -> list[int]:
        """Returns the number of the step that each line came with."""
        while self._order:
            negative, path = heapq.heappop(self._order)
            self._look(self._waiting.pop((-negative, path)))
        return self._owners

    def hand_to(self, version: _Version) -> None:
        """Adds a version, or its lines to what waits there already."""
        version = self._where_it_changed(version)
        key = (version.seq, version.path)
        if key in self._waiting:
            other = self._waiting[key]
            other.lines = list(map(max, other.lines, version.lines))
        else:
            self._waiting[key] = version
            heapq.heappush(self._order, (-version.seq, version.path))

    def _where_it_changed(self, version: _Version) -> _Version:
        """Moves a version down the first parents to the step that gave it its content."""
        if version.path not in self._changing:
            self._changing[version.path] = frozenset(self._lineage.changing(version.path))
        changing = self._changing[version.path]
        while version.seq not in changing:
            parents = self._lineage.parents(version.seq)
            if len(parents) != 1:
                break
            version.seq = parents[0]
        return version

    def _look(self, version: _Version) -> None:
        left: list[range] = [range(len(version.lines))]
        for seq in self._lineage.parents(version.seq):
            left = self._hand_on(version, self._lineage.step(seq)) or left
        for place in chain.from_iterable(left):
            if (line := version.lines[place]) >= 0:
                self._owners[line] = version.seq

    def _hand_on(self, version: _Version, parent: Step) -> list[range] | None:
        """Gives the parent those lines that it has, and leaves the version the others.

        Returns where those are that are left, empty as it may be there; None: anywhere.
        """
        path, blob = version.path, _blob_at(self._reader, parent, version.path)
        if blob is None:
            moved = self._old_name(version, parent)
            if moved is None:
                return None
            path, blob = moved
        old = self._content(blob)
        if is_binary(old) or len(old) > TOO_LARGE:
            return None
        found = _regions(old, self._content(version.blob))
        theirs, version.lines = _divided(found, version.lines)
        if any(line >= 0 for line in theirs):
            self.hand_to(_Version(parent.seq, path, blob, theirs))
        return [range(one.new_start, one.new_end) for one in found] or [range(0)]

    def _old_name(self, version: _Version, parent: Step) -> tuple[TrackedPath, Oid] | None:
        step = self._lineage.step(version.seq)
        for change in changes(self._reader, parent.snapshot, step.snapshot, hunks=False):
            if change.path == version.path and change.old_path and change.old_blob:
                return change.old_path, change.old_blob
        return None

    def _content(self, blob: Oid) -> bytes:
        if blob not in self._texts:
            if len(self._texts) >= _TEXTS:
                self._texts.pop(next(iter(self._texts)))
            self._texts[blob] = self._reader.read(blob)[1]
        return self._texts[blob]


def _divided(differing: Sequence[Region], lines: list[int]) -> tuple[list[int], list[int]]:
    """Returns the lines that an old version has too, by line of it, and those that it has not."""
    theirs, own = list(lines), [-1] * len(lines)
    for region in reversed(differing):
        own[region.new_start : region.new_end] = lines[region.new_start : region.new_end]
        theirs[region.new_start : region.new_end] = [-1] * (region.end - region.start)
    return theirs, own


def _regions(old: bytes, new: bytes) -> list[Region]:
    """Returns what differs, comparing line by line only what lies between equal ends."""
    if old == new:
        return []
    first = old.rfind(b"\n", 0, common_start(old, new)) + 1
    last = _shared_end(old[first:], new[first:])
    start = old.count(b"\n", 0, first)
    middle = regions(old[first : len(old) - last], new[first : len(new) - last])
    return [Region(*(number + start for number in region)) for region in middle]


def _shared_end(a: bytes, b: bytes) -> int:
    """Returns how many bytes of whole lines two texts end with alike."""
    low = common_end(a, b, min(len(a), len(b)))
    line = a.find(b"\n", len(a) - low)
    return 0 if line < 0 else len(a) - line - 1
