"""A diff to walk through: by line, hunk and file. Plain at once, coloured as colours arrive."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import accumulate

from rich.segment import Segment

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.keys.actions import key_of
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.fit import cells
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.look.numbers import brief
from stepwell.tui.messages import (
    ContextAsked,
    CursorMoved,
    PicksChanged,
    Refused,
)
from stepwell.tui.model.diffchoices import DiffChoices
from stepwell.tui.model.diffrows import LINES, DiffRows, Kind, Row
from stepwell.tui.model.layout import NONE, Spot
from stepwell.tui.model.picks import LineAt, Picks
from stepwell.tui.model.statedocument import StateDocument
from stepwell.tui.values import plural, signs_before, signs_of
from stepwell.tui.widgets.colouredlist import ColouredList
from stepwell.tui.widgets.difflines import GROUNDS, Sided, Tint, Window

_SIDEWAYS = 8
_CHANGED = (Kind.ADD, Kind.DELETE)


class DiffView(ColouredList):
    """Draws `DiffRows`. The owner gives rows with `show`; the pane's caption is kept here."""

    BINDINGS = bindings_for("diff")
    WASH = False
    MARGIN = 3

    def __init__(
        self,
        *,
        id: str = "diff",
        glyphs: Glyphs = UTF8,
        highlighter: Highlighter | None = None,
        choices: DiffChoices | None = None,
        fades: bool = False,
    ) -> None:
        """`choices`: how diffs are shown, shared with other panes; None: for this one alone.

        `fades`: changed lines that are not chosen look as if they were none.
        """
        super().__init__(id=id, glyphs=glyphs, highlighter=highlighter, choices=choices)
        self._empty = ""
        self._heading = "Diff"
        self._shift = 0
        self._fades = fades
        self.picks: Picks | None = None
        """What is chosen; None: nothing can be, as where everything is meant."""
        self.held = False
        """Nothing can be chosen now, nor let go of."""

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
        self._heading, self._empty = heading, empty
        self._shift = 0
        self.take_rows(rows, _lines_instead(rows), keep)
        if keep == 0:
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self._tell()
        self._look_soon()

    def laid_out(self) -> None:
        """The caption tells how the rows are shown."""
        self._shift = 0
        self._tell()
        self._look_soon()

    def _same_place(self, rows: DiffRows) -> int:
        """The row to stand on: where the reader was, if these are the same files reread."""
        if not len(rows):
            return 0
        if not len(self.rows) or rows.changes == self.rows.changes:
            return self.here if rows.changes == self.rows.changes else 0
        if [c.path for c in rows.changes] != [c.path for c in self.rows.changes]:
            return 0
        here = self.row(self.here)
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
                self._go(row, 0)

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if not len(self.rows):
            return self._instead(index, width)
        spot = self.layout_now.spot(index) if self.layout_now is not None else None
        row = self.row(self.row_at(index))
        if spot is not None and self.is_split and (row.kind in LINES or spot.left != spot.right):
            left, right = self._sided(spot.left, spot.part), self._sided(spot.right, spot.part)
            return self._ink.sides(left, right, width)
        if row.kind in LINES:
            return self._ink.line(row, self._tint(row), self._window(spot), width)
        if row.kind is Kind.FILE:
            return self._ink.file(self.rows.changes[row.change], width)
        if row.kind is Kind.GAP:
            return self._ink.gap(row, self._hunk_name(row))
        return self._ink.notice(row, row.text)

    def _sided(self, index: int, part: int) -> Sided | None:
        if index == NONE:
            return None
        row = self.row(index)
        room = self.layout_now.room if self.layout_now is not None else 0
        return Sided(row, self._tint(row), Window(self._shift, part, room))

    def _window(self, spot: Spot | None) -> Window:
        if spot is None or self.layout_now is None:
            return Window(self._shift)
        return Window(self._shift, spot.part, self.layout_now.room)

    def _tint(self, row: Row) -> Tint:
        return Tint(self._row_colours(row) or (), self.rows.emphasis(row), self._is_left_out(row))

    def _instead(self, index: int, width: int) -> Sequence[Segment]:
        """Why there is no diff, an empty line, and what there is to read."""
        if index == 0:
            return [Segment(f" {self._empty}", self.paint("dim"))]
        return self._ink.words(self._text(index), self._shift, width)

    def row_key(self, index: int) -> Hashable | None:
        if not len(self.rows):
            return None
        row = self.row(self.row_at(index))
        if row.kind is Kind.GAP:
            return index, self._hunk_name(row), self._is_picked(row)
        shown = [self.row(one) for one in self._rows_on(index)]
        known = tuple((self._row_colours(one) is not None, self._is_picked(one)) for one in shown)
        return index, known, self._shift, self._in_range(index)

    def _is_picked(self, row: Row) -> bool:
        if self.picks is None or row.kind is Kind.BLANK:
            return False
        if not self.picks.takes(row.change):  # state goes back with everything
            return self._fades and self.picks.complete
        if row.hunk < 0:
            return self.picks.state(row.change) == "all"
        line = _changed_line(self.rows, row)
        if line is not None:
            return self.picks.has_line(line)
        return self.picks.has_hunk(row.change, row.hunk)

    def _is_left_out(self, row: Row) -> bool:
        can_be = self._fades and self.picks is not None and row.kind in _CHANGED
        return can_be and not self._is_picked(row)

    def row_sign(self, index: int) -> str:
        if len(self.rows) and self._is_picked(self.row(self.row_at(index))):
            return self.glyphs.picked_bar
        return super().row_sign(index)

    def row_ground(self, index: int) -> str | None:
        if not len(self.rows):
            return None
        if self._in_range(index):
            return "wash"
        row = self.row(self.row_at(index))
        if self._is_left_out(row) or (self.is_split and row.kind in LINES):
            return None
        return GROUNDS.get(row.kind)

    def can_stand_on(self, index: int) -> bool:
        return not len(self.rows) or self.row(self.row_at(index)).kind is not Kind.BLANK

    def move_to(self, index: int) -> None:
        """Moves the cursor; the caption follows."""
        super().move_to(index)
        self._tell()

    def _tell(self) -> None:
        if not len(self.rows):
            self.set_caption(self._heading)
            return
        at, hunk, hunks = self.rows.place(self.here)
        change = self.rows.changes[at]
        parts = [self._heading, shown_path(change.path)]
        if hunks:
            parts.append(f"hunk {hunk}/{hunks}" if hunk else plural(hunks, "hunk"))
        files = len(self.rows.changes)
        told = [f"file {at + 1}/{files}"] if files > 1 else []
        told += ["laying out"] if self.is_laying_out else []
        told += ["without white space"] if self.choices.ignore_space else []
        numbers = ((change.added, "+"), (change.deleted, "-"))
        told.append(" ".join(f"{sign}{brief(count)}" for count, sign in numbers if count))
        self.set_caption("  ".join(parts), "  ".join(told).rstrip())

    def _go(self, row: int, above: int) -> None:
        """Puts the cursor on a row, with so many lines above it in view."""
        line = self.line_of(row)
        self.move_to(line)
        height = self.scrollable_content_region.height
        top = min(max(0, line - above), max(0, self.count - height))
        self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def _go_hunk(self, by: int) -> None:
        row = self._steps(self.rows.step_hunk, by)
        if row is not None:
            # Some of what stands above stays in view, so that the eye keeps its place.
            self._go(row, min(8, self.scrollable_content_region.height // 3))

    def _go_file(self, by: int) -> None:
        row = self._steps(self.rows.step_file, by)
        if row is not None:
            self._go(row, 0)

    def _steps(self, step: Callable[[int, int], int | None], by: int) -> int | None:
        """Goes as often as was typed, or as far as it goes; None: nowhere."""
        at: int | None = None
        for _ in range(self.times()):
            further = step(self.here if at is None else at, by)
            if further is None:
                break
            at = further
        return at

    def go_to_number(self, number: int) -> None:
        """To a line of this file, by its number on the new side; beside a diff, to a row."""
        if len(self.rows):
            change = self.rows.place(self.here)[0]
            side = (None, number) if self.rows.changes[change].status != "D" else (number, None)
            self.go_to(self.rows.row_of_line(change, *side))
        else:
            super().go_to_number(number)

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

    def hunk_here(self) -> tuple[int, int] | None:
        """Returns the change and the hunk (-1: above the first) that the cursor is in."""
        if not len(self.rows):
            return None
        row = self.row(self.here)
        return row.change, row.hunk

    def _hunks_in_range(self) -> list[tuple[int, int]]:
        """The changes and hunks that the range has lines of."""
        rows = (self.row(self.row_at(line)) for line in self.span or ())
        return list(dict.fromkeys((row.change, row.hunk) for row in rows if row.kind in LINES))

    def changed_lines_here(self) -> list[LineAt]:
        """Returns the removed and added lines of the range, else on the line under the cursor."""
        on = (self.span or (self.cursor,)) if len(self.rows) else ()
        rows = (self.row(row) for line in on for row in self._rows_on(line))
        return list(_numbered(self.rows, (row for row in rows if row.kind in _CHANGED)))

    def lines_in_range(self) -> list[bytes]:
        """Returns the lines of the range without signs, as they are after; of removed ones, before."""
        rows = [self.row(self.row_at(line)) for line in self.span or ()]
        kept = [row for row in rows if row.kind in LINES and row.kind is not Kind.DELETE]
        lines = dict.fromkeys(kept or [row for row in rows if row.kind is Kind.DELETE])
        changes = self.rows.changes
        return [changes[row.change].hunks[row.hunk].lines[row.line][1:] for row in lines]

    def line_here(self) -> tuple[bytes, int] | None:
        """Returns path and number (of the new side, else the old) of the line under the cursor."""
        if not len(self.rows):
            return None
        row = self.row(self.here)
        number = row.new if row.new is not None else row.old
        change = self.rows.changes[row.change]
        if number is None or isinstance(change, StateDocument):
            return None
        return change.path, number

    def action_pick_hunk(self) -> None:
        """Chooses the hunk (above the first one, the file) for a restore, or lets go of it."""
        here = self.hunk_here()
        if self.picks is None and self.choices.ignore_space:
            self.post_message(Refused(_no_picks()))
        if here is not None and self.picks is not None and not self.held:
            self.picks.toggle_hunks(self._hunks_in_range() or [here])
            self.end_range()
            self.redraw()
            self.post_message(PicksChanged())

    def action_pick_all(self) -> None:
        """Chooses every hunk, or none when all are chosen."""
        if self.picks is not None and len(self.rows) and not self.held:
            self.picks.toggle_all()
            self.redraw()
            self.post_message(PicksChanged())

    def action_sideways_right(self) -> None:
        """Scrolls the lines left, as far as the longest one in view reaches."""
        if self.layout_now is not None and self.layout_now.room:
            return
        room = self.row_width - self._ink.gutter - 2
        if self.is_split:
            room = self._ink.side_room(self.row_width)
        longest = max((cells(text) for text in self._texts_in_view()), default=0)
        self._shift_to(min(self._shift + _SIDEWAYS, max(0, longest - room)))

    def _texts_in_view(self) -> list[str]:
        if len(self.rows):
            return [row.text for row in self._in_view()]
        top = self.scroll_offset.y
        end = min(top + self.scrollable_content_region.height, self.count)
        return [self._text(index) for index in range(top, end)]

    def _text(self, index: int) -> str:
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

    def action_spaces(self) -> None:
        """Asks for a diff with or without changes of white space only."""
        self.post_message(ContextAsked(self.id or "", 0))


def _changed_line(rows: DiffRows, row: Row) -> LineAt | None:
    if row.kind not in _CHANGED:
        return None
    before = signs_before(rows.changes[row.change].hunks[row.hunk].lines, row.line)
    return LineAt(row.change, row.hunk, before.removed + before.added + 1)


def _numbered(all_rows: DiffRows, changed: Iterable[Row]) -> Iterator[LineAt]:
    # A range may have most of a very large hunk: its signs are looked at once.
    numbers: dict[tuple[int, int], list[int]] = {}
    for row in changed:
        hunk = (row.change, row.hunk)
        if hunk not in numbers:
            signs = signs_of(all_rows.changes[row.change].hunks[row.hunk].lines)
            numbers[hunk] = list(accumulate((sign in b"-+" for sign in signs), initial=0))
        yield LineAt(*hunk, numbers[hunk][row.line + 1])


def _no_picks() -> str:
    key = key_of("diff.spaces")
    return f"a hunk goes back with its white space: {key} shows that, and then hunks can be picked"


def _lines_instead(rows: DiffRows) -> int:
    return 1 + (1 + len(rows.instead) if rows.instead else 0)
