"""What is sealed, by operation, step and seq: derived, and never the only copy.

A file per sealing, named by the last operation that it covers and the commit that holds it, so that a reader of the old manifest
and one of the new both find theirs. One that is absent, foreign or damaged is made again from the
operations in the packs.

    magic 8 | format 4 | last operation 8 | operations 8 | raw bytes 8 | rows of each table 3x4
    chunks: first operation 8, last 8, blob 20    steps: id 16, operation 4, commit 20
    seqs: seq 4, operation 4    | CRC-32 4
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.atomic import write_atomic
from stepwell.store.engine.tables import CRC, Table, integer, is_sound, map_file
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Operation, StepRecorded

_MAGIC = b"stepwsld"
_FORMAT = 1
_HEADER = struct.Struct(">8sIQQQ3I")
_CHUNK = struct.Struct(">QQ20s")
_STEP = struct.Struct(">16sI20s")
_SEQ = struct.Struct(">II")
_NONE = bytes(20)
"""In place of a commit that is not there."""
_WIDTHS = (_CHUNK.size, _STEP.size, _SEQ.size)
_KEYS = (8, 16, 4)


class Chunk(NamedTuple):
    """A blob of operations, one JSON document a line, ascending."""

    first: int
    last: int
    blob: Oid


@dataclass(slots=True)
class SealedRows:
    """The tables under way, unsorted."""

    operations: int = 0
    raw_bytes: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    steps: list[tuple[bytes, int]] = field(default_factory=list)
    seqs: list[tuple[int, int]] = field(default_factory=list)

    def add(self, operation: Operation) -> None:
        """Adds what an operation recorded."""
        self.operations += 1
        for effect in operation.effects:
            if isinstance(effect, StepRecorded):
                step = effect.step
                self.raw_bytes += step.raw_bytes
                self.steps.append((bytes.fromhex(step.id), operation.number))
                self.seqs.append((step.seq, operation.number))


class SealedIndex:
    """An index in mapped memory."""

    def __init__(self, memory: mmap.mmap | bytes) -> None:
        fields = _HEADER.unpack_from(memory)
        self.last: int = fields[2]
        """The last operation that is sealed."""
        self.operation_count: int = fields[3]
        self.raw_bytes: int = fields[4]
        """Of all sealed steps together, as View.raw_bytes."""
        at = _HEADER.size
        tables = []
        for count, width, key in zip(fields[5:], _WIDTHS, _KEYS, strict=True):
            tables.append(Table(memory, at, count, width, key))
            at += count * width
        self._chunks, self._steps, self._seqs = tables

    @classmethod
    def open(cls, path: Path, last: int) -> SealedIndex | None:
        """Returns the index up to operation `last`; None when there is no file to be trusted."""
        memory = map_file(path)
        if memory is None or len(memory) < _HEADER.size + CRC.size:
            return None
        fields = _HEADER.unpack_from(memory)
        body = len(memory) - CRC.size
        rows = sum(count * width for count, width in zip(fields[5:], _WIDTHS, strict=True))
        if fields[:3] != (_MAGIC, _FORMAT, last) or body != _HEADER.size + rows:
            return None
        return cls(memory) if is_sound(memory, body) else None

    @property
    def step_count(self) -> int:
        """How many steps are sealed."""
        return self._steps.count

    def chunks(self) -> list[Chunk]:
        """Returns all chunks, ascending."""
        return [Chunk(*_CHUNK.unpack(row)) for row in self._chunks.rows()]

    def chunk_of(self, number: int) -> Chunk | None:
        """Returns the chunk that an operation would be in."""
        at = self._chunks.position((number + 1).to_bytes(8, "big")) - 1
        chunk = Chunk(*_CHUNK.unpack(self._chunks.row(at))) if at >= 0 else None
        return chunk if chunk is not None and chunk.last >= number else None

    def operation_of(self, step: bytes) -> int | None:
        """Returns the operation that recorded a step."""
        rows = self._steps.matches(step)
        return integer(rows[-1][16:20]) if rows else None

    def commit_of(self, step: bytes) -> Oid | None:
        """Returns a step's derived commit."""
        rows = self._steps.matches(step)
        return Oid(rows[-1][20:]) if rows and rows[-1][20:] != _NONE else None

    def step_seqs(self) -> Iterator[int]:
        """Yields the seqs of all steps, ascending."""
        return (integer(row[:4]) for row in self._seqs.rows())

    def commits(self) -> list[Oid]:
        """Returns the derived commits of all steps, in no order."""
        return [Oid(row[20:]) for row in self._steps.rows()]

    def steps(self) -> list[tuple[bytes, int]]:
        """Returns id and operation of all steps, in no order."""
        return [(row[:16], integer(row[16:20])) for row in self._steps.rows()]

    def operation_of_seq(self, seq: int) -> int | None:
        """Returns the operation that recorded the step with a seq."""
        rows = self._seqs.matches(seq.to_bytes(4, "big")) if seq < 1 << 32 else []
        return integer(rows[-1][4:]) if rows else None

    def keys_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Yields the step ids from `low` to `high`, both included, in order."""
        yield from self._steps.keys_between(low, high)

    def tables(self) -> list[list[bytes]]:
        """Returns the rows of all tables."""
        return [table.rows() for table in (self._chunks, self._steps, self._seqs)]


def encode_index(
    last: int, old: SealedIndex | None, new: SealedRows, commits: Mapping[bytes, Oid]
) -> bytes:
    """Returns the bytes of an index over what `old` covers and `new` adds.

    `commits` has the derived commit of each new step.
    """
    tables = old.tables() if old is not None else [[], [], []]
    tables[0] += [_CHUNK.pack(*chunk) for chunk in new.chunks]
    tables[1] += [_STEP.pack(key, number, commits.get(key, _NONE)) for key, number in new.steps]
    tables[2] += [_SEQ.pack(seq, number) for seq, number in new.seqs]
    for table in tables:
        table.sort()
    head = _HEADER.pack(
        _MAGIC,
        _FORMAT,
        last,
        new.operations + (old.operation_count if old else 0),
        new.raw_bytes + (old.raw_bytes if old else 0),
        *(len(table) for table in tables),
    )
    body = head + b"".join(row for table in tables for row in table)
    return body + CRC.pack(zlib.crc32(body))


def index_path(store: Path, last: int, commit: str) -> Path:
    """Returns where the index up to an operation is, of the history that a commit (hex) holds."""
    return store / "journal" / f"sealed-{last:010d}-{commit[:16]}.index"


def write_index(path: Path, content: bytes) -> None:
    """Writes an index file; not synced, because a torn one is made again.

    Raises:
        FailedError: it cannot be written.
    """
    write_atomic(path, content, durable=False)


def remove_other_indexes(kept: Path) -> None:
    """Removes the indexes beside the one that is kept."""
    for path in kept.parent.glob("sealed-*.index"):
        if path != kept:
            # They are in nobody's way, and the next sealing tries again.
            with suppress(OSError):
                path.unlink(missing_ok=True)
