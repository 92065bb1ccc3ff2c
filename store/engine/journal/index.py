"""What a segment holds, by object, operation, step and seq: derived, and never the only copy.

`TailIndex` is kept in memory for the frames that no file covers yet. `MappedIndex` is a file over a
prefix of the segment: sorted tables, looked up by bisection in mapped memory, with a checksum. A
file that is absent, stale, foreign or damaged is ignored, and the segment is walked instead.

    magic 8 | format 4 | segment 4 | salt 8 | first 8 | covered 8 | frames 8 | rows of each table 4x8
    objects: id 20, frame offset 8    operations: number 8, offset 8
    steps: id 16, operation offset 8  seqs: seq 8, id 16, operation offset 8     | CRC-32 4

Integers in the tables are big-endian, so that the order of rows is the order of their bytes.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.atomic import write_atomic
from stepwell.store.engine.journal.frames import StepKey
from stepwell.store.engine.journal.walk import Group
from stepwell.store.engine.tables import CRC, Table, integer, is_sound, map_file
from stepwell.store.model.ids import Oid

_MAGIC = b"stepwidx"
_FORMAT = 1
_HEADER = struct.Struct(">8sII8sQQQ4Q")
_NUMBER = struct.Struct(">Q")
_WIDTHS = (28, 16, 24, 32)
_KEYS = (20, 8, 16, 8)
_OFTEN = 64
_MOST_OBJECTS = 20_000
"""With more objects than that almost any two bytes begin some id."""


class Identity(NamedTuple):
    """Which segment an index belongs to."""

    segment: int
    salt: bytes
    first: int
    """Number of the first operation that the segment may hold."""


class MappedIndex:
    """An index file; covers the segment's bytes up to `covered`."""

    def __init__(self, memory: mmap.mmap, identity: Identity) -> None:
        fields = _HEADER.unpack_from(memory)
        self.identity = identity
        self.covered: int = fields[5]
        self.frames: int = fields[6]
        at = _HEADER.size
        tables = []
        for count, width, key in zip(fields[7:], _WIDTHS, _KEYS, strict=True):
            tables.append(Table(memory, at, count, width, key))
            at += count * width
        self._objects, self._operations, self._steps, self._seqs = tables
        self._asked = 0
        self._beginnings = b""

    @classmethod
    def open(cls, path: Path, segment: int) -> MappedIndex | None:
        """Returns the index of that segment, or None when there is no file to be trusted."""
        memory = map_file(path)
        if memory is None or len(memory) < _HEADER.size + CRC.size:
            return None
        fields = _HEADER.unpack_from(memory)
        if fields[:3] != (_MAGIC, _FORMAT, segment):
            return None
        body = len(memory) - CRC.size
        rows = sum(count * width for count, width in zip(fields[7:], _WIDTHS, strict=True))
        if body != _HEADER.size + rows or not is_sound(memory, body):
            return None
        return cls(memory, Identity(segment, fields[3], fields[4]))

    @property
    def operation_count(self) -> int:
        return self._operations.count

    @property
    def last_number(self) -> int:
        """The newest operation; 0 when there is none."""
        return self.operation_row(self.operation_count - 1)[0] if self.operation_count else 0

    def object_offsets(self, oid: Oid) -> list[int]:
        """Returns the offsets of an object's frames, newest first."""
        if not self._may_hold(oid):
            return []
        return [integer(row[20:]) for row in reversed(self._objects.matches(oid))]

    def _may_hold(self, oid: Oid) -> bool:
        """Tells whether a look at the table is worth it, to whoever asks often.

        Most segments do not hold what is looked for, and that is what most of a look costs.
        """
        if not self._beginnings:
            self._asked += 1
            if self._asked < _OFTEN or self._objects.count > _MOST_OBJECTS:
                return True
            self._beginnings = self._objects.beginnings()
        return bool(self._beginnings[oid[0] << 5 | oid[1] >> 3] >> (oid[1] & 7) & 1)

    def operation_row(self, index: int) -> tuple[int, int]:
        """Returns number and offset of the operation at a position."""
        row = self._operations.row(index)
        return integer(row[:8]), integer(row[8:])

    def operation_position(self, number: int) -> int:
        """Returns the position of the first operation that is not below `number`."""
        return self._operations.position(_NUMBER.pack(number))

    def step_offset(self, key: bytes) -> int | None:
        """Returns the offset of the operation that recorded the step."""
        rows = self._steps.matches(key)
        return integer(rows[-1][16:]) if rows else None

    def seq_row(self, seq: int) -> tuple[bytes, int] | None:
        """Returns step id and operation offset of a seq."""
        rows = self._seqs.matches(_NUMBER.pack(seq))
        return (rows[-1][8:24], integer(rows[-1][24:])) if rows else None

    def step_keys(self) -> Iterator[StepKey]:
        """Yields the steps by seq."""
        for row in self._seqs.rows():
            yield StepKey(row[8:24], integer(row[:8]))

    def keys_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Yields the step ids from `low` to `high`, both included, in order."""
        yield from self._steps.keys_between(low, high)

    def tables(self) -> list[list[bytes]]:
        """Returns the rows of all four tables."""
        return [t.rows() for t in (self._objects, self._operations, self._steps, self._seqs)]


class TailIndex:
    """The same facts for the frames behind a mapped index, or for a segment without one."""

    def __init__(self) -> None:
        self.frames = 0
        self.operations: list[tuple[int, int]] = []
        """Number and offset, ascending."""
        self._objects: dict[Oid, int] = {}
        self._older: list[tuple[Oid, int]] = []
        self._steps: dict[bytes, int] = {}
        self._seqs: dict[int, tuple[bytes, int]] = {}

    def add(self, group: Group) -> None:
        """Adds a committed group, which follows those that were added before."""
        for oid, offset in group.objects:
            if oid in self._objects:
                self._older.append((oid, self._objects[oid]))
            self._objects[oid] = offset
        for key, seq in group.steps:
            self._steps[key] = group.offset
            self._seqs[seq] = (key, group.offset)
        self.operations.append((group.number, group.offset))
        self.frames += group.frames

    def object_offsets(self, oid: Oid) -> list[int]:
        """Returns the offsets of an object's frames, newest first."""
        newest = self._objects.get(oid)
        if newest is None:
            return []
        older = [offset for other, offset in self._older if other == oid]
        return [newest, *reversed(older)]

    def step_offset(self, key: bytes) -> int | None:
        """Returns the offset of the operation that recorded the step."""
        return self._steps.get(key)

    def seq_row(self, seq: int) -> tuple[bytes, int] | None:
        """Returns step id and operation offset of a seq."""
        return self._seqs.get(seq)

    def step_keys(self) -> Iterator[StepKey]:
        """Yields the steps in the order in which they were recorded."""
        for seq, (key, _) in list(self._seqs.items()):
            yield StepKey(key, seq)

    def keys_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Yields the step ids from `low` to `high`, both included, in no order."""
        return (key for key in list(self._steps) if low <= key <= high)

    def tables(self) -> list[list[bytes]]:
        """Returns the rows of all four tables, unsorted."""
        pack = _NUMBER.pack
        placed = [*self._older, *self._objects.items()]
        return [
            [oid + pack(offset) for oid, offset in placed],
            [pack(operation) + pack(offset) for operation, offset in self.operations],
            [key + pack(offset) for key, offset in self._steps.items()],
            [pack(seq) + key + pack(offset) for seq, (key, offset) in self._seqs.items()],
        ]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a segment an index covers."""

    covered: int
    frames: int


def write_index(
    path: Path, identity: Identity, extent: Extent, parts: Iterable[list[list[bytes]]]
) -> None:
    """Replaces an index file by the union of the tables in `parts`.

    Raises:
        FailedError: it cannot be written; what was there stays.
    """
    tables: list[list[bytes]] = [[], [], [], []]
    for part in parts:
        for table, rows in zip(tables, part, strict=True):
            table.extend(rows)
    for table in tables:
        table.sort()
    counts = (len(table) for table in tables)
    segment, salt, first = identity
    head = _HEADER.pack(
        _MAGIC,
        _FORMAT,
        segment,
        salt,
        first,
        extent.covered,
        extent.frames,
        *counts,
    )
    body = head + b"".join(row for table in tables for row in table)
    write_atomic(path, body + CRC.pack(zlib.crc32(body)), durable=False)
