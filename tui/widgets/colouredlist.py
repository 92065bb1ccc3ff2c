"""A diff's rows with the colours of their syntax, for what is in view: plain first, then coloured."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.timer import Timer

from stepwell.tui.feed.highlight import Highlighter, pieces
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.messages import HunksNamed, LinesColoured
from stepwell.tui.model.diffchoices import DiffChoices
from stepwell.tui.model.diffrows import LINES, Kind, Row
from stepwell.tui.model.layout import NONE
from stepwell.tui.values import Oid
from stepwell.tui.widgets.difflines import LineInk
from stepwell.tui.widgets.laidout import LaidOutList

_LOOK_S = 0.04
"""Rest after scrolling before what is in view is coloured."""


class ColouredList(LaidOutList):
    """Has what is in view coloured, and knows the colours of its rows."""

    def __init__(
        self,
        *,
        id: str,
        glyphs: Glyphs = UTF8,
        highlighter: Highlighter | None,
        choices: DiffChoices | None,
    ) -> None:
        """`highlighter` None: nothing is coloured."""
        aside = None if highlighter is None else partial(highlighter.aside, self)
        super().__init__(id=id, glyphs=glyphs, choices=choices, aside=aside)
        self._highlighter = highlighter
        self._look: Timer | None = None

    def _rows_on(self, line: int) -> Iterable[int]:
        if self.layout_now is None:
            return (line,)
        spot = self.layout_now.spot(line)
        return (one for one in dict.fromkeys(spot[:2]) if one != NONE)

    def _row_colours(self, row: Row) -> Any:
        if self._highlighter is None or row.kind not in LINES:
            return None
        change, colours = self.rows.changes[row.change], self._highlighter.colours
        if row.kind is Kind.DELETE:
            return colours.spans(change.old_blob, row.old)
        found = colours.spans(change.new_blob, row.new)
        if found is None and row.kind is Kind.CONTEXT:
            found = colours.spans(change.old_blob, row.old)
        return found

    def _hunk_name(self, row: Row) -> str | None:
        if self._highlighter is None:
            return None
        return self._highlighter.colours.hunk_name(self.rows.changes[row.change].hunks[row.hunk].id)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Asks for the colours of what comes into view."""
        super().watch_scroll_y(old, new)
        self._look_soon()

    def on_resize(self) -> None:
        """Keeps the cursor in view and colours what came into view."""
        super().on_resize()
        self._look_soon()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        if self._look is not None:
            self._look.stop()

    def _look_soon(self) -> None:
        if self._highlighter is not None and self.is_mounted:
            self._highlighter.hold()
            if self._look is not None:
                self._look.stop()
            self._look = self.set_timer(_LOOK_S, self._colour_view)

    def _in_view(self, pages: int = 1) -> list[Row]:
        """The rows in view, and those of further pages below, ascending."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        lines = range(top, min(top + pages * height, self.count))
        rows = {row for line in lines for row in self._rows_on(line)} if len(self.rows) else ()
        return [self.row(row) for row in sorted(rows)]

    def _colour_view(self) -> None:
        if self._highlighter is not None and len(self.rows):
            self._highlighter.want(self, pieces(self.rows, self._in_view(2)))

    def on_lines_coloured(self, message: LinesColoured) -> None:
        """Keeps colours that are ready and draws what of it is in view."""
        message.stop()
        if self._highlighter is not None:
            self._highlighter.colours.put(message.side, message.first, message.spans, message.last)
            if message.last or self._shows(message.side, message.first, len(message.spans)):
                self.refresh()

    def _shows(self, side: Oid, first: int, count: int) -> bool:
        """Tells whether one of `count` lines of a side, from number `first`, is in view."""
        numbers = range(first, first + count)
        for row in self._in_view():
            change = self.rows.changes[row.change]
            if row.kind in LINES and (
                (change.new_blob == side and row.new in numbers)
                or (change.old_blob == side and row.old in numbers)
            ):
                return True
        return False

    def on_hunks_named(self, message: HunksNamed) -> None:
        """Keeps the names of hunks and draws those in view."""
        message.stop()
        if self._highlighter is not None:
            self._highlighter.colours.name_hunks(message.names)
            self.refresh()

    def _take_theme(self, theme: Any) -> None:
        super()._take_theme(theme)
        self._ink = LineInk(self.paint, self.glyphs, self.rows.number_width)
