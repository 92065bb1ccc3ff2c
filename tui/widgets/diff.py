"""A diff to walk through: by line, hunk and file. Plain at once, coloured as colours arrive."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from rich.segment import Segment
from textual.cache import LRUCache
from textual.timer import Timer

from stepwell.tui.feed.highlight import Highlighter, pieces
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.fit import cells
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.look.numbers import brief
from stepwell.tui.messages import (
    ContextAsked,
    CursorMoved,
    HunksNamed,
    LinesColoured,
    PicksChanged,
)
from stepwell.tui.model.diffrows import LINES, DiffRows, Kind, Row
from stepwell.tui.model.picks import Picks
from stepwell.tui.values import Oid
from stepwell.tui.widgets.difflines import GROUNDS, LineInk
from stepwell.tui.widgets.linelist import LineList

_SIDEWAYS = 8
_LOOK_S = 0.04
"""Rest after scrolling before what is in view is coloured."""


class DiffView(LineList):
    """Draws `DiffRows`. The owner gives rows with `show`; the pane's caption is kept here."""

    BINDINGS = bindings_for("diff")
    WASH = False
    MARGIN = 3

    def __init__(
        self, *, id: str = "diff", glyphs: Glyphs = UTF8, highlighter: Highlighter | None = None
    ) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.rows = DiffRows(())
        self._empty = ""
        self._heading = "Diff"
        self._shift = 0
        self._highlighter = highlighter
        self._seen: LRUCache[int, Row] = LRUCache(1024)
        self.picks: Picks | None = None
        """Hunks that are chosen; None: nothing can be chosen here."""
        self._ink = LineInk(self.paint, glyphs, 3)
        self._look: Timer | None = None

    # --- what is shown ---------------------------------------------------------------------------

    def show(
        self,
        rows: DiffRows,
        heading: str = "Diff",
        *,
        empty: str = "no changes",
        picks: Picks | None = None,
    ) -> None:
        """Takes other rows and goes to their top; `empty` is said when there are none."""
        keep = self._same_place(rows)
        self.picks = picks
        self.rows, self._heading, self._empty = rows, heading, empty
        self._seen.clear()
        self._shift = 0
        self._ink = LineInk(self.paint, self.glyphs, rows.number_width)
        self.set_count(len(rows) or self._lines_instead(), cursor=keep)
        if keep == 0:
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self._tell()
        self._look_soon()

    def _same_place(self, rows: DiffRows) -> int:
        """The row to stand on: where the reader was, if these are the same files reread."""
        if not len(rows):
            return 0
        if not len(self.rows) or rows.changes == self.rows.changes:
            return self.cursor if rows.changes == self.rows.changes else 0
        if [c.path for c in rows.changes] != [c.path for c in self.rows.changes]:
            return 0
        here = self.row(self.cursor)
        if here.kind not in LINES:
            return rows.file_rows[here.change]
        return rows.row_of_line(here.change, here.old, here.new)

    def say(self, text: str, heading: str = "Diff") -> None:
        """Shows a sentence instead of a diff."""
        self.show(DiffRows(()), heading, empty=text)

    def go_to_file(self, change: int) -> None:
        """Puts a file's header at the top of the pane, without telling anyone."""
        if 0 <= change < len(self.rows.file_rows):
            row = self.rows.file_rows[change]
            with self.prevent(CursorMoved):
                self._go(row, row)

    def row(self, index: int) -> Row:
        """Returns a row, from memory when it was drawn lately."""
        row = self._seen.get(index)
        if row is None:
            row = self._seen[index] = self.rows.row(index)
        return row

    # --- the list's questions --------------------------------------------------------------------

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if not len(self.rows):
            return self._instead(index, width)
        row = self.row(index)
        if row.kind in LINES:
            words = self.rows.emphasis(row)
            return self._ink.line(row, self._row_colours(row), words, self._shift, width)
        if row.kind is Kind.FILE:
            return self._ink.file(self.rows.changes[row.change], width)
        if row.kind is Kind.GAP:
            return self._ink.gap(row, self._hunk_name(row))
        return self._ink.notice(row, row.text)

    def _lines_instead(self) -> int:
        return 1 + (1 + len(self.rows.instead) if self.rows.instead else 0)

    def _instead(self, index: int, width: int) -> Sequence[Segment]:
        """Why there is no diff, an empty line, and what there is to read."""
        if index == 0:
            return [Segment(f" {self._empty}", self.paint("dim"))]
        return self._ink.words(self._text(index), self._shift, width)

    def row_key(self, index: int) -> Hashable | None:
        if not len(self.rows):
            return None
        row = self.row(index)
        known = self._hunk_name(row) if row.kind is Kind.GAP else self._row_colours(row) is not None
        return index, known, self._shift, self._is_picked(row)

    def _is_picked(self, row: Row) -> bool:
        if self.picks is None or row.kind is Kind.BLANK:
            return False
        if row.hunk < 0:
            return self.picks.state(row.change) == "all"
        return self.picks.has_hunk(row.change, row.hunk)

    def row_sign(self, index: int) -> str:
        if not len(self.rows) or not self._is_picked(self.row(index)):
            return " "
        return self.glyphs.picked_bar

    def row_ground(self, index: int) -> str | None:
        return GROUNDS.get(self.row(index).kind) if len(self.rows) else None

    def can_stand_on(self, index: int) -> bool:
        return not len(self.rows) or self.row(index).kind is not Kind.BLANK

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

    # --- colour ----------------------------------------------------------------------------------

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

    def _colour_view(self) -> None:
        if self._highlighter is not None and len(self.rows):
            top = self.scroll_offset.y
            height = self.scrollable_content_region.height
            ahead = range(top, min(top + 2 * height, len(self.rows)))
            self._highlighter.want(self, pieces(self.rows, [self.row(at) for at in ahead]))

    def on_lines_coloured(self, message: LinesColoured) -> None:
        """Keeps colours that are ready and draws what of it is in view."""
        message.stop()
        if self._highlighter is not None:
            self._highlighter.colours.put(message.side, message.first, message.spans, message.last)
            if message.last or self._shows(message.side, message.first, len(message.spans)):
                self.refresh()

    def _shows(self, side: Oid, first: int, count: int) -> bool:
        """Tells whether one of `count` lines of a side, from number `first`, is in view."""
        top, numbers = self.scroll_offset.y, range(first, first + count)
        for index in range(top, min(top + self.size.height, len(self.rows))):
            row = self.row(index)
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

    # --- walking ---------------------------------------------------------------------------------

    def move_to(self, index: int) -> None:
        """Moves the cursor; the caption follows."""
        super().move_to(index)
        self._tell()

    def _tell(self) -> None:
        if not len(self.rows):
            self.set_caption(self._heading)
            return
        at, hunk, hunks = self.rows.place(self.cursor)
        change = self.rows.changes[at]
        parts = [self._heading, shown_path(change.path)]
        if hunks:
            parts.append(f"hunk {max(hunk, 1)}/{hunks}")
        files = len(self.rows.changes)
        right = f"file {at + 1}/{files}  " if files > 1 else ""
        numbers = ((change.added, "+"), (change.deleted, "-"))
        right += " ".join(f"{sign}{brief(count)}" for count, sign in numbers if count)
        self.set_caption("  ".join(parts), right.rstrip())

    def _go(self, row: int, top: int) -> None:
        self.move_to(row)
        height = self.scrollable_content_region.height
        highest = max(0, self.count - height)
        self.scroll_to(y=min(max(0, top), highest), animate=False, immediate=True, force=True)

    def _go_hunk(self, by: int) -> None:
        row = self.rows.step_hunk(self.cursor, by)
        if row is not None:
            # Some of what stands above stays in view, so that the eye keeps its place.
            self._go(row, row - min(8, self.scrollable_content_region.height // 3))

    def _go_file(self, by: int) -> None:
        row = self.rows.step_file(self.cursor, by)
        if row is not None:
            self._go(row, row)

    def action_hunk_next(self) -> None:
        """Next hunk."""
        self._go_hunk(1)

    def action_hunk_previous(self) -> None:
        """Previous hunk."""
        self._go_hunk(-1)

    def action_file_next(self) -> None:
        """Next file."""
        self._go_file(1)

    def action_file_previous(self) -> None:
        """Previous file."""
        self._go_file(-1)

    # --- choosing --------------------------------------------------------------------------------

    def here(self) -> tuple[int, int] | None:
        """Returns the change and the hunk (-1: above the first) that the cursor is in."""
        if not len(self.rows):
            return None
        row = self.row(self.cursor)
        return row.change, row.hunk

    def line_here(self) -> tuple[bytes, int] | None:
        """Returns path and number (of the new side, else the old) of the line under the cursor."""
        if not len(self.rows):
            return None
        row = self.row(self.cursor)
        number = row.new if row.new is not None else row.old
        return (self.rows.changes[row.change].path, number) if number is not None else None

    def action_pick_hunk(self) -> None:
        """Chooses the hunk (above the first one, the file) for a restore, or lets go of it."""
        here = self.here()
        if here is not None and self.picks is not None:
            self.picks.toggle_hunk(*here)
            self.redraw()
            self.post_message(PicksChanged())

    def action_pick_all(self) -> None:
        """Chooses every hunk, or none when all are chosen."""
        if self.picks is not None and len(self.rows):
            self.picks.toggle_all()
            self.redraw()
            self.post_message(PicksChanged())

    def action_sideways_right(self) -> None:
        """Scrolls the lines left, as far as the longest one in view reaches."""
        top = self.scroll_offset.y
        end = min(top + self.scrollable_content_region.height, self.count)
        longest = max((cells(self._text(index)) for index in range(top, end)), default=0)
        most = max(0, longest - self.row_width + self._ink.gutter + 2)
        self._shift_to(min(self._shift + _SIDEWAYS, most))

    def _text(self, index: int) -> str:
        if len(self.rows):
            return self.row(index).text
        return self.rows.instead[index - 2] if index > 1 else ""

    def action_sideways_left(self) -> None:
        """Scrolls the lines right."""
        self._shift_to(self._shift - _SIDEWAYS)

    def _shift_to(self, shift: int) -> None:
        if max(0, shift) != self._shift:
            self._shift = max(0, shift)
            self.refresh()

    def action_context_more(self) -> None:
        """Asks for more unchanged lines."""
        self.post_message(ContextAsked(self.id or "", 1))

    def action_context_less(self) -> None:
        """Asks for fewer unchanged lines."""
        self.post_message(ContextAsked(self.id or "", -1))
