"""Walking a segment frame by frame, past whatever is damaged, and grouping frames by commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.frames import Frame, Head, StepKey
from stepwell.store.model.ids import Oid

ReadAt = Callable[[int, int], bytes]
"""Returns up to that many bytes (second) from that offset (first); fewer only at the end."""

_BLOCK = 256 << 10


class Gap(NamedTuple):
    """A stretch that holds no valid frame. At the end of a segment it may be a torn write."""

    offset: int
    end: int


class Walker:
    """Iterates over the frames and gaps of `start..end` in order, covering every byte."""

    def __init__(self, read_at: ReadAt, salt: bytes, start: int, end: int) -> None:
        self._read_at = read_at
        self._salt = salt
        self._start = start
        self._end = end
        self._base = start
        self._window = b""

    def __iter__(self) -> Iterator[Frame | Gap]:
        at = self._start
        while at < self._end:
            frame = self._frame(at)
            if frame is not None:
                yield frame
                at = frame.end
            else:
                resumed = self._resume(at)
                yield Gap(at, resumed)
                at = resumed

    def _fill(self, at: int, length: int) -> int:
        """Makes `length` bytes from `at` available, as far as there are; returns their index."""
        if not self._base <= at <= at + length <= self._base + len(self._window):
            wanted = min(max(length, _BLOCK), self._end - at)
            self._window = self._read_at(at, wanted)
            self._base = at
        return at - self._base

    def _head(self, at: int) -> Head | None:
        index = self._fill(at, frames.HEAD_BYTES)
        return frames.read_head(self._window, index, at, self._salt)

    def _frame(self, at: int) -> Frame | None:
        head = self._head(at)
        if head is None or at + frames.OVERHEAD + head.length > self._end:
            return None
        index = self._fill(at, frames.OVERHEAD + head.length)
        return frames.read_frame(self._window, index, at, head)

    def _resume(self, bad: int) -> int:
        """Returns where the next valid frame after a bad one begins, or the end."""
        head = self._head(bad)
        if head is not None:
            after = bad + frames.OVERHEAD + head.length
            if after == self._end or (after < self._end and self._frame(after) is not None):
                return after
        at = bad + 1
        while (found := self._find_marker(at)) is not None:
            if self._frame(found) is not None:
                return found
            at = found + 1
        return self._end

    def _find_marker(self, at: int) -> int | None:
        overlap = len(frames.MARKER) - 1
        while self._end - at > overlap:
            index = self._fill(at, min(_BLOCK, self._end - at))
            found = self._window.find(frames.MARKER, index)
            if found >= 0:
                return self._base + found
            reached = self._base + len(self._window) - overlap
            if reached <= at:
                return None
            at = reached
        return None


@dataclass(frozen=True, slots=True)
class Group:
    """The frames that one commit frame commits."""

    number: int
    """Of the operation."""
    offset: int
    """Of the commit frame."""
    end: int
    objects: tuple[tuple[Oid, int], ...]
    """Id and frame offset, in order."""
    steps: tuple[StepKey, ...]
    frames: int
    whole: bool
    """False when the frames before the commit are not exactly those that it was written with."""
    crc: int | None = None
    """Checksum of the commit frame; None when it was not read from the file."""


@dataclass(slots=True)
class GroupScan:
    """Collects frames into groups; can be continued when the segment has grown.

    `position` is the end of what was understood: behind it lies nothing, a frame that is not
    complete yet, or a torn write.
    """

    position: int
    groups: list[Group] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    """Damage: stretches without valid frames, followed by a valid commit."""
    _objects: list[tuple[Oid, int]] = field(default_factory=list)
    _count: int = 0
    _digest: int = 0
    _open_gaps: list[Gap] = field(default_factory=list)

    @property
    def doubtful(self) -> bool:
        """True when something was not as it was written: damage, or a writer at work meanwhile."""
        return bool(self.gaps) or not all(g.whole for g in self.groups)

    def advance(self, read_at: ReadAt, salt: bytes, end: int) -> None:
        """Goes on from `position` to `end`."""
        self._open_gaps.clear()
        last = self.position
        for item in Walker(read_at, salt, self.position, end):
            if isinstance(item, Gap):
                self._open_gaps.append(item)
            else:
                self._take(item)
                last = item.end
        self.position = self._open_gaps[0].offset if self._open_gaps else last

    def _take(self, frame: Frame) -> None:
        try:
            if frame.kind == frames.OPERATION:
                self._close_group(frame)
                return
            if frame.kind == frames.OBJECT:
                self._objects.append((frames.unpack_object(frame.payload).oid, frame.offset))
            elif frame.kind == frames.LARGE:
                self._objects.append((frames.unpack_large(frame.payload).oid, frame.offset))
        except ValueError:
            self._open_gaps.append(Gap(frame.offset, frame.end))
            return
        self._count += 1
        self._digest = frames.extend_digest(self._digest, frame.crc)

    def _close_group(self, frame: Frame) -> None:
        commit = frames.unpack_commit(frame.payload)
        whole = (commit.frames, commit.digest) == (self._count, self._digest)
        self.groups.append(
            Group(
                commit.number,
                frame.offset,
                frame.end,
                tuple(self._objects),
                commit.steps,
                self._count + 1,
                whole,
                frame.crc,
            )
        )
        self.gaps.extend(self._open_gaps)
        self._open_gaps.clear()
        self._objects = []
        self._count = self._digest = 0
