"""A list of which a stretch of rows can be selected: from where `v` was pressed to the cursor."""

from __future__ import annotations

from stepwell.tui.messages import RangeChanged
from stepwell.tui.widgets.linelist import LineList


class RangedList(LineList):
    """Rows of the range have a sign before them; whoever owns the list does something with them."""

    range_start: int | None = None
    """The row at which the range began; None: there is none."""

    @property
    def span(self) -> range | None:
        """The rows of the range, ascending; None: there is none."""
        if self.range_start is None:
            return None
        return range(min(self.range_start, self.cursor), max(self.range_start, self.cursor) + 1)

    def _in_range(self, index: int) -> bool:
        return self.range_start is not None and index in (self.span or ())

    def row_sign(self, index: int) -> str:
        return self.glyphs.picked_bar if self._in_range(index) else super().row_sign(index)

    def row_ground(self, index: int) -> str | None:
        return "wash_away" if self._in_range(index) else super().row_ground(index)

    def move_to(self, index: int) -> None:
        """Moves the cursor; the range goes along."""
        before = self.cursor
        super().move_to(index)
        if self.range_start is not None and self.cursor != before:
            self.redraw()
            self.post_message(RangeChanged(self.id or ""))

    def action_range(self) -> None:
        """Begins a range at the cursor, or ends it."""
        if not self.end_range() and self.count:
            self._begin()

    def action_extend(self, by: int) -> None:
        """Moves the end of the range, which begins here if there is none."""
        if self.range_start is None and self.count:
            self._begin()
        self.move_to(self.cursor + by)

    def _begin(self) -> None:
        self.range_start = self.cursor
        self.redraw()
        self.post_message(RangeChanged(self.id or ""))

    def end_range(self) -> bool:
        """Lets go of the range; tells whether there was one."""
        had, self.range_start = self.range_start is not None, None
        if had:
            self.redraw()
            self.post_message(RangeChanged(self.id or ""))
        return had
