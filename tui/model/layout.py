"""Which rows of a diff stand on which line of the screen: two sides beside each other, and wrapping.

A layout is a few arrays of numbers, so that it can be made for a million lines while the diff is
read as it stands; `lay_out` makes it in slices, and any thread may do so.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stepwell.tui.look.fit import cells
from stepwell.tui.model.diffrows import DiffRows, mixed_endings
from stepwell.tui.model.linetext import line_text
from stepwell.tui.values import PatchLines, signs_of

NONE = -1
"""No row on that side."""
SLICE = 4_096
"""Lines between two pauses."""

_LAST = 2**31 - 1
"""Behind every row."""
_RUN = re.compile(rb"(-[-\\]*)(\+[+\\]*)?|\+[+\\]*")
_LOOK = 128 << 10
_ODD = re.compile(rb"[^\x20-\x7e\n]")
"""What may take more cells than bytes."""


class Spot(NamedTuple):
    """What stands on one line."""

    left: int
    """A row, or NONE. Both sides are the same row where it takes the whole width."""
    right: int
    part: int
    """Which piece of wrapped rows, 0 for the first."""


class Layout:
    """The lines of a diff; see the module's text."""

    def __init__(self, *, split: bool, room: int) -> None:
        """`split`: removed lines left, added ones right. `room`: cells of a piece; 0: no wrapping."""
        self.split = split
        self.room = room
        self._left = array("i")
        self._right = array("i")
        self._parts = array("h")
        self._added = array("i")
        """First added row of each run that stands beside removed ones, ascending ..."""
        self._beside = array("i")
        """... and the first line and the one behind the last of each such run, in turn."""

    def __len__(self) -> int:
        return len(self._left)

    def spot(self, line: int) -> Spot:
        """Returns what stands on line `line`."""
        return Spot(self._left[line], self._right[line], self._parts[line])

    def row_at(self, line: int) -> int:
        """Returns the row that a line is addressed by: the one at the left, if there is one."""
        left = self._left[line]
        return left if left != NONE else self._right[line]

    def line_of(self, row: int) -> int:
        """Returns the first line that shows a row."""
        run = bisect_right(self._added, row) - 1
        first, end = self._beside[2 * run : 2 * run + 2] if run >= 0 else (0, 0)
        line = bisect_left(range(first, end), row, key=self._right_or_none) + first
        if line == end or self._right[line] != row:
            line = bisect_right(range(len(self)), row, key=self.row_at) - 1
        while line > 0 and self._parts[line]:
            line -= 1
        return max(line, 0)

    def _right_or_none(self, line: int) -> int:
        right = self._right[line]
        return right if right != NONE else _LAST

    def note_run(self, row: int, first: int) -> None:
        """Notes that added rows, `row` the first, stand beside removed ones from line `first` on."""
        self._added.append(row)
        self._beside.extend((first, len(self)))

    def add(self, lefts: Sequence[int], rights: Sequence[int]) -> None:
        """Appends lines that are not wrapped."""
        self._left.extend(lefts)
        self._right.extend(rights)
        self._parts.frombytes(bytes(2 * len(lefts)))

    def add_wrapped(self, left: int, right: int, height: int) -> None:
        """Appends one pair of rows that takes `height` lines."""
        self._left.extend([left] * height)
        self._right.extend([right] * height)
        self._parts.extend(range(height))


def lay_out(rows: DiffRows, *, split: bool, room: int) -> Iterator[Layout | None]:
    """Yields None between two slices, and the layout as the last."""
    layout = Layout(split=split, room=room)
    at = done = 0
    for change in range(len(rows.changes)):
        for first, lines in rows.line_blocks(change):
            whole = range(at, first)
            layout.add(whole, whole)
            at = first + len(lines)
            for count in _added(layout, first, lines):
                done += count
                if done >= SLICE:
                    yield None
                    done = 0
    whole = range(at, len(rows))
    layout.add(whole, whole)
    yield layout


def _added(layout: Layout, first: int, lines: Sequence[bytes]) -> Iterator[int]:
    """Appends a hunk; yields after each piece of it how many lines of it were looked at."""
    tall = _tall(lines, layout.room) if layout.room else {}
    for old, new in _pairs(lines, split=layout.split):
        begin = len(layout)
        for at in range(0, max(len(old), len(new)), SLICE):
            part = slice(at, at + SLICE)
            _add_pairs(layout, first, old[part], new[part], tall)
            yield len(old[part]) + len(new[part])
        if old is not new and old and new:
            layout.note_run(first + new.start, begin)


def _pairs(lines: Sequence[bytes], *, split: bool) -> Iterator[tuple[range, range]]:
    """Yields lines that stand beside each other; twice the same where both sides have them."""
    end = 0
    for start, middle, after in _runs(signs_of(lines)) if split else ():
        both = range(end, start)
        yield both, both
        yield range(start, middle), range(middle, after)
        end = after
    both = range(end, len(lines))
    yield both, both


def _runs(signs: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields where removed lines begin, where added ones do, and where these end."""
    for found in _RUN.finditer(signs):
        yield found.start(), found.end(1) if found.group(1) else found.start(), found.end()


def _add_pairs(layout: Layout, first: int, old: range, new: range, tall: dict[int, int]) -> None:
    """Appends lines of a hunk side by side; `old` and `new` are the same where both have them."""
    longest = max(len(old), len(new))
    lefts = [*_rows(first, old), *[NONE] * (longest - len(old))]
    rights = [*_rows(first, new), *[NONE] * (longest - len(new))]
    if not tall:
        layout.add(lefts, rights)
        return
    for left, right in zip(lefts, rights, strict=True):
        height = max(tall.get(left - first, 1), tall.get(right - first, 1))
        layout.add_wrapped(left, right, height)


def _rows(first: int, lines: range) -> range:
    return range(first + lines.start, first + lines.stop)


def _tall(lines: Sequence[bytes], room: int) -> dict[int, int]:
    """Returns how many pieces each line has that takes more than one."""
    text = lines.text if isinstance(lines, PatchLines) else b"".join(lines)
    if not _may_be_tall(text, room):
        return {}
    endings = mixed_endings(lines)
    return {
        at: height
        for at, line in enumerate(lines)
        if (len(line) > room or _ODD.search(line))
        and not line.startswith(b"\\")
        and (height := len(breaks(line_text(line[1:], endings=endings), room))) > 1
    }


def _may_be_tall(text: bytes, room: int) -> bool:
    """Tells of most hunks at once that none of their lines takes more than one piece."""
    # In parts, as nothing else runs while one is looked at; they overlap by as much as fits.
    for start in range(0, len(text), _LOOK):
        part = text[start : start + _LOOK + room + 2]
        if _ODD.search(part) or max(map(len, part.split(b"\n"))) > room + 1:
            return True
    return False


def breaks(text: str, room: int) -> list[int]:
    """Returns where each piece of a line of `room` cells begins, as indices of its characters."""
    if text.isascii():
        return list(range(0, max(len(text), 1), room))
    starts, used = [0], 0
    for at, sign in enumerate(text):
        width = cells(sign)
        if used + width > room and used:
            starts.append(at)
            used = 0
        used += width
    return starts
