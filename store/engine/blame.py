"""Which step each line of a file came with.

As git blame does it: lines are handed from a version to its parents as long as those have them, and
what no parent has came with that step. The histories of two parents are gone through together,
newest step first, so that a line that both have is followed to where they part.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stepwell.store.engine.diff import TOO_LARGE, changes, is_binary
from stepwell.store.engine.lines import regions, split_lines
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.snapshots import lookup
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.steps import Step


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
    lines: dict[int, int] = field(default_factory=dict)
    """Line of the file asked about -> line of this version; both 0-based."""


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
            f"{escape(path)} is no file in step #{at.seq}",
            hint=f"see what there is with `stepwell show '#{at.seq}'`, or name another step with --at",
            path=escape(path),
        )
    text = split_lines(_text(reader, blob, path))
    walk = _Walk(reader, lineage, len(text))
    walk.hand_to(_Version(at.seq, path, blob, {n: n for n in range(len(text))}))
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
            self._waiting[key].lines |= version.lines
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
        for seq in self._lineage.parents(version.seq):
            if not version.lines:
                return
            parent = self._lineage.step(seq)
            self._hand_on(version, parent)
        for line in version.lines:
            self._owners[line] = version.seq

    def _hand_on(self, version: _Version, parent: Step) -> None:
        """Gives the parent those lines that it has, and leaves the version the others."""
        path, blob = version.path, _blob_at(self._reader, parent, version.path)
        if blob is None:
            moved = self._old_name(version, parent)
            if moved is None:
                return
            path, blob = moved
        kept = _carried(self._content(blob), self._content(version.blob), version.lines)
        if kept:
            self.hand_to(_Version(parent.seq, path, blob, kept))
            version.lines = {a: b for a, b in version.lines.items() if a not in kept}

    def _old_name(self, version: _Version, parent: Step) -> tuple[TrackedPath, Oid] | None:
        step = self._lineage.step(version.seq)
        for change in changes(self._reader, parent.snapshot, step.snapshot, hunks=False):
            if change.path == version.path and change.old_path and change.old_blob:
                return change.old_path, change.old_blob
        return None

    def _content(self, blob: Oid) -> bytes:
        if blob not in self._texts:
            if len(self._texts) > 8:
                self._texts.clear()
            self._texts[blob] = self._reader.read(blob)[1]
        return self._texts[blob]


def _carried(old: bytes, new: bytes, lines: dict[int, int]) -> dict[int, int]:
    """Returns those of the lines that `old` has too, as lines of `old`."""
    if old == new:
        return dict(lines)
    if is_binary(old) or len(old) > TOO_LARGE:
        return {}
    found: dict[int, int] = {}
    waiting = sorted(lines.items(), key=lambda pair: pair[1])
    shift, at = 0, 0
    for region in regions(old, new):
        while at < len(waiting) and waiting[at][1] < region.new_start:
            found[waiting[at][0]] = waiting[at][1] - shift
            at += 1
        while at < len(waiting) and waiting[at][1] < region.new_end:
            at += 1
        shift = region.new_end - region.end
    found.update((line, there - shift) for line, there in waiting[at:])
    return found
