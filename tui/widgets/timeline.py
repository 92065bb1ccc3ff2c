"""The timeline: the disk as it is on top, then every step, newest first, with its lanes.

Shows what it is given (`take_timeline`, `take_page`, `take_disk`); asks for nothing but pages.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

from rich.segment import Segment
from textual.cache import LRUCache

from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.moments import AGE_CELLS, STAMP_CELLS, age, stamp
from stepwell.tui.look.numbers import grouped
from stepwell.tui.model.columns import PAGE, Columns
from stepwell.tui.model.folds import Folds
from stepwell.tui.model.lanes import NO_LANE, LaneMap, LaneRow, alone
from stepwell.tui.model.lineage import Lineage
from stepwell.tui.model.marks import Marks
from stepwell.tui.model.rows import Row, Tips, TurnHead, row_of
from stepwell.tui.model.turns import NO_TURN
from stepwell.tui.values import Clock, Step, one_line
from stepwell.tui.widgets.rowpaint import RowPainter
from stepwell.tui.widgets.steplist import StepList

_LANE_PAGES = 16


class Timeline(StepList):
    """Draws the rows, and takes what was read."""

    BINDINGS = bindings_for("timeline")

    def __init__(self, *, clock: Clock, zone: tzinfo | None = None, glyphs: Glyphs = UTF8) -> None:
        super().__init__(glyphs=glyphs)
        self._clock = clock
        self._zone = zone
        self._lane_rows: LRUCache[int, list[LaneRow]] = LRUCache(_LANE_PAGES)
        self._dirty: int | None = None
        self._compared = 0
        self._pending: str | None = None
        self.absolute = False
        """Times are shown, not ages."""
        self.letters: Mapping[int, str] = {}
        """By the number of a step, the letters that lead to it."""
        self._painter: RowPainter | None = None
        self._lane_span: tuple[int, ...] = ()
        self._lineage_of: int | None = None
        self._lineage: Lineage | None = None
        self.marks = Marks()
        self._now_ns = clock()
        self.loaded = False

    def take_timeline(self, lanes: LaneMap, tips: Tips, newest: Sequence[Step]) -> None:
        """Shows a history; the selected step stays selected unless the cursor follows the top."""
        seq, sticks = self.selected_seq, self.following
        start = self.range_start
        began = self.columns.seqs[self._ordinal(start)] if start else None
        before = self._pager.columns
        first = not self.loaded
        self._lanes, self._tips, self.loaded = lanes, tips, True
        self._lane_rows.clear()
        self._lineage_of = None
        self._painter = None
        self._pager.reset(lanes.columns, newest)
        if not lanes.columns.complete:
            self._filter, self._folds = None, Folds()
        self._listed = self._listing()
        self._asked = ()
        if not first and not sticks:
            self.unseen += _newer(lanes.columns, before)
        self.range_start = self._row_of(began) if began else start
        self.set_count(self._listed.rows, self._row_after(seq, first, sticks and began is None))
        self._moved()

    def _relist(self) -> None:
        self.range_start = None
        self._painter, self._lane_span = None, ()
        super()._relist()

    def _row_after(self, seq: int | None, first: bool, sticks: bool) -> int:
        if first:
            return self._row_of(self._tips.head) if self._tips.head else 0
        if seq is None or (sticks and not self._hides):
            return self.cursor
        return self._row_of(seq)

    def take_page(self, page: int, steps: Sequence[Step]) -> None:
        """Shows a loaded page."""
        self._pager.put(page, steps)
        self._asked = tuple(asked for asked in self._asked if asked != page)
        self.redraw()
        if self.cursor and self._ordinal(self.cursor) // PAGE == page:
            self._moved()

    def take_steps(self, steps: Sequence[Step]) -> None:
        """Shows single steps that were loaded."""
        self._pager.put_loose(steps)
        self._asked = ()
        self.redraw()
        self._moved()

    def take_filter(self, ordinals: Sequence[int] | None, steps: Sequence[Step] = ()) -> None:
        """Lists only these steps (None: all again); the selected one stays selected if it can."""
        seq, self.range_start = self.selected_seq, None
        was_filtered, before = self.filtered, self._listed
        self._filter = ordinals
        self._listed = self._listing()
        self._pager.put_loose(steps)
        if before.goes_on_in(self._listed) and before.rows > self._bottom_row:
            self.grow(self._listed.rows)
            self._tell_place()
            return
        self._painter, self._asked, self._lane_span = None, (), ()
        row = self._row_of(seq) if seq else self.cursor
        # Who filters looks for steps, not for the disk, which stays listed above them.
        self.set_count(self._listed.rows, row or (1 if ordinals and self._hides else 0))
        if was_filtered != self.filtered:
            self._reveal()
        self._want()
        self._moved()

    def take_disk(self, head: int, dirty: int, pending: str | None = None) -> None:
        """Shows how many files differ from `head`, and an interrupted change of the workspace."""
        if (head, dirty, pending) != (self._compared, self._dirty, self._pending):
            self._compared, self._dirty, self._pending = head, dirty, pending
            self.redraw_row(0)

    def tick(self) -> None:
        """Brings the ages up to date: draws the rows whose text has changed."""
        top = self.scroll_offset.y
        visible = range(top, min(self.count, top + self.scrollable_content_region.height))
        before = [self.row_key(row) for row in visible]
        self._now_ns = self._clock()
        for row, key in zip(visible, before, strict=True):
            if key != self.row_key(row):
                self.redraw_row(row)

    def take_mended(self, step: Step) -> None:
        """Shows a step whose mark has changed, at once."""
        self._pager.mend(self.columns.ordinal(step.seq), step)
        self.redraw()
        self._moved()

    def dim(self) -> bool:
        """Dims the steps that do not fit the filter, or hides them again; tells which."""
        self.dims = not self.dims
        self.take_filter(self._filter)
        return self.dims

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        drawn = self._in_full(index, width)
        if not self._is_faint(index):
            return drawn
        faint = self.paint("dim" if index == self.cursor else "quiet")
        return [Segment(part.text, faint) for part in drawn]

    def _in_full(self, index: int, width: int) -> Sequence[Segment]:
        painter = self._painter_for(width)
        if index == 0:
            return painter.disk(self._dirty, self._pending, self._compared or self.head_seq)
        lane, step = self._lane(index), self._step(index)
        if step is None:
            return painter.skeleton(lane)
        row, sign = row_of(step, self._tips, self.glyphs), self.marks.sign(step.id, self.glyphs)
        ordinal = self._ordinal(index)
        head = self._head(ordinal, step)
        if head is not None:
            return painter.turn(row, lane, self._age(step), head, sign)
        shown = self._with_letters(self._with_run(row, ordinal), step.seq)
        return painter.step(shown, lane, self._age(step), sign)

    def _head(self, ordinal: int, step: Step) -> TurnHead | None:
        """What a prompt says of its turn; None for other steps."""
        turns = self.columns.turns
        turn = turns.headed_by(ordinal)
        if turn == NO_TURN:
            return None
        who = one_line(step.agent or "", 16) if turns.is_new_session(turn) else ""
        folded = self._folds.has_turn(turn) and not self.filtered
        return TurnHead(who, turns.sizes[turn], turns.failures[turn], folded)

    def _with_run(self, row: Row, ordinal: int) -> Row:
        count = 0 if self.filtered else self._folds.stands_for(self.columns.turns, ordinal)
        if not count:
            return row
        chip = (f"{self.glyphs.folded} {grouped(count)} unchanged", "quiet")
        return replace(row, chips=(*row.chips, chip))

    def _with_letters(self, row: Row, seq: int) -> Row:
        letters = self.letters.get(seq)
        return replace(row, chips=((letters, "label"), *row.chips)) if letters else row

    def row_key(self, index: int) -> Hashable | None:
        if index == 0:
            return (0, self._dirty, self._pending, self._compared or self.head_seq)
        step = self._step(index)
        if step is None:
            self._want()
            return None
        return (
            step.seq,
            self._age(step),
            step.checkpoint is not None,
            self.marks.has(step.id),
            self._in_range(index),
            self._line(index),
            self._is_faint(index),
        )

    def _age(self, step: Step) -> str:
        if self.absolute:
            return stamp(self._now_ns, step.time_ns, self._zone)
        return age(self._now_ns, step.time_ns)

    def _lane(self, index: int) -> LaneRow:
        page, offset = divmod(self._ordinal(index), PAGE)
        row = self._lane_page(page)[offset]
        # Rows that are not neighbours are not joined: a line between them would not be true.
        return alone(row) if self._hides else replace(row, line=self._line(index))

    def _line(self, index: int) -> int:
        """The lane in which the selected step's line passes a row; one lane alone needs no telling."""
        if self._hides or not index or self._painter_for(self.row_width).lanes < 2:
            return NO_LANE
        selected = self.selected_seq or self.head_seq
        if self._lineage_of != selected:
            self._lineage_of = selected
            start = self.columns.ordinal(selected)
            self._lineage = Lineage(self.columns, start, self._lane_number)
        return self._lineage.lane(self._ordinal(index)) if self._lineage else NO_LANE

    def _lane_number(self, ordinal: int) -> int:
        page, offset = divmod(ordinal, PAGE)
        return self._lane_page(page)[offset].lane

    def _lines(self) -> list[int]:
        top = self.scroll_offset.y
        return [self._line(row) for row in range(top, min(self.count, self._bottom_row))]

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row; its line downwards is drawn heavier."""
        top, before = self.scroll_offset.y, self._lines()
        super().move_to(index)
        if self.scroll_offset.y == top and self._lines() != before:
            self.refresh()

    def _lane_page(self, page: int) -> list[LaneRow]:
        rows = self._lane_rows.get(page)
        if rows is None:
            rows = self._lane_rows[page] = self._lanes.page(page)
        return rows

    def _pages_in_view(self) -> tuple[int, ...]:
        return tuple(sorted({ordinal // PAGE for ordinal in self._in_view()}))

    def _lanes_in_view(self) -> int:
        """Lanes of the pages in view: the columns stay where they are for many rows."""
        if self._hides:
            lanes = (self._lane_page(at // PAGE)[at % PAGE].lane for at in self._in_view())
            return max(lanes, default=0) + 1
        rows = (row for page in self._pages_in_view() for row in self._lane_page(page))
        return max((len(row.cells) for row in rows), default=1)

    def _painter_for(self, width: int) -> RowPainter:
        painter = self._painter
        if painter is None or painter.width != width or painter.paint is not self.paint:
            cap = 3 if width < 56 else 6 if width < 120 else 10
            lanes = max(1, min(cap, self._lanes_in_view()))
            cells = STAMP_CELLS if self.absolute else AGE_CELLS
            painter = RowPainter(self.paint, self.glyphs, width, lanes, cells)
            self._painter = painter
        return painter

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Asks for what came into view; pages that were read before may be outdated, too."""
        super().watch_scroll_y(old_value, new_value)
        if self.loaded and self.count > 1:
            self._want()
            self._look_at_lanes()

    def _look_at_lanes(self) -> None:
        pages = tuple(self._in_view()) if self._hides else self._pages_in_view()
        if pages != self._lane_span:
            self._lane_span = pages
            self._painter = None
            self.redraw()

    def action_times(self) -> None:
        """Relative or absolute times."""
        self.show_times(not self.absolute)

    def show_times(self, absolute: bool) -> None:
        """Shows times, or ages."""
        self.absolute = absolute
        self._painter = None
        self.redraw()

    def show_letters(self, letters: Mapping[str, int]) -> None:
        """Shows which steps letters lead to."""
        found: dict[int, str] = {}
        for letter, seq in sorted(letters.items()):
            found[seq] = found.get(seq, "'") + letter
        self.letters = found
        self.redraw()


def _newer(columns: Columns, before: Columns) -> int:
    if not len(before) or not len(columns):
        return len(columns)
    return len(columns) - columns.ordinal(before.seqs[-1] + 1)
