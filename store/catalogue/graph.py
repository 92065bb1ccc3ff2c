"""The shape of the whole history as columns: 48 bytes a step, in one file that only grows.

A step's *row* is its place from the oldest (0). The file is a header and one fixed record a step;
the records are taken apart into columns with strided copies, so that loading costs milliseconds
whatever the length. A `Pin` kept elsewhere says how much of the file counts, and its CRC.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.store.catalogue.appendfile import (
    NOTHING,
    Pin,
    damaged,
    read_behind,
    write_behind,
)
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step, StepKind

if TYPE_CHECKING:
    from stepwell.store.model.reports import Grown

KINDS: tuple[StepKind, ...] = (
    "prompt",
    "tool",
    "capture",
    "rollback",
    "merge",
    "outside",
    "gap",
)
FLAGS = ("safety", "outside", "joint", "imported", "late", "unstable")
"""Flags of steps that have a bit, lowest first."""
CHANGED = 1 << 12
"""Bit: the step changed files."""
MANY_PARENTS = 1 << 13
"""Bit: the step has more parents than the two that the graph knows."""
FAILED = 1 << 14
"""Bit: the step's command or tool call did not succeed."""
OTHER_FLAG = 1 << 15
"""Bit: the step has a flag that has no bit of its own."""

NO_STEP = 0
"""Stands for the parent of a step that has none; step numbers begin at 1."""
NO_SESSION = 0

_HEADER = b"stepwell-graph 3 %-14s\n" % sys.byteorder.encode("ascii")
_RECORD = struct.Struct("=q16sIIIIHBxI")
_SIZE = _RECORD.size
_ID_SIZE = 16
_LARGEST = 2**32 - 1


class Graph:
    """Every step's number, parents, time, id, kind, flags, session and size, oldest first.

    The columns are for reading; only `add` and `load` extend them, each column in turn and `seqs`
    last, so that a reader in another thread finds whole rows below `len(graph)`.
    """

    def __init__(self) -> None:
        self.seqs = array("I")
        """Step numbers, ascending."""
        self.parents = array("I")
        """Number of the first parent; NO_STEP: there is none."""
        self.others = array("I")
        """Number of the second parent, of merges."""
        self.times = array("q")
        """Nanoseconds since the epoch."""
        self.kinds = array("B")
        """Places in KINDS."""
        self.flags = array("H")
        """Bits: FLAGS, CHANGED, MANY_PARENTS, FAILED and OTHER_FLAG."""
        self.sessions = array("I")
        """The session's number in the catalogue; NO_SESSION: the step has none."""
        self.sizes = array("I")
        """Bytes that the step added to the history as written; a step above 4 GiB counts as that."""
        self._ids = bytearray()
        self._children: dict[int, list[int]] | None = None
        self._children_rows = 0
        self._of_sessions: dict[int, tuple[array[int], int]] = {}
        """Session -> its rows, and how many rows were looked at for that."""

    def __len__(self) -> int:
        return len(self.seqs)

    @property
    def last_seq(self) -> int:
        """The newest step's number; NO_STEP when there is no step."""
        return self.seqs[-1] if self.seqs else NO_STEP

    def row_at(self, seq: int) -> int:
        """Returns the row of a step number, or of the next one above when it is not there."""
        return bisect_left(self.seqs, seq)

    def row_of(self, seq: int) -> int | None:
        """Returns the row of a step number."""
        row = self.row_at(seq)
        return row if row < len(self.seqs) and self.seqs[row] == seq else None

    def row_of_id(self, step: StepId) -> int | None:
        """Returns the row of a step id; new steps are found fastest."""
        raw = _raw_id(step)
        end = len(self._ids)
        while raw is not None and (found := self._ids.rfind(raw, 0, end)) >= 0:
            if found % _ID_SIZE == 0:
                return found // _ID_SIZE
            end = found + _ID_SIZE - 1
        return None

    def id_of(self, row: int) -> StepId:
        """Returns the id of the step in a row."""
        return StepId(self._ids[row * _ID_SIZE : (row + 1) * _ID_SIZE].hex())

    def ids_with_prefix(self, prefix: str) -> list[StepId]:
        """Returns the ids that begin with these lower-case hex digits, oldest step first."""
        try:
            raw = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
        except ValueError:
            return []
        found = (self.id_of(row) for row in self._rows_with(raw))
        return [step for step in found if step.startswith(prefix)]

    def _rows_with(self, raw: bytes) -> Iterator[int]:
        if not raw:
            yield from range(len(self))
            return
        at = self._ids.find(raw)
        while at >= 0:
            if at % _ID_SIZE == 0:
                yield at // _ID_SIZE
            at = self._ids.find(raw, at + 1)

    def chain(self, row: int) -> Iterator[int]:
        """Returns the rows from `row` down its first parents, newest first."""
        while True:
            yield row
            wanted = self.parents[row]
            if row and wanted == self.seqs[row - 1]:
                row -= 1
                continue
            parent = self.row_of(wanted) if wanted else None
            if parent is None:
                return
            row = parent

    def children(self, row: int) -> list[int]:
        """Returns the rows of the steps that have this one as a parent, oldest first."""
        if self._children is None:
            self._children = {}
        for child in range(self._children_rows, len(self.seqs)):
            for parent in {self.parents[child], self.others[child]} - {NO_STEP}:
                self._children.setdefault(parent, []).append(child)
        self._children_rows = len(self.seqs)
        return list(self._children.get(self.seqs[row], ()))

    def session_rows(self, session: int) -> Sequence[int]:
        """Returns the rows of a session's steps, oldest first; not to be changed."""
        rows, looked = self._of_sessions.get(session, (array("I"), 0))
        end = len(self.seqs)
        if looked < end:
            sessions = self.sessions
            new = array("I", (row for row in range(looked, end) if sessions[row] == session))
            # Whoever has the old rows keeps them.
            rows = rows + new if new else rows
            self._of_sessions[session] = (rows, end)
        return rows

    def merges(self) -> dict[int, tuple[int, ...]]:
        """Returns step number -> second parent, for the steps that have more than one."""
        pairs = zip(self.seqs, self.others, strict=False)
        return {seq: (other,) for seq, other in pairs if other}

    def octopuses(self) -> list[int]:
        """Returns the rows of the steps with more than two parents, oldest first."""
        return [row for row, flags in enumerate(self.flags) if flags & MANY_PARENTS]

    def kind(self, row: int) -> StepKind:
        """Returns the kind of the step in a row."""
        return KINDS[self.kinds[row]]

    def growth(self, points: int) -> tuple[Grown, ...]:
        """Returns how far the history had come at the ends of `points` equal spans of its time.

        A step whose clock was behind counts as taken when the one before it was. Empty without a
        step, or for no points.
        """
        from stepwell.store.model.reports import Grown  # the newest steps do not wait for it

        size = len(self.seqs)
        if not size or points < 1:
            return ()
        times = array("q", accumulate(self.times[:size], max))
        totals = array("Q", accumulate(self.sizes[:size]))
        first, span = times[0], times[-1] - times[0]
        ends = [first + span * point // points for point in range(1, points + 1)]
        counts = [bisect_right(times, end) for end in ends]
        return tuple(
            Grown(end, count, totals[count - 1]) for end, count in zip(ends, counts, strict=True)
        )

    def add(self, step: Step, session: int) -> bytes:
        """Adds a step newer than all others and returns its record for the file.

        A parent that is not in the graph counts as none.
        """
        parents = [self._seq_of(parent) for parent in step.parents[:2]]
        first, second = (*parents, NO_STEP, NO_STEP)[:2]
        fields = (first, second, session, _flag_bits(step), KINDS.index(step.kind))
        size = min(step.stored_bytes, _LARGEST)
        record = _RECORD.pack(step.time_ns, bytes.fromhex(step.id), step.seq, *fields, size)
        self.load(record)
        return record

    def settle(self, seq: int, failed: bool) -> None:
        """Notes whether a step failed, which came to be known after it was recorded."""
        row = self.row_of(seq)
        if row is not None:
            self.flags[row] = self.flags[row] & ~FAILED | (FAILED if failed else 0)

    def _seq_of(self, step: StepId) -> int:
        row = self.row_of_id(step)
        return NO_STEP if row is None else self.seqs[row]

    def load(self, records: bytes | memoryview) -> None:
        """Adds whole records as `add` returned them."""
        view = memoryview(records)
        words, longs = view.cast("I"), view.cast("Q")
        ids = memoryview(bytearray(len(records) // _SIZE * _ID_SIZE)).cast("Q")
        ids[0::2], ids[1::2] = longs[1::6], longs[2::6]
        self._ids += ids.cast("B")
        self.times.frombytes(longs[0::6].tobytes())
        self.parents.frombytes(words[7::12].tobytes())
        self.others.frombytes(words[8::12].tobytes())
        self.sessions.frombytes(words[9::12].tobytes())
        self.flags.frombytes(view.cast("H")[20::24].tobytes())
        self.kinds.frombytes(view[42::_SIZE].tobytes())
        self.sizes.frombytes(words[11::12].tobytes())
        self.seqs.frombytes(words[6::12].tobytes())


def _raw_id(step: StepId) -> bytes | None:
    try:
        raw = bytes.fromhex(step)
    except ValueError:
        return None
    return raw if len(raw) == _ID_SIZE else None


def _flag_bits(step: Step) -> int:
    bits = FAILED if step.result is not None and not step.result.ok else 0
    bits |= MANY_PARENTS if len(step.parents) > 2 else 0
    bits |= CHANGED if step.changes.files else 0
    for flag in step.flags:
        bits |= 1 << FLAGS.index(flag) if flag in FLAGS else OTHER_FLAG
    return bits


class GraphFile:
    """The records on disk, as far as they were read or written here: up to `pin`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pin = NOTHING

    def read(self, until: Pin) -> memoryview:
        """Returns the records behind `pin` up to `until`, and moves `pin` there.

        Raises:
            IntegrityError: the bytes are not those that were written.
        """
        start = self.pin
        if until == start:
            return memoryview(b"")
        content = read_behind(self.path, start.size, until.size)
        if (start.size + len(content), zlib.crc32(content, start.crc)) != until:
            raise damaged(self.path, "it is not as long, or not as it was, when last written")
        records = memoryview(content)[0 if start.size else len(_HEADER) :]
        if len(records) % _SIZE or not (start.size or content.startswith(_HEADER) or not content):
            raise damaged(self.path, "it is of another kind or format")
        self.pin = until
        return records

    def append(self, records: bytes) -> None:
        """Adds records with one write.

        Raises:
            NoSpaceError, FailedError: the system said no; the file is as before.
            IntegrityError: the file is shorter than what was read from it.
        """
        content = records if self.pin.size else _HEADER + records
        write_behind(self.path, self.pin.size, content)
        self.pin = Pin(self.pin.size + len(content), zlib.crc32(content, self.pin.crc))
