"""The one line-drawn list under timeline, files and diff.

Rows are not objects: the list knows how many there are, and asks a subclass to draw the visible
ones. A subclass implements

    draw_row(index, width) -> Sequence[Segment]

with `width` cells to fill (the selection gutter is not part of it); too long or too short is cut
and padded here. Styles come from `self.paint(role, on=None, bold=False)` and need no ground: the
list lays its own below. Text must have been through `printable`; nothing is parsed as markup.

It may override

    row_key(index) -> Hashable | None   what identifies the drawn row in the cache (marks, fold
                                        state and the like belong into it); None: do not cache
    row_sign(index) -> str              the cell before the row while the cursor is elsewhere
    row_ground(index) -> str | None     role of the row's ground, e.g. "added_ground"
    can_stand_on(index) -> bool         rows that the cursor passes over give False

and it calls

    set_count(count, cursor=None)       the rows changed; the cursor is kept where it can be
    redraw()                            everything may look different: forget the cache
    redraw_row(index)                   one row looks different (its row_key must differ too)
    set_span(cells)                     width of the longest row, for sideways scrolling (diffs);
                                        0: rows are drawn to the width of the pane
    set_caption(title, right)           the pane's title line

and sets, as class variables, `WASH` (cursor row gets a ground), `POINTS` (and a bar before it), `FROZEN` (cells at the left, after
the gutter, that stay when scrolled sideways; may be an instance attribute) and `MARGIN` (rows kept
in view around the cursor).

The list posts CursorMoved, RowOpened and BackAsked with its DOM id. The cursor is immediate: moving
it redraws two lines, or scrolls without animation.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip

from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.palette import DARK_PAINT, Paint, paint_for
from stepwell.tui.messages import BackAsked, CaptionChanged, CursorMoved, RowOpened
from stepwell.tui.widgets.hitmarks import with_hits
from stepwell.tui.widgets.keyed import KeyedView

_CACHED_ROWS = 1024
_WHEEL_ROWS = 3


class PlainBars(ScrollBarRender):
    """A scrollbar of whole cells, for terminals that have no block signs."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


class LineList(KeyedView, can_focus=True):
    """A list drawn line by line, with a cursor; see the module's text."""

    BINDINGS = bindings_for("list")
    DEFAULT_CSS = """
    LineList {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """
    WASH: ClassVar[bool] = True
    POINTS: ClassVar[bool] = True
    MARGIN: ClassVar[int] = 2
    FROZEN: int = 0

    def __init__(self, *, id: str, glyphs: Glyphs = UTF8) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.paint: Paint = DARK_PAINT
        self.title_text = ""
        self.title_right = ""
        self._count = 0
        self._cursor = 0
        self._span = 0
        self._needle = ""
        self._strips: LRUCache[Hashable, Strip] = LRUCache(_CACHED_ROWS)

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        """Returns row `index` as segments for `width` cells."""
        raise NotImplementedError

    def row_key(self, index: int) -> Hashable | None:
        """Returns what identifies the row's look; None keeps it out of the cache."""
        return index

    def row_sign(self, index: int) -> str:
        """Returns the one cell that stands before the row while the cursor is elsewhere."""
        return " "

    def row_ground(self, index: int) -> str | None:
        """Returns the role of the row's ground, None for the list's."""
        return None

    def can_stand_on(self, index: int) -> bool:
        """Tells whether the cursor may rest on the row."""
        return True

    def bars(self) -> type[ScrollBarRender]:
        """Returns what draws the scrollbar."""
        return ScrollBarRender if self.glyphs.ellipsis == "…" else PlainBars

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def cursor(self) -> int:
        """The selected row; 0 when the list is empty."""
        return self._cursor

    @property
    def is_bright(self) -> bool:
        """The pane's title is bright: the list has the focus, or stands for what has it."""
        return self.has_focus

    @property
    def row_width(self) -> int:
        """Cells that a row may fill, without the gutter."""
        return max(1, self.scrollable_content_region.width - 1)

    def set_count(self, count: int, cursor: int | None = None) -> None:
        """Takes a new number of rows; forgets the cache and keeps the cursor in range."""
        self._count = count
        self._strips.clear()
        self._size_virtual()
        wanted = self._cursor if cursor is None else cursor
        self._cursor = max(0, min(wanted, count - 1))
        self._reveal()
        self.refresh()

    def grow(self, count: int) -> None:
        """Takes further rows at the end; those that are drawn stay as they are."""
        before, self._count = self._count, count
        self._size_virtual()
        if before < self.scroll_offset.y + self.scrollable_content_region.height:
            self.refresh()

    def set_span(self, cells: int) -> None:
        """Takes the width of the longest row, without the gutter; 0 turns scrolling sideways off."""
        self._span = cells
        self._size_virtual()

    def set_caption(self, title: str, right: str = "") -> None:
        """Takes the text of the pane's title line."""
        if (title, right) != (self.title_text, self.title_right):
            self.title_text, self.title_right = title, right
            self.post_message(CaptionChanged())

    def redraw(self) -> None:
        """Draws every row anew."""
        self._strips.clear()
        self.refresh()

    def mark_hits(self, needle: str) -> None:
        """Marks every place where the rows hold a text; an empty one takes the marks away."""
        if needle.lower() != self._needle:
            self._needle = needle.lower()
            self.redraw()

    def redraw_row(self, index: int) -> None:
        """Draws one row anew, when it is visible."""
        y = index - self.scroll_offset.y
        if 0 <= y < self.scrollable_content_region.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _size_virtual(self) -> None:
        width = self._span + 1 if self._span else 0
        self.virtual_size = Size(width, self._count)

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row (the nearest one that it may rest on) and shows it."""
        index = self._nearest(max(0, min(index, self._count - 1)))
        if index == self._cursor or not self._count:
            self._reveal()
            return
        before, self._cursor = self._cursor, index
        if not self._reveal():
            self.redraw_row(before)
            self.redraw_row(index)
        self.post_message(CursorMoved(self.id or "", index))

    def _nearest(self, index: int) -> int:
        step = 1 if index >= self._cursor else -1
        for way in (step, -step):
            probe = index
            while 0 <= probe < self._count:
                if self.can_stand_on(probe):
                    return probe
                probe += way
        return self._cursor

    def _reveal(self) -> bool:
        """Scrolls so that the cursor is in view with its margin; tells whether it scrolled."""
        height = self.scrollable_content_region.height
        if height <= 0:
            return False
        top = self.scroll_offset.y
        margin = min(self.MARGIN, (height - 1) // 2)
        low = self._cursor + margin - height + 1
        wanted = max(min(top, self._cursor - margin), low)
        wanted = max(0, min(wanted, self._count - height))
        if wanted == top:
            return False
        self.scroll_to(y=wanted, animate=False, immediate=True, force=True)
        return True

    def scroll_rows(self, rows: int) -> None:
        """Scrolls without moving the cursor, as from another pane or the wheel."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, immediate=True, force=True)

    def scroll_sideways(self, cells: int) -> None:
        """Scrolls left or right without animation."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False, immediate=True, force=True)

    def render_line(self, y: int) -> Strip:
        """Returns the strip of viewport line `y`."""
        scroll_x, scroll_y = self.scroll_offset
        index = scroll_y + y
        width = self.scrollable_content_region.width
        if index >= self._count or width <= 0:
            return Strip.blank(max(width, 0), self.paint("text", "ground"))
        strip = self._row_strip(index, max(width, self._span + 1))
        return self._cropped(strip, scroll_x, width)

    def _cropped(self, strip: Strip, scroll_x: int, width: int) -> Strip:
        if not scroll_x:
            return strip.crop(0, width)
        fixed = 1 + self.FROZEN
        rest = strip.crop(fixed + scroll_x, scroll_x + width)
        return Strip.join([strip.crop(0, fixed), rest]).adjust_cell_length(
            width, self.paint("text", "ground")
        )

    def _row_strip(self, index: int, width: int) -> Strip:
        selected = index == self._cursor
        focused = selected and self.has_focus
        key = self.row_key(index)
        whole = (key, selected, focused, width)
        strip = self._strips.get(whole) if key is not None else None
        if strip is None:
            strip = self._drawn(index, width, selected, focused)
            if key is not None:
                self._strips[whole] = strip
        return strip

    def _drawn(self, index: int, width: int, selected: bool, focused: bool) -> Strip:
        ground = self.row_ground(index) or "ground"
        if selected and self.WASH:
            ground = "wash" if focused else "wash_away"
        bar = self.paint("bar" if focused else "bar_away")
        sign = self.row_sign(index)
        if selected and self.POINTS:
            sign = self.glyphs.bar
        elif sign != " ":
            bar = self.paint("accent", bold=True)
        gutter = Segment(sign, bar)
        parts = self.draw_row(index, width - 1)
        if ground == "wash" and self.paint.solid:
            parts = [Segment(part.text, _plain(part.style)) for part in parts]
        row = Strip([gutter, *parts])
        base = self.paint("text", ground)
        row = row.apply_style(base).adjust_cell_length(width, base)
        return with_hits(row, self._needle, self.paint("ground", "hit")) if self._needle else row

    def on_mount(self) -> None:
        """Follows the theme."""
        self.vertical_scrollbar.renderer = self.bars()  # type: ignore[misc]
        self.app.theme_changed_signal.subscribe(self, self._take_theme)
        self._take_theme(self.app.current_theme)

    def _take_theme(self, theme: Any) -> None:
        self.paint = paint_for(theme)
        self.redraw()

    def on_resize(self) -> None:
        """Keeps the selected row in view."""
        self._strips.clear()
        self._reveal()

    def on_focus(self) -> None:
        """Shows the bar as active."""
        self.redraw_row(self._cursor)
        self.post_message(CaptionChanged())

    def on_blur(self) -> None:
        """Shows the bar as away."""
        self.redraw_row(self._cursor)
        self.post_message(CaptionChanged())

    def on_click(self, event: events.Click) -> None:
        """Selects the row under the pointer; a second click opens it."""
        index = self.scroll_offset.y + event.y
        if index >= self._count:
            return
        again = index == self._cursor and event.chain > 1
        self.move_to(index)
        if again:
            self.action_deeper()

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(_WHEEL_ROWS)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-_WHEEL_ROWS)

    def _half(self) -> int:
        return max(1, self.scrollable_content_region.height // 2)

    def action_cursor_down(self) -> None:
        """Next row."""
        self.move_to(self._cursor + self.times())

    def action_cursor_up(self) -> None:
        """Previous row."""
        self.move_to(self._cursor - self.times())

    def action_half_down(self) -> None:
        """Half a page down."""
        self.move_to(self._cursor + self.times() * self._half())

    def action_half_up(self) -> None:
        """Half a page up."""
        self.move_to(self._cursor - self.times() * self._half())

    def action_page_down(self) -> None:
        """A page down."""
        self.move_to(self._cursor + max(1, self.scrollable_content_region.height - 1))

    def action_page_up(self) -> None:
        """A page up."""
        self.move_to(self._cursor - max(1, self.scrollable_content_region.height - 1))

    def action_to_top(self) -> None:
        """First row, or the one of the number that was typed."""
        number = self.typed_count()
        if number is None:
            self.move_to(0)
        else:
            self.go_to_number(number)

    def action_to_bottom(self) -> None:
        """Last row, or the one of the number that was typed."""
        number = self.typed_count()
        if number is None:
            self.move_to(self._count - 1)
        else:
            self.go_to_number(number)

    def go_to_number(self, number: int) -> None:
        """To the row that a person calls so: counted from 1."""
        self.move_to(number - 1)

    def action_deeper(self) -> None:
        """Into the row."""
        if self._count:
            self.post_message(RowOpened(self.id or "", self._cursor))

    def action_back(self) -> None:
        """One step back."""
        self.post_message(BackAsked(self.id or ""))


def _plain(style: Style | None) -> Style | None:
    """Returns of a style what makes words heavy, without colours."""
    return Style(bold=style.bold) if style is not None else None
