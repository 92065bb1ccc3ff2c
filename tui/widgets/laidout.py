"""A diff's rows on the lines of a list: as they stand, on two sides, wrapped.

The cursor is a line of the list. Everybody else speaks of rows: `here` is the one under the cursor,
and `go_to` finds the line of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rich.style import Style
from textual.cache import LRUCache
from textual.scrollbar import ScrollBarRender

from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.messages import LaidOut, Refused
from stepwell.tui.model.diffchoices import LEAST_WRAP_CELLS, DiffChoices
from stepwell.tui.model.diffrows import DiffRows, Row
from stepwell.tui.model.layout import Layout, lay_out
from stepwell.tui.model.ticks import ticks
from stepwell.tui.widgets.difflines import LineInk
from stepwell.tui.widgets.ranged import RangedList
from stepwell.tui.widgets.ticked import ticked

_AT_ONCE = 6_000
"""Rows that are laid out at once; more are laid out beside, while the diff stays as it was."""
_REST_S = 0.001

Aside = Callable[[Callable[[], None]], None]


class _Wanted(NamedTuple):
    """What a layout was asked for."""

    rows: DiffRows
    split: bool
    room: int


_NOTHING = _Wanted(DiffRows(()), False, 0)


class LaidOutList(RangedList):
    """Rows of a diff, laid out as was chosen for the width that there is."""

    def __init__(
        self, *, id: str, glyphs: Glyphs = UTF8, choices: DiffChoices | None, aside: Aside | None
    ) -> None:
        """`aside` runs a call on another thread; None: everything is laid out at once."""
        super().__init__(id=id, glyphs=glyphs)
        self.rows = DiffRows(())
        self.layout_now: Layout | None = None
        """None: a line is a row."""
        self.choices = choices if choices is not None else DiffChoices()
        self._aside = aside
        self._wanted = _NOTHING
        self._ink = LineInk(self.paint, glyphs, 3)
        self._seen: LRUCache[int, Row] = LRUCache(1024)
        self._ticked_for: tuple[int, int] | None = None
        self._roles: Mapping[int, str] = {}

    def row(self, index: int) -> Row:
        """Returns a row, from memory when it was drawn lately."""
        row = self._seen.get(index)
        if row is None:
            row = self._seen[index] = self.rows.row(index)
        return row

    def row_at(self, line: int) -> int:
        """Returns the row that stands on a line."""
        return line if self.layout_now is None else self.layout_now.row_at(line)

    def line_of(self, row: int) -> int:
        """Returns the line that a row stands on."""
        return row if self.layout_now is None else self.layout_now.line_of(row)

    @property
    def here(self) -> int:
        """The row under the cursor; 0 when there is none."""
        return self.row_at(self.cursor) if len(self.rows) else self.cursor

    def go_to(self, row: int) -> None:
        """Puts the cursor on a row."""
        self.move_to(self.line_of(row) if len(self.rows) else row)

    @property
    def is_split(self) -> bool:
        """Two sides are shown."""
        return self.layout_now is not None and self.layout_now.split

    @property
    def is_laying_out(self) -> bool:
        """Another layout is being made than the one that is shown."""
        return self._shape() != self._shown_shape()

    def _shape(self) -> tuple[bool, int]:
        width = self.row_width
        split = self.choices.is_split(width)
        text = self._ink.side_room(width) if split else width - self._ink.gutter
        return split, max(text, LEAST_WRAP_CELLS) if self.choices.wrap else 0

    def _shown_shape(self) -> tuple[bool, int]:
        shown = self.layout_now
        return (shown.split, shown.room) if shown is not None else (False, 0)

    def take_rows(self, rows: DiffRows, instead: int, row: int) -> None:
        """Shows other rows (`instead` lines when there are none), with the cursor on one."""
        self.rows, self.layout_now, self.range_start = rows, None, None
        self._wanted = _NOTHING
        self._seen.clear()
        self._ink = LineInk(self.paint, self.glyphs, rows.number_width)
        if len(rows) <= _AT_ONCE:
            self.layout_now = self._made()
        self._tick_anew()
        self.set_count(self._lines() or instead, cursor=self.line_of(row) if len(rows) else row)
        self._lay_out_beside()

    def _lines(self) -> int:
        return len(self.rows if self.layout_now is None else self.layout_now)

    def _made(self) -> Layout | None:
        split, room = self._shape()
        if not (split or room) or not len(self.rows):
            return None
        return list(lay_out(self.rows, split=split, room=room))[-1]

    def lay_out(self) -> None:
        """Lays the rows out anew where the width or what was chosen asks for it."""
        if not len(self.rows) or not self.is_laying_out:
            return
        if len(self.rows) <= _AT_ONCE or self._shape() == (False, 0) or self._aside is None:
            self._use(self._made())
        else:
            self._lay_out_beside()

    def _lay_out_beside(self) -> None:
        wanted = _Wanted(self.rows, *self._shape())
        if wanted == self._wanted or not len(self.rows) or not self.is_laying_out:
            return
        self._wanted = wanted
        if self._aside is None:
            self._use(self._made())
        else:
            self._aside(lambda: self._work(wanted))

    def _work(self, wanted: _Wanted) -> None:
        for layout in lay_out(wanted.rows, split=wanted.split, room=wanted.room):
            if self._wanted is not wanted:
                return
            if layout is not None:
                self.post_message(LaidOut(wanted.rows, layout))
            time.sleep(_REST_S)

    def on_laid_out(self, message: LaidOut) -> None:
        """Uses a layout, if it is still the wanted one."""
        message.stop()
        layout = message.layout
        if message.rows is self.rows and (layout.split, layout.room) == self._shape():
            self._use(layout)

    def _use(self, layout: Layout | None) -> None:
        """Shows the same rows on other lines; the one under the cursor keeps its height."""
        row, height = self.here, self.cursor - self.scroll_offset.y
        self._wanted = _Wanted(self.rows, *self._shape())
        self.layout_now, self.range_start = layout, None
        line = self.line_of(row)
        self._tick_anew()
        self.set_count(self._lines(), cursor=line)
        self.scroll_to(y=max(0, line - height), animate=False, immediate=True, force=True)
        self.laid_out()

    def laid_out(self) -> None:
        """The same rows stand on other lines."""

    def bars(self) -> type[ScrollBarRender]:
        """A scrollbar on which changes are marked."""
        return ticked(super().bars(), self._ticks, self.glyphs.tick)

    def _tick_anew(self) -> None:
        self._ticked_for = None
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.refresh()

    def _ticks(self, size: int) -> Mapping[int, Style]:
        key = (self.count, size)
        if key != self._ticked_for:
            self._ticked_for = key
            self._roles = ticks(self.rows, self.line_of, self.count, size)
        return {at: self.paint(role) for at, role in self._roles.items()}

    def on_resize(self) -> None:
        """Keeps the cursor in view, and uses the width."""
        super().on_resize()
        self.lay_out()

    def action_split(self) -> None:
        """Two sides beside each other, or one below the other."""
        said = self.choices.toggle_split(self.row_width)
        if said:
            self.post_message(Refused(said))
        self.lay_out()

    def action_wrap(self) -> None:
        """Breaks long lines, or cuts them."""
        self.choices.wrap = not self.choices.wrap
        self.lay_out()
