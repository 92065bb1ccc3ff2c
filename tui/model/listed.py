"""Which steps a timeline lists, and on which row each stands. Pure.

Row 0 is the disk; below it the steps, newest first: all of them, or those that a filter let
through. Steps are named by their ordinal, which no newer step ever changes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

_NONE: array[int] = array("q")


class Listed:
    """A place for each listed step."""

    def __init__(self, size: int = 0, chosen: Sequence[int] | None = None) -> None:
        """`chosen`: the listed ordinals, descending; None: all `size` of them."""
        self.size = size
        self.chosen = chosen

    @property
    def rows(self) -> int:
        """How many rows there are, the disk's included."""
        return 1 + (self.size if self.chosen is None else len(self.chosen))

    def ordinal(self, row: int) -> int:
        """Returns the ordinal of the step on a row from 1 on."""
        return self.size - row if self.chosen is None else self.chosen[row - 1]

    def row(self, ordinal: int) -> int:
        """Returns the row of a step, or of the next older one that is listed; the last row at most."""
        if self.chosen is None:
            return self.size - max(0, min(ordinal, self.size - 1))
        at = bisect_left(self.chosen, -ordinal, key=lambda listed: -listed)
        return min(at + 1, len(self.chosen)) if self.chosen else 0

    def goes_on_in(self, other: Listed) -> bool:
        """Tells whether another list begins with exactly these rows; both must be filtered."""
        if not self.chosen or other.chosen is None or len(other.chosen) < len(self.chosen):
            return False
        last = len(self.chosen) - 1
        return other.chosen[0] == self.chosen[0] and other.chosen[last] == self.chosen[last]

    def between(self, top: int, bottom: int) -> Sequence[int]:
        """Returns the ordinals on rows `top` to `bottom`, both included; the disk has none."""
        low, high = max(1, top), min(bottom, self.rows - 1)
        if low > high:
            return _NONE
        if self.chosen is None:
            return range(self.size - low, self.size - high - 1, -1)
        return self.chosen[low - 1 : high]


def merged(known: Sequence[int], found: Iterable[int]) -> array[int]:
    """Returns descending ordinals with those found added, at either end or between."""
    fresh = array("q", found)
    if not known or (fresh and fresh[0] < known[-1]):
        return array("q", known) + fresh
    return array("q", sorted({*known, *fresh}, reverse=True))
