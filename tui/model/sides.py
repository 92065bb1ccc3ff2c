"""The three sides of a conflict beside each other, line by line. Pure.

What all three have in common lines up; between two such stretches each side has lines of its own
(as in diff3: Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from stepwell.tui.model.linetext import line_text
from stepwell.tui.values import one_line

if TYPE_CHECKING:
    from stepwell.tui.values import Conflict, MergeStatus

SIDES = ("base", "ours", "theirs")
ALIGNED = 3_000
"""Longer differing middles are not lined up: it would take too long."""
_SNIFFED = 8_000
_NOTHING = -1
_BLOCKS = {"!": (1, 0, 2), "<": (1, 0), ">": (1, 2), "=": (1, 0)}
"""Which sides are stacked: of two that are alike the one that comes first."""
_UNCHANGED = {"<": 0, ">": 1, "=": 0}
_ALIKE = {("<", 0): "base and theirs", (">", 1): "ours and base", ("=", 1): "ours and theirs"}

Text = Sequence[bytes]
Chunk = tuple[slice, slice, slice]


class Cell(NamedTuple):
    """One side of a row: the line's number from 1, and its text as it is shown."""

    number: int
    text: str


class SideRow(NamedTuple):
    """`sign`: `!` all differ, `<` only ours is new, `>` only theirs, `=` both the same, ` ` none."""

    sign: str
    cells: tuple[Cell | None, Cell | None, Cell | None]
    """Base, ours, theirs."""
    side: int | None = None
    """Stacked: the only side that the row shows; None: what all have."""
    heading: bool = False
    """Stacked: the row names the side whose lines follow, and what is like it there."""

    @property
    def name(self) -> str:
        """What a heading says."""
        side = self.side or 0
        return _ALIKE.get((self.sign, side), SIDES[side])


class Sides:
    """Rows of three texts, computed when asked for; `stacked` shows them below each other."""

    def __init__(self, texts: tuple[bytes | None, bytes | None, bytes | None], said: str) -> None:
        """A text of None: the side has nothing there. `said` stands instead of binary content."""
        self.said = said
        self.is_binary = any(b"\0" in text[:_SNIFFED] for text in texts if text)
        self._lines = tuple(
            [] if text is None or self.is_binary else text.splitlines(keepends=True)
            for text in texts
        )
        self._signs = bytearray()
        self._at = tuple(array("l") for _ in SIDES)
        self._stacked_signs = bytearray()
        self._stacked = array("l")
        """Of each stacked row: side (-1: all, with base's index; 3 more: a heading) and index."""
        self.clashes: list[int] = []
        """First rows of the stretches in which a side differs."""
        self.stacked_clashes: list[int] = []
        for chunk in _chunks(*self._lines, has_base=texts[0] is not None):
            self._add(chunk)

    def count(self, stacked: bool) -> int:
        """Returns how many rows there are."""
        return len(self._stacked_signs) if stacked else len(self._signs)

    def _add(self, chunk: Chunk) -> None:
        parts = [lines[part] for lines, part in zip(self._lines, chunk, strict=True)]
        sign = _sign(*parts)
        if sign != " ":
            self.clashes.append(len(self._signs))
            self.stacked_clashes.append(len(self._stacked_signs))
        ranges = [range(part.start, part.stop) for part in chunk]
        for row in zip_longest(*ranges, fillvalue=_NOTHING):
            self._signs += sign.encode()
            for at, index in zip(self._at, row, strict=True):
                at.append(index)
        self._stack(sign, ranges)

    def _stack(self, sign: str, ranges: Sequence[range]) -> None:
        if sign == " ":
            for index in ranges[1]:
                self._stack_row(sign, _NOTHING, index)
            return
        for side in _BLOCKS[sign]:
            if side == _UNCHANGED.get(sign) and not ranges[side]:
                continue
            self._stack_row(sign, side + 3, _NOTHING)
            for index in ranges[side]:
                self._stack_row(sign, side, index)

    def _stack_row(self, sign: str, side: int, index: int) -> None:
        self._stacked_signs += sign.encode()
        self._stacked.extend((side, index))

    def row(self, index: int, stacked: bool) -> SideRow:
        """Returns a row; raises IndexError beyond the end."""
        if not stacked:
            sign = chr(self._signs[index])
            base, ours, theirs = (self._cell(side, self._at[side][index]) for side in range(3))
            return SideRow(sign, (base, ours, theirs))
        sign, (side, at) = chr(self._stacked_signs[index]), self._stacked[2 * index : 2 * index + 2]
        if side > 2:
            return SideRow(sign, (None, None, None), side - 3, heading=True)
        own = side if side >= 0 else 1
        cells = [self._cell(own, at) if one == own else None for one in range(3)]
        return SideRow(sign, (cells[0], cells[1], cells[2]), side if side >= 0 else None)

    def _cell(self, side: int, index: int) -> Cell | None:
        return None if index < 0 else Cell(index + 1, line_text(self._lines[side][index]))


def _sign(base: Text, ours: Text, theirs: Text) -> str:
    if ours == theirs:
        return " " if ours == base else "="
    if ours == base:
        return ">"
    return "<" if theirs == base else "!"


def _chunks(base: Text, ours: Text, theirs: Text, *, has_base: bool) -> Iterator[Chunk]:
    """Yields stretches that all have, and between them those in which a side differs."""
    if has_base:
        common = _common(_pairs(base, ours), _pairs(base, theirs))
    else:
        common = [(0, i, j) for i, j in _pairs(ours, theirs)]
    ends = (0, 0, 0)
    step = 1 if has_base else 0
    for b, o, t in (*common, (len(base), len(ours), len(theirs))):
        if (b, o, t) != ends:
            yield slice(ends[0], b), slice(ends[1], o), slice(ends[2], t)
        if o < len(ours) and t < len(theirs):
            yield slice(b, b + step), slice(o, o + 1), slice(t, t + 1)
        ends = (b + step, o + 1, t + 1)


def _common(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> list[tuple[int, int, int]]:
    there = dict(theirs)
    return [(b, o, there[b]) for b, o in ours if b in there]


def _pairs(a: Text, b: Text) -> list[tuple[int, int]]:
    """Returns index pairs of equal lines, ascending on both sides."""
    head = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    most = min(len(a), len(b)) - head
    tail = next((i for i in range(most) if a[-1 - i] != b[-1 - i]), most)
    inner_a, inner_b = a[head : len(a) - tail], b[head : len(b) - tail]
    found = [(i, i) for i in range(head)]
    if max(len(inner_a), len(inner_b)) <= ALIGNED:
        blocks = SequenceMatcher(None, inner_a, inner_b, autojunk=False).get_matching_blocks()
        found += [(head + one.a + i, head + one.b + i) for one in blocks for i in range(one.size)]
    return found + [(len(a) - i, len(b) - i) for i in range(tail, 0, -1)]


def state_word(merging: MergeStatus, index: int) -> str:
    """Returns how a conflict's path is on disk now."""
    conflict, now = merging.conflicts[index], merging.on_disk[index]
    if conflict.path in merging.unsettled:
        return "markers left"
    for word in ("ours", "theirs", "base"):
        if now == getattr(conflict, word):
            return f"as {word}" if now is not None else f"deleted, as {word}"
    return "edited" if now is not None else "deleted"


def side_names(conflict: Conflict, branch: str) -> tuple[str, str, str]:
    """Returns what the sides are called: theirs with its branch, and what else they differ in.

    That is their permission bits, or that there is nothing.
    """
    sides = (conflict.base, conflict.ours, conflict.theirs)
    same_mode = len({side.mode for side in sides if side is not None}) < 2
    names = ("base", "ours", f"theirs: {one_line(branch, 40)}")
    found = []
    for name, side in zip(names, sides, strict=True):
        mode = "" if side is None or same_mode else f"  {side.mode & 0o7777:04o}"
        found.append(f"{name}  nothing there" if side is None else f"{name}{mode}")
    return found[0], found[1], found[2]


def binary_words(conflict: Conflict, sizes: Sequence[int | None]) -> str:
    """Returns the sizes of a binary file's sides, in one sentence."""
    parts = [
        f"{name} {'nothing' if size is None else f'{size:,} bytes'}"
        for name, size in zip(SIDES, sizes, strict=True)
    ]
    return f"binary: {', '.join(parts)}"


def merge_heading(merging: MergeStatus | None) -> str:
    """Returns what the header says of the merge under way; empty: there is none."""
    if merging is None:
        return ""
    left = len(merging.unsettled)
    return f"{one_line(merging.branch, 24)}, {f'{left:,} left' if left else 'all settled'} (M)"
