"""A diff as numbered rows: what stands on row N, without an object for each row.

Rows are computed when asked for. What is kept is one entry for each file and hunk and, for hunks
that were looked at, one byte for each line; so a diff of a million lines opens as fast as a small
one.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

from stepwell.tui.model.linetext import line_text
from stepwell.tui.model.notices import notices
from stepwell.tui.model.worddiff import Spans, changed_spans, pair_lines
from stepwell.tui.values import Change, Hunk, Oid, PatchLines, signs_before, signs_of

RUN = 64
"""Longer runs of removed or added lines get no word emphasis."""

_HEAD = -1

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Kind(Enum):
    """What a row shows."""

    BLANK = "blank"
    FILE = "file"
    NOTICE = "notice"
    GAP = "gap"
    CONTEXT = " "
    ADD = "+"
    DELETE = "-"
    ENDING = "\\"


LINES = frozenset((Kind.CONTEXT, Kind.ADD, Kind.DELETE))
_REPLACED = re.compile(rb"(-[-\\]*)\+[+\\]*")
_BY_SIGN = {ord(kind.value): kind for kind in (*LINES, Kind.ENDING)}


class Row(NamedTuple):
    """One row. `change` and `hunk` are indices; `hunk` is -1 above a file's first hunk."""

    kind: Kind
    change: int
    hunk: int = _HEAD
    line: int = 0
    """Index in the hunk's lines; of a notice, its place among the file's notices."""
    old: int | None = None
    new: int | None = None
    text: str = ""
    """The line as it is shown; a notice's words."""
    hidden: int = 0
    """Of a gap: how many unchanged lines it stands for."""


class DiffRows:
    """The rows of some changes, in the order given."""

    def __init__(
        self,
        changes: Sequence[Change],
        words: Mapping[Oid, str] | None = None,
        instead: Sequence[str] = (),
        unread: int = 0,
    ) -> None:
        """`words` say what binary blobs are, where it is known.

        The lines of the last `unread` changes are still to come.
        """
        self.changes = tuple(changes)
        self.unread = unread
        self.instead = tuple(instead)
        """Lines to be read where there is no change: what was said, or asked for."""
        whole = len(self.changes) - unread
        self._notices = [notices(change, words or {}) for change in self.changes[:whole]]
        self._notices += [("its lines are being read",)] * unread
        self._starts = array("q")
        self._blocks = array("l")
        """Change, hunk and hidden lines of each block, in turn."""
        self.file_rows = array("q")
        self.hunk_rows = array("q")
        self._endings: OrderedDict[tuple[int, int], bool] = OrderedDict()
        self._spans: OrderedDict[tuple[int, int, int], dict[int, Spans]] = OrderedDict()
        self._length = 0
        for index in range(len(self.changes)):
            self._add(index)
        self.number_width = self._number_width()

    def __len__(self) -> int:
        return self._length

    def _add(self, index: int) -> None:
        self.file_rows.append(self._length + (index > 0))
        self._block(index, _HEAD, 0, (index > 0) + 1 + len(self._notices[index]))
        end = (1, 1)
        for number, hunk in enumerate(self.changes[index].hunks):
            first = _first(hunk)
            hidden = max(first[0] - end[0], first[1] - end[1], 0)
            end = (first[0] + hunk.old_lines, first[1] + hunk.new_lines)
            self.hunk_rows.append(self._length)
            self._block(index, number, hidden, (hidden > 0) + len(hunk.lines))

    def _block(self, change: int, hunk: int, hidden: int, size: int) -> None:
        self._starts.append(self._length)
        self._blocks.extend((change, hunk, hidden))
        self._length += size

    def _block_at(self, block: int) -> tuple[int, int, int]:
        change, hunk, hidden = self._blocks[3 * block : 3 * block + 3]
        return change, hunk, hidden

    def row(self, index: int) -> Row:
        """Returns row `index`, 0 for the first; raises IndexError beyond the ends."""
        if not 0 <= index < self._length:
            raise IndexError(index)
        block = bisect_right(self._starts, index) - 1
        change, hunk, hidden = self._block_at(block)
        offset = index - self._starts[block]
        if hunk == _HEAD:
            return self._head_row(change, offset - (change > 0))
        if hidden and offset == 0:
            return Row(Kind.GAP, change, hunk, hidden=hidden)
        return self._line_row(change, hunk, offset - (hidden > 0))

    def _head_row(self, change: int, offset: int) -> Row:
        if offset < 0:
            return Row(Kind.BLANK, change)
        if offset == 0:
            return Row(Kind.FILE, change)
        return Row(Kind.NOTICE, change, line=offset - 1, text=self._notices[change][offset - 1])

    def _line_row(self, change: int, number: int, line: int) -> Row:
        hunk = self.changes[change].hunks[number]
        endings = self._endings_of(change, number)
        kind = _BY_SIGN.get(signs_of(hunk.lines, line, line + 1)[0], Kind.CONTEXT)
        if kind is Kind.ENDING:
            return Row(kind, change, number, line, text="no line feed at the end of the file")
        old, new = _first(hunk)
        before = signs_before(hunk.lines, line)
        return Row(
            kind,
            change,
            number,
            line,
            None if kind is Kind.ADD else old + line - before.marks - before.added,
            None if kind is Kind.DELETE else new + line - before.marks - before.removed,
            line_text(hunk.lines[line][1:], endings=endings),
        )

    def _endings_of(self, change: int, number: int) -> bool:
        """Whether the line endings of a hunk are mixed."""
        key = (change, number)
        if key not in self._endings:
            lines = self.changes[change].hunks[number].lines
            _remember(self._endings, key, mixed_endings(lines), 256)
        return self._endings[key]

    def line_blocks(self, change: int) -> Iterator[tuple[int, Sequence[bytes]]]:
        """Yields the first row and the lines of each hunk of a file; any thread may ask."""
        first = bisect_left(self.hunk_rows, self.file_rows[change])
        for number, hunk in enumerate(self.changes[change].hunks):
            start = self.hunk_rows[first + number]
            _, _, hidden = self._block_at(bisect_right(self._starts, start) - 1)
            yield start + (hidden > 0), hunk.lines

    def emphasis(self, row: Row) -> Spans:
        """Returns the character ranges of a removed or added line that its counterpart lacks."""
        if row.kind not in (Kind.ADD, Kind.DELETE):
            return ()
        lines = self.changes[row.change].hunks[row.hunk].lines
        run = _run(lines, row.line)
        if run is None:
            return ()
        key = (row.change, row.hunk, run[0])
        if key not in self._spans:
            endings = self._endings_of(row.change, row.hunk)
            texts = [
                "" if line.startswith(b"\\") else line_text(line[1:], endings=endings)
                for line in lines[run[0] : run[2]]
            ]
            _remember(self._spans, key, _run_spans(run, texts), 512)
        return self._spans[key].get(row.line, ())

    def file_of(self, index: int) -> int:
        """Returns the index of the change that row `index` belongs to."""
        return max(bisect_right(self.file_rows, index) - 1, 0)

    def step_file(self, index: int, by: int) -> int | None:
        """Returns the header row of the next (`by` 1) or previous (-1) file, None at the ends.

        Going back from inside a file leads to that file's own header first.
        """
        return _neighbour(self.file_rows, index, by)

    def step_hunk(self, index: int, by: int) -> int | None:
        """Returns the first changed row of the next or previous hunk, None at the ends."""
        at = bisect_right(self.hunk_rows, index) + (by > 0) - 1
        if by < 0 and 0 <= at < len(self.hunk_rows) and self.first_change(at) >= index:
            at -= 1
        if by > 0 and at and self.first_change(at - 1) > index:
            at -= 1
        return self.first_change(at) if 0 <= at < len(self.hunk_rows) else None

    def first_change(self, hunk: int) -> int:
        """Returns the row of the first removed or added line of hunk `hunk` of the whole diff."""
        start = self.hunk_rows[hunk]
        change, number, hidden = self._block_at(bisect_right(self._starts, start) - 1)
        return start + (hidden > 0) + _first_changed(self.changes[change].hunks[number].lines)

    def row_of_line(self, change: int, old: int | None, new: int | None) -> int:
        """Returns the row of a line (by its new number, else its old one), or of one near it."""
        side, target = (1, new) if new is not None else (0, old or 0)
        best = self.file_rows[change]
        first = bisect_left(self.hunk_rows, best)
        for number, hunk in enumerate(self.changes[change].hunks):
            start = self.hunk_rows[first + number]
            if _first(hunk)[side] > target:
                break
            _, _, hidden = self._block_at(bisect_right(self._starts, start) - 1)
            best = start + (hidden > 0) + _index_of(hunk, side == 0, target)
        return best

    def place(self, index: int) -> tuple[int, int, int]:
        """Returns (change, hunk counted from 1 or 0 above the first, hunks of that file)."""
        change = self.file_of(index)
        first = bisect_left(self.hunk_rows, self.file_rows[change]) if self.changes else 0
        here = bisect_right(self.hunk_rows, index)
        total = len(self.changes[change].hunks) if self.changes else 0
        return change, here - first, total

    def _number_width(self) -> int:
        largest = 0
        for change in self.changes:
            if change.hunks:
                last = change.hunks[-1]
                largest = max(
                    largest, last.old_start + last.old_lines, last.new_start + last.new_lines
                )
        return max(3, len(str(largest)))


def side_lines(hunk: Hunk, old: bool, first: int, end: int) -> tuple[int, list[bytes]]:
    """Returns the lines that one side has among `hunk.lines[first:end]`, and the first's number."""
    skipped = b"+\\" if old else b"-\\"
    signs = signs_before(hunk.lines, first)
    before = first - signs.marks - (signs.added if old else signs.removed)
    lines = [line[1:] for line in hunk.lines[first:end] if line[:1] not in skipped]
    return _first(hunk)[0 if old else 1] + before, lines


def _first(hunk: Hunk) -> tuple[int, int]:
    """The numbers of a hunk's first lines; an empty side names the line before it."""
    return (
        hunk.old_start if hunk.old_lines else hunk.old_start + 1,
        hunk.new_start if hunk.new_lines else hunk.new_start + 1,
    )


def _index_of(hunk: Hunk, old: bool, target: int) -> int:
    """Returns which line of a hunk has a number on a side, or is the one nearest to it."""
    first = _first(hunk)[0 if old else 1]

    def number(line: int) -> int:
        signs = signs_before(hunk.lines, line)
        return first + line - signs.marks - (signs.added if old else signs.removed)

    # Those that the side lacks share their number with the line behind them.
    behind = bisect_right(range(len(hunk.lines) + 1), max(target, first), key=number)
    return min(max(behind - 1, 0), len(hunk.lines) - 1)


def mixed_endings(lines: Sequence[bytes]) -> bool:
    """Tells whether some, but not all, lines end in a carriage return and a line feed."""
    if isinstance(lines, PatchLines):
        returns = lines.returns
    else:
        returns = sum(line.endswith(b"\r\n") for line in lines)
    return 0 < returns < len(lines)


def _neighbour(rows: array[int], index: int, by: int) -> int | None:
    at = bisect_right(rows, index) if by > 0 else bisect_left(rows, index) - 1
    return rows[at] if 0 <= at < len(rows) else None


def _first_changed(lines: Sequence[bytes]) -> int:
    for start in range(0, len(lines), RUN):
        signs = signs_of(lines, start, start + RUN)
        if found := [at for at in (signs.find(b"-"), signs.find(b"+")) if at >= 0]:
            return start + min(found)
    return 0


def _run(lines: Sequence[bytes], line: int) -> tuple[int, int, int] | None:
    """The removed lines [0]..[1] and added lines [1]..[2] around `line`, None when one-sided."""
    low = max(line - 2 * RUN, 0)
    for match in _REPLACED.finditer(signs_of(lines, low, line + 2 * RUN)):
        start, middle, end = (low + at for at in (match.start(), match.end(1), match.end()))
        if start <= line < end:
            return (start, middle, end) if max(middle - start, end - middle) <= RUN else None
    return None


def _run_spans(run: tuple[int, int, int], texts: Sequence[str]) -> dict[int, Spans]:
    start, middle, _ = run
    olds, news = texts[: middle - start], texts[middle - start :]
    spans: dict[int, Spans] = {}
    for i, j in pair_lines(olds, news):
        spans[start + i], spans[middle + j] = changed_spans(olds[i], news[j])
    return spans


def _remember(cache: OrderedDict[_Key, _Value], key: _Key, value: _Value, limit: int) -> None:
    cache[key] = value
    while len(cache) > limit:
        cache.popitem(last=False)
