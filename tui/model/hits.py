"""Where a searched text was found, and which hit comes next. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Hits:
    """Positions that ascend as an eye reads: from the top down."""

    def __init__(self) -> None:
        self._positions = array("i")

    def __len__(self) -> int:
        return len(self._positions)

    def add(self, positions: Iterable[int]) -> None:
        """Takes further positions, ascending among themselves."""
        fresh = array("i", positions)
        ordered = not self._positions or not fresh or fresh[0] > self._positions[-1]
        self._positions += fresh
        if not ordered:
            self._positions = array("i", sorted(set(self._positions)))

    def at_or_after(self, position: int) -> int | None:
        """Returns the first hit at or below a position, else the very first; None: there is none."""
        if not self._positions:
            return None
        at = bisect_left(self._positions, position)
        return self._positions[at % len(self._positions)]

    def next(self, position: int, way: int) -> tuple[int, bool] | None:
        """Returns the hit after (`way` 1) or before (-1) a position, and whether that went round."""
        if not self._positions:
            return None
        if way > 0:
            at = bisect_right(self._positions, position)
            return self._positions[at % len(self._positions)], at == len(self._positions)
        at = bisect_left(self._positions, position) - 1
        return self._positions[at], at < 0

    def place(self, position: int) -> int:
        """Returns which hit stands at a position, counted from 1; 0: none."""
        at = bisect_left(self._positions, position)
        found = at < len(self._positions) and self._positions[at] == position
        return at + 1 if found else 0
