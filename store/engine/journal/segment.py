"""One segment: its file, its header, and what is known of its content.

    header twice: magic 8 | format 4 | segment 4 | first operation 8 | salt 8 | CRC-32 4
    frames (frames.py) ...

The header is there twice because without the salt no frame can be checked.
"""

from __future__ import annotations

import os
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.atomic import create_file, fsync_folder, full_write, system_error
from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.frames import Commit, Frame, StepKey
from stepwell.store.engine.journal.index import (
    Extent,
    Identity,
    MappedIndex,
    TailIndex,
    write_index,
)
from stepwell.store.engine.journal.opened import OpenedFile
from stepwell.store.engine.journal.stored import FrameSource
from stepwell.store.engine.journal.walk import Gap, Group, GroupScan, Walker
from stepwell.store.engine.manifest import unknown_format
from stepwell.store.model.ids import Oid, RandomBytes

FOLDER = "journal"
FORMAT = 1
SALT_BYTES = 8

_HEADER = struct.Struct("<8sIIQ8sI")
_MAGIC = b"stepwseg"
HEADER_BYTES = 2 * _HEADER.size


@dataclass(frozen=True, slots=True)
class Header:
    """The first bytes of a segment."""

    segment: int
    first: int
    """Number of the first operation that it may hold; the segment before ends below it."""
    salt: bytes

    def encode(self) -> bytes:
        """Returns the header as it is written, twice."""
        fields = (_MAGIC, FORMAT, self.segment, self.first, self.salt)
        crc = zlib.crc32(_HEADER.pack(*fields, 0)[:-4])
        return _HEADER.pack(*fields, crc) * 2


def segment_path(store: Path, number: int) -> Path:
    """Returns where a segment's file is."""
    return store / FOLDER / f"{number:08d}.segment"


def index_path(store: Path, number: int) -> Path:
    """Returns where a segment's index is."""
    return store / FOLDER / f"{number:08d}.index"


def create_segment(store: Path, number: int, first: int, randomness: RandomBytes) -> None:
    """Creates an empty segment, durably; the manifest does not name it yet.

    Raises:
        NoSpaceError, FailedError: it cannot be created; what may be left of it is not named in the
            manifest, and the next writer removes it.
    """
    path = segment_path(store, number)
    try:
        fd = create_file(path)
        try:
            full_write(fd, Header(number, first, randomness(SALT_BYTES)).encode(), path)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise system_error(error, "creating the segment", path) from error
    fsync_folder(path.parent)


def remove_segment(store: Path, number: int) -> None:
    """Removes a segment and its index; does nothing when they are gone.

    Raises:
        FailedError: the system refuses.
    """
    for path in (index_path(store, number), segment_path(store, number)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise system_error(error, "removing", path) from error


def _decode_header(data: bytes, path: Path) -> Header | None:
    for at in (0, _HEADER.size):
        block = data[at : at + _HEADER.size]
        if len(block) < _HEADER.size or block[:8] != _MAGIC:
            continue
        _, number, segment, first, salt, crc = _HEADER.unpack(block)
        if crc != zlib.crc32(block[:-4]):
            continue
        if number != FORMAT:
            raise unknown_format(path, number)
        return Header(segment, first, salt)
    return None


class Segment:
    """A segment as a reader sees it: everything up to the last commit that was seen.

    `open` reads the header only; `load` makes the content known. A segment whose file is gone or
    whose header is unreadable is `lost`: it holds nothing, and says why.
    """

    def __init__(self, store: Path, number: int) -> None:
        self.store = store
        self.number = number
        self.path = segment_path(store, number)
        self.lost: str | None = None
        """Why nothing of it can be read; None when it can."""
        self.header: Header | None = None
        self.committed = HEADER_BYTES
        """End of the last commit frame that is known."""
        self.gaps: list[Gap] = []
        """Damage found between commits by `load` and `extend`."""
        self.proven = 0
        """Newest operation that an index says the segment had, though it cannot be read."""
        self.tail = TailIndex()
        self.mapped: MappedIndex | None = None
        self.known = False
        """`load` has made its content known."""
        self._loaded = False
        self._file: OpenedFile | None = None
        self._scan = GroupScan(HEADER_BYTES)
        self._last_crc: int | None = None
        """Checksum of the commit that ends at `committed`; None when a scan has not read it."""
        self._open()

    def _open(self) -> None:
        self._file = OpenedFile.open(self.path)
        if self._file is None:
            self.lost = "its file is missing"
            return
        self.header = _decode_header(self.read_at(0, HEADER_BYTES), self.path)
        if self.header is None:
            self._open_without_header()
        if self.header is not None:
            self.source = FrameSource(self._file.read_at, self.header.salt)

    def _open_without_header(self) -> None:
        index = MappedIndex.open(index_path(self.store, self.number), self.number)
        if index is None:
            self.lost = "its header is damaged"
            return
        self.gaps.append(Gap(0, HEADER_BYTES))
        self.header = Header(self.number, index.identity.first, index.identity.salt)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    @property
    def salt(self) -> bytes:
        """The seed of the segment's checksums; empty when it is lost."""
        return self.header.salt if self.header else b""

    def size(self) -> int:
        """Returns the file's size now; 0 when it is lost."""
        return 0 if self.lost or self._file is None else self._file.size()

    def read_at(self, offset: int, length: int) -> bytes:
        """Returns bytes of the file, as `OpenedFile` does; nothing of a lost one."""
        return b"" if self._file is None else self._file.read_at(offset, length)

    def load(self, limit: int | None) -> None:
        """Makes the content known, from the index and by walking what that does not cover.

        `limit` is the first operation of the next segment; from there on operations are void here.
        """
        if self._loaded or self.lost:
            return
        self._loaded = True
        index = MappedIndex.open(index_path(self.store, self.number), self.number)
        if index is not None and index.identity.salt == self.salt:
            if index.covered <= self.size():
                self.mapped = index
                self.committed = index.covered
            else:
                self.proven = index.last_number
        self._scan = GroupScan(self.committed)
        self.extend(limit)
        self.known = True

    def extend(self, limit: int | None) -> bool:
        """Takes in what was committed since; returns True when some that was known is void."""
        if self.lost:
            return False
        size = self.size()
        groups = self._new_groups(size) if size > self.committed else []
        # Only now, as a writer may have cut and written again while the groups were read.
        if self._was_cut(size):
            self._forget()
            self.load(limit)
            return True
        for group in groups:
            self._take(group, limit)
        return False

    def _was_cut(self, size: int) -> bool:
        """Tells whether the last commit that is known is not in the file any more."""
        if size < self.committed:
            return self.committed > HEADER_BYTES
        if self._last_crc is None:
            return False
        stored = self.read_at(self.committed - frames.CRC_BYTES, frames.CRC_BYTES)
        return int.from_bytes(stored, "little") != self._last_crc

    def _forget(self) -> None:
        """Drops what was known: a writer has cut the file, so that what was seen never counted."""
        self.tail = TailIndex()
        self.mapped = None
        self.gaps = []
        self.committed = HEADER_BYTES
        self._last_crc = None
        self._loaded = self.known = False

    def _new_groups(self, size: int) -> list[Group]:
        if size < self._scan.position:
            self._scan = GroupScan(self.committed)
        self._scan.advance(self.read_at, self.salt, size)
        if self._scan.doubtful:
            # Either damage, or a writer cut and wrote again meanwhile: a fresh look tells.
            self._scan = GroupScan(self.committed)
            self._scan.advance(self.read_at, self.salt, self.size())
        groups, gaps = self._scan.groups, self._scan.gaps
        self._scan.groups, self._scan.gaps = [], []
        self.gaps.extend(gaps)
        return groups

    def _take(self, group: Group, limit: int | None) -> None:
        if limit is not None and group.number >= limit:
            return
        if group.number > self.last_number:
            self.tail.add(group)
        self._know_end(group)

    def _know_end(self, group: Group) -> None:
        self.committed, self._last_crc = group.end, group.crc

    def add(self, group: Group) -> None:
        """Takes in a group that the caller has just appended; that it is on disk is his concern."""
        self.tail.add(group)
        self._know_end(group)
        self._scan = GroupScan(group.end)

    def header_intact(self) -> bool:
        """Tells whether both copies of the header are as they were written."""
        return self.header is not None and self.read_at(0, HEADER_BYTES) == self.header.encode()

    def walk(self) -> Iterator[Frame | Gap]:
        """Yields all frames and gaps of the file as it is now."""
        return iter(Walker(self.read_at, self.salt, HEADER_BYTES, self.size()))

    def write_index(self) -> None:
        """Writes the index over everything that is known and goes on with it.

        Raises:
            FailedError: it cannot be written; nothing is lost by that.
        """
        if self.header is None:
            return
        identity = Identity(self.number, self.header.salt, self.header.first)
        extent = Extent(self.committed, self.frame_count)
        path = index_path(self.store, self.number)
        parts = [self.mapped.tables()] if self.mapped else []
        write_index(path, identity, extent, [*parts, self.tail.tables()])
        written = MappedIndex.open(path, self.number)
        if written is not None:
            self.mapped, self.tail = written, TailIndex()

    @property
    def frame_count(self) -> int:
        """How many committed frames it holds."""
        return self.tail.frames + (self.mapped.frames if self.mapped else 0)

    @property
    def operation_count(self) -> int:
        """How many operations it holds."""
        return self._mapped_count + len(self.tail.operations)

    @property
    def _mapped_count(self) -> int:
        return self.mapped.operation_count if self.mapped else 0

    @property
    def last_number(self) -> int:
        """The newest operation that can be read; 0 when there is none."""
        count = self.operation_count
        return self.operation_row(count - 1)[0] if count else 0

    def operation_row(self, position: int) -> tuple[int, int]:
        """Returns number and offset of the operation at a position, ascending from 0."""
        if self.mapped is not None and position < self._mapped_count:
            return self.mapped.operation_row(position)
        return self.tail.operations[position - self._mapped_count]

    def operation_position(self, number: int) -> int:
        """Returns the position of the first operation that is not below `number`."""
        if self.mapped is not None and number <= self.mapped.last_number:
            return self.mapped.operation_position(number)
        return self._mapped_count + bisect_left(self.tail.operations, (number, 0))

    def operation_offset(self, number: int) -> int | None:
        """Returns where an operation's frame is."""
        position = self.operation_position(number)
        if position < self.operation_count:
            found, offset = self.operation_row(position)
            return offset if found == number else None
        return None

    def commit_at(self, offset: int) -> Commit | None:
        """Returns the commit at an offset; None when it is damaged."""
        frame = self.source.frame(offset)
        if frame is None or frame.kind != frames.OPERATION:
            return None
        try:
            return frames.unpack_commit(frame.payload)
        except ValueError:
            return None

    def object_offsets(self, oid: Oid) -> list[int]:
        """Returns the offsets of an object's frames, newest first."""
        found = self.tail.object_offsets(oid)
        return found + self.mapped.object_offsets(oid) if self.mapped else found

    def step_offset(self, key: bytes) -> int | None:
        """Returns the offset of the operation that recorded the step."""
        found = self.tail.step_offset(key)
        return self.mapped.step_offset(key) if found is None and self.mapped else found

    def seq_row(self, seq: int) -> tuple[bytes, int] | None:
        """Returns step id and operation offset of a seq."""
        found = self.tail.seq_row(seq)
        return self.mapped.seq_row(seq) if found is None and self.mapped else found

    def steps_at(self, offset: int) -> list[bytes]:
        """Returns the steps that the operation at an offset recorded, as the index knows them."""
        return [key for key, _ in self.step_keys() if self.step_offset(key) == offset]

    def step_keys(self) -> Iterator[StepKey]:
        """Yields the steps in the order in which they were recorded."""
        if self.mapped is not None:
            yield from self.mapped.step_keys()
        yield from self.tail.step_keys()

    def keys_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Yields the step ids from `low` to `high`, both included."""
        if self.mapped is not None:
            yield from self.mapped.keys_between(low, high)
        yield from self.tail.keys_between(low, high)
