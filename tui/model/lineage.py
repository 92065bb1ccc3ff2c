"""In which lane the line from a step down its first parents passes each row. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from stepwell.tui.model.columns import NO_PARENT, Columns
from stepwell.tui.model.lanes import NO_LANE

_FURTHEST = 2_000
"""So many rows below the step the line is followed."""


class Lineage:
    """The line of one step; it is followed as far down as somebody asks."""

    def __init__(self, columns: Columns, start: int, lane_of: Callable[[int], int]) -> None:
        """`start` is the step's ordinal; `lane_of` gives the lane of a step by its ordinal."""
        self._columns = columns
        self._lane_of = lane_of
        self._down = [-start]
        """The ordinals of the line's steps, negative, so that they ascend downwards."""
        self._ended = False

    def lane(self, ordinal: int) -> int:
        """Returns the lane of the line beside a step, or at it; NO_LANE where there is none."""
        start = -self._down[0]
        if not 0 <= start - ordinal <= _FURTHEST:
            return NO_LANE
        while -self._down[-1] > ordinal and not self._ended:
            self._follow()
        at = bisect_left(self._down, -ordinal)
        on_it = at < len(self._down) and self._down[at] == -ordinal
        if on_it:
            return self._lane_of(ordinal)
        return self._lane_of(-self._down[at - 1]) if at < len(self._down) else NO_LANE

    def _follow(self) -> None:
        parent = self._columns.parents[-self._down[-1]]
        if parent == NO_PARENT:
            self._ended = True
            return
        ordinal = self._columns.ordinal(parent)
        known = ordinal < len(self._columns) and self._columns.seqs[ordinal] == parent
        if known:
            self._down.append(-ordinal)
        else:
            self._ended = True
