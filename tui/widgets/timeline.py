"""The timeline: the disk as it is on top, then every step, newest first, with its lanes.

Shows what it is given (`take_timeline`, `take_page`, `take_disk`); asks for nothing but pages.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import tzinfo

from rich.segment import Segment
from textual.cache import LRUCache

from stepwell.tui.feed.pager import Pager
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.moments import AGE_CELLS, STAMP_CELLS, age, stamp
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import CursorMoved, PagesWanted, Refused, StepsWanted
from stepwell.tui.model.columns import PAGE, Columns
from stepwell.tui.model.lanes import LaneMap, LaneRow, alone
from stepwell.tui.model.listed import Listed
from stepwell.tui.model.marks import Marks
from stepwell.tui.model.rows import Tips, is_landmark, row_of
from stepwell.tui.values import Clock, Step
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.rowpaint import RowPainter

_LANE_PAGES = 16
_LANDMARK_REACH = 4096
"""How many steps `<` and `>` look through at most."""


class Timeline(LineList):
    """Row 0 is the disk; row `i` is the step `i` places below the newest."""

    BINDINGS = bindings_for("timeline")

    def __init__(self, *, clock: Clock, zone: tzinfo | None = None, glyphs: Glyphs = UTF8) -> None:
        super().__init__(id="timeline", glyphs=glyphs)
        self._clock = clock
        self._zone = zone
        self._pager = Pager()
        self._lanes = LaneMap()
        self._lane_rows: LRUCache[int, list[LaneRow]] = LRUCache(_LANE_PAGES)
        self._tips = Tips()
        self._dirty: int | None = None
        self._pending: str | None = None
        self._absolute = False
        self._painter: RowPainter | None = None
        self._lane_span: tuple[int, ...] = ()
        self._asked: tuple[int, ...] = ()
        self._listed = Listed()
        self.marks = Marks()
        self._now_ns = clock()
        self.following = True
        self.unseen = 0
        """Steps that arrived while the cursor stood elsewhere than at the top."""
        self.loaded = False

    # --- what it is given ------------------------------------------------------------------------

    def take_timeline(self, lanes: LaneMap, tips: Tips, newest: Sequence[Step]) -> None:
        """Shows a history; the selected step stays selected unless the cursor follows the top."""
        seq, sticks = self.selected_seq, self.following and self.cursor <= 1
        chosen = self._listed.chosen if lanes.columns.complete else None
        before = self._pager.columns
        first = not self.loaded
        self._lanes, self._tips, self.loaded = lanes, tips, True
        self._lane_rows.clear()
        self._painter = None
        self._pager.reset(lanes.columns, newest)
        self._listed = Listed(len(lanes.columns), chosen)
        self._asked = ()
        if not first and not sticks:
            self.unseen += _newer(lanes.columns, before)
        self.set_count(self._listed.rows, self._row_after(seq, first, sticks))
        self._moved()

    def _row_after(self, seq: int | None, first: bool, sticks: bool) -> int:
        if first:
            return self._row_of(self._tips.head) if self._tips.head else 0
        if seq is None or (sticks and self._listed.chosen is None):
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

    @property
    def _bottom_row(self) -> int:
        return self.scroll_offset.y + self.scrollable_content_region.height

    def _tell_place(self) -> None:
        self.set_caption("Timeline", self.position())

    @property
    def filtered(self) -> bool:
        """Only some steps are listed."""
        return self._listed.chosen is not None

    def take_filter(self, ordinals: Sequence[int] | None, steps: Sequence[Step] = ()) -> None:
        """Lists only these steps (None: all again); the selected one stays selected if it can."""
        seq = self.selected_seq
        was_filtered, before = self.filtered, self._listed
        self._listed = Listed(len(self.columns), ordinals)
        self._pager.put_loose(steps)
        if before.goes_on_in(self._listed) and before.rows > self._bottom_row:
            self.grow(self._listed.rows)
            self._tell_place()
            return
        self._painter, self._asked, self._lane_span = None, (), ()
        row = self._row_of(seq) if seq else self.cursor
        # Who filters looks for steps, not for the disk, which stays listed above them.
        self.set_count(self._listed.rows, row or (1 if ordinals else 0))
        if was_filtered != self.filtered:
            self._reveal()
        self._want()
        self._moved()

    def take_disk(self, dirty: int, pending: str | None = None) -> None:
        """Shows how many files differ from the head, and an interrupted change of the workspace."""
        if (dirty, pending) != (self._dirty, self._pending):
            self._dirty, self._pending = dirty, pending
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

    # --- where the cursor is ---------------------------------------------------------------------

    @property
    def columns(self) -> Columns:
        """The history's shape."""
        return self._lanes.columns

    @property
    def selected_seq(self) -> int | None:
        """Number of the selected step; None for the disk."""
        if not 0 < self.cursor < self.count:
            return None
        return self.columns.seqs[self._ordinal(self.cursor)]

    @property
    def selected(self) -> Step | None:
        """The selected step; None for the disk and for a step that is not loaded yet."""
        return self._step(self.cursor) if 0 < self.cursor < self.count else None

    @property
    def head_step(self) -> Step | None:
        """The newest step of the current branch; None while it is not loaded."""
        if not self._tips.head or not len(self.columns):
            return None
        return self._pager.step(self.columns.ordinal(self._tips.head))

    @property
    def tips(self) -> Tips:
        """The branches' tips."""
        return self._tips

    def _ordinal(self, row: int) -> int:
        return self._listed.ordinal(row)

    def _row_of(self, seq: int) -> int:
        return self._listed.row(self.columns.ordinal(seq))

    def _step(self, row: int) -> Step | None:
        return self._pager.step(self._ordinal(row))

    def _moved(self) -> None:
        self.post_message(CursorMoved("timeline", self.cursor))

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row; at the top everything counts as seen."""
        super().move_to(index)
        if self.cursor <= 1:
            self.unseen = 0

    @property
    def reading_position(self) -> int:
        """Where the cursor is, as a number that grows downwards and outlasts filters."""
        return -self._ordinal(self.cursor) if self.cursor else -len(self.columns)

    def go_to_position(self, position: int) -> None:
        """Puts the cursor on the step of a `reading_position`, or the next one below it."""
        self.move_to(self._listed.row(-position) if -position < len(self.columns) else 0)

    def go_to(self, seq: int) -> None:
        """Puts the cursor on a step, or on the next older one that is listed."""
        self.move_to(self._row_of(seq))

    def take_mended(self, step: Step) -> None:
        """Shows a step whose mark has changed, at once."""
        self._pager.mend(self.columns.ordinal(step.seq), step)
        self.redraw()
        self._moved()

    # --- drawing ---------------------------------------------------------------------------------

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        painter = self._painter_for(width)
        if index == 0:
            return painter.disk(self._dirty, self._pending)
        lane, step = self._lane(index), self._step(index)
        if step is None:
            return painter.skeleton(lane)
        row = row_of(step, self._tips, self.glyphs)
        return painter.step(row, lane, self._age(step), self.marks.sign(step.id, self.glyphs))

    def row_key(self, index: int) -> Hashable | None:
        if index == 0:
            return (0, self._dirty, self._pending)
        step = self._step(index)
        if step is None:
            self._want()
            return None
        return (step.seq, self._age(step), step.checkpoint is not None, self.marks.has(step.id))

    def _age(self, step: Step) -> str:
        if self._absolute:
            return stamp(self._now_ns, step.time_ns, self._zone)
        return age(self._now_ns, step.time_ns)

    def _lane(self, index: int) -> LaneRow:
        page, offset = divmod(self._ordinal(index), PAGE)
        row = self._lane_page(page)[offset]
        # Rows that are not neighbours are not joined: a line between them would not be true.
        return row if self._listed.chosen is None else alone(row)

    def _lane_page(self, page: int) -> list[LaneRow]:
        rows = self._lane_rows.get(page)
        if rows is None:
            rows = self._lane_rows[page] = self._lanes.page(page)
        return rows

    def _in_view(self) -> Sequence[int]:
        top = self.scroll_offset.y
        return self._listed.between(top, top + self.scrollable_content_region.height)

    def _pages_in_view(self) -> tuple[int, ...]:
        return tuple(sorted({ordinal // PAGE for ordinal in self._in_view()}))

    def _lanes_in_view(self) -> int:
        """Lanes of the pages in view: the columns stay where they are for many rows."""
        if self.filtered:
            lanes = (self._lane_page(at // PAGE)[at % PAGE].lane for at in self._in_view())
            return max(lanes, default=0) + 1
        rows = (row for page in self._pages_in_view() for row in self._lane_page(page))
        return max((len(row.cells) for row in rows), default=1)

    def _painter_for(self, width: int) -> RowPainter:
        painter = self._painter
        if painter is None or painter.width != width or painter.paint is not self.paint:
            cap = 3 if width < 56 else 6 if width < 120 else 10
            lanes = max(1, min(cap, self._lanes_in_view()))
            cells = STAMP_CELLS if self._absolute else AGE_CELLS
            painter = RowPainter(self.paint, self.glyphs, width, lanes, cells)
            self._painter = painter
        return painter

    def _want(self) -> None:
        if self.filtered:
            seqs = [self.columns.seqs[at] for at in self._pager.missing_loose(self._in_view())]
            self._ask(tuple(seqs), StepsWanted)
        elif view := self._in_view():
            self._ask(tuple(self._pager.missing(view[-1], view[0])), PagesWanted)

    def _ask(self, missing: tuple[int, ...], wish: type[PagesWanted] | type[StepsWanted]) -> None:
        if missing and missing != self._asked:
            self._asked = missing
            self.post_message(wish(missing))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Asks for what came into view; pages that were read before may be outdated, too."""
        super().watch_scroll_y(old_value, new_value)
        if self.loaded and self.count > 1:
            self._want()
            self._look_at_lanes()

    def _look_at_lanes(self) -> None:
        pages = tuple(self._in_view()) if self.filtered else self._pages_in_view()
        if pages != self._lane_span:
            self._lane_span = pages
            self._painter = None
            self.redraw()

    # --- actions ---------------------------------------------------------------------------------

    def action_now(self) -> None:
        """To the head of the current branch."""
        self.move_to(self._row_of(self._tips.head) if self._tips.head else 0)

    def action_follow(self) -> None:
        """Turns following on (and goes to the newest step) or off."""
        self.following = not self.following
        if self.following:
            self.move_to(min(1, self.count - 1))
        self._moved()

    def action_times(self) -> None:
        """Relative or absolute times."""
        self._absolute = not self._absolute
        self._painter = None
        self.redraw()

    def action_landmark_newer(self) -> None:
        """To the landmark above."""
        self._to_landmark(-1)

    def action_landmark_older(self) -> None:
        """To the landmark below."""
        self._to_landmark(1)

    def _to_landmark(self, way: int) -> None:
        for distance in range(1, _LANDMARK_REACH):
            row = self.cursor + way * distance
            if not 0 < row < self.count:
                break
            step = self._step(row)
            if step is None:
                self.move_to(row)
                self.post_message(Refused("reading further steps; press again"))
                return
            if is_landmark(step):
                self.move_to(row)
                return
        which = "newer" if way < 0 else "older"
        self.post_message(Refused(f"no {which} checkpoint, rollback, failure or gap"))

    def position(self) -> str:
        """Returns `2/1,284` for the title line."""
        total = self._listed.rows - 1
        if not self.columns.complete:
            return "reading"
        return f"{grouped(self.cursor)}/{grouped(total)}" if self.cursor else grouped(total)


def _newer(columns: Columns, before: Columns) -> int:
    if not len(before) or not len(columns):
        return len(columns)
    return len(columns) - columns.ordinal(before.seqs[-1] + 1)
