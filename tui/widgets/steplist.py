"""Which steps are on which row, where the cursor stands among them, and what folds or jumps.

Draws nothing: that is the timeline's, its only subclass.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from stepwell.tui.feed.pager import Pager
from stepwell.tui.keys.actions import key_of
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import CursorMoved, PagesWanted, Refused, StepsWanted
from stepwell.tui.model.columns import Columns
from stepwell.tui.model.folds import Folds, Level
from stepwell.tui.model.landmarks import next_landmark
from stepwell.tui.model.lanes import LaneMap
from stepwell.tui.model.listed import Listed
from stepwell.tui.model.rows import Tips
from stepwell.tui.model.turns import Turns
from stepwell.tui.values import Step, plural
from stepwell.tui.widgets.ranged import RangedList

_LEVELS = (
    "everything is unfolded",
    "runs of steps that changed nothing are folded; once more folds the turns",
    "turns are folded; once more unfolds everything",
)


class StepList(RangedList):
    """Row 0 is the disk; below it the steps that are listed, newest first."""

    def __init__(self, *, glyphs: Glyphs) -> None:
        super().__init__(id="timeline", glyphs=glyphs)
        self._pager = Pager()
        self._lanes = LaneMap()
        self._tips = Tips()
        self._listed = Listed()
        self._filter: Sequence[int] | None = None
        self.dims = False
        """A filter hides no step: those that do not fit are drawn faint."""
        self._folds = Folds()
        self._folded_away: int | None = None
        """The number of the step that was selected until a fold hid it."""
        self._asked: tuple[int, ...] = ()
        self._following = True
        self.unseen = 0
        """Steps that arrived while the cursor stood elsewhere than at the top."""

    def _listing(self) -> Listed:
        """Which steps are listed: a filter's or all, else all that is not folded away."""
        size = len(self.columns)
        if self._filter is not None:
            return Listed(size, None if self.dims else self._filter)
        return Listed(size, self._folds.listed(self.columns.turns, size))

    @property
    def following(self) -> bool:
        """The newest step stays selected as steps arrive: only who stands at the top follows."""
        return self._following and self.cursor <= 1

    @property
    def filtered(self) -> bool:
        """There is a filter: only its steps are listed, or those that do not fit are faint."""
        return self._filter is not None

    @property
    def _hides(self) -> bool:
        """Only the steps of a filter are listed."""
        return self._filter is not None and not self.dims

    def _is_faint(self, row: int) -> bool:
        if self._filter is None or not self.dims or not row:
            return False
        ordinal = self._ordinal(row)
        at = bisect_left(self._filter, -ordinal, key=lambda fitting: -fitting)
        return at >= len(self._filter) or self._filter[at] != ordinal

    def _in_view(self) -> Sequence[int]:
        top = self.scroll_offset.y
        return self._listed.between(top, top + self.scrollable_content_region.height)

    @property
    def _bottom_row(self) -> int:
        return self.scroll_offset.y + self.scrollable_content_region.height

    def _tell_place(self) -> None:
        self.set_caption("Timeline", self.position())

    def _want(self) -> None:
        if self._listed.chosen is not None:
            seqs = [self.columns.seqs[at] for at in self._pager.missing_loose(self._in_view())]
            self._ask(tuple(seqs), StepsWanted)
        elif view := self._in_view():
            self._ask(tuple(self._pager.missing(view[-1], view[0])), PagesWanted)

    def _ask(self, missing: tuple[int, ...], wish: type[PagesWanted] | type[StepsWanted]) -> None:
        if missing and missing != self._asked:
            self._asked = missing
            self.post_message(wish(missing))

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
    def neighbours(self) -> tuple[Step, ...]:
        """The loaded steps of the rows around the cursor, the nearest first, older ones before newer."""
        rows = (self.cursor + by for by in (1, -1, 2))
        found = (self._step(row) for row in rows if 0 < row < self.count)
        return tuple(step for step in found if step is not None)

    @property
    def head_step(self) -> Step | None:
        """The newest step of the current branch; None while it is not loaded."""
        if not self._tips.head or not len(self.columns):
            return None
        return self._pager.step(self.columns.ordinal(self._tips.head))

    @property
    def head_seq(self) -> int:
        """Number of the newest step of the current branch; 0: there is none."""
        return self._tips.head

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
        self._folded_away = None
        super().move_to(index)
        if self.cursor <= 1:
            self.unseen = 0

    @property
    def reading_position(self) -> int:
        """Where the cursor is, as a number that grows downwards and outlasts filters."""
        return -self._ordinal(self.cursor) if self.cursor else -len(self.columns)

    def go_to_position(self, position: int) -> None:
        """Puts the cursor on the step of a `reading_position`, or the next one below it."""
        if -position < len(self.columns):
            self._unfold_to(-position)
            self.move_to(self._listed.row(-position))
        else:
            self.move_to(0)

    def go_to(self, seq: int) -> None:
        """Puts the cursor on a step, unfolded; under a filter on the next older one that is listed."""
        self._unfold_to(self.columns.ordinal(seq))
        self.move_to(self._row_of(seq))

    def knows(self, seq: int) -> bool:
        """Tells whether there is such a step."""
        ordinal = self.columns.ordinal(seq)
        return ordinal < len(self.columns) and self.columns.seqs[ordinal] == seq

    def step_numbered(self, seq: int) -> Step | None:
        """Returns a step that was read lately; None: it was not."""
        return self._pager.step(self.columns.ordinal(seq)) if self.knows(seq) else None

    @property
    def fold_level(self) -> Level:
        """What is folded everywhere."""
        return self._folds.level

    def fold_to(self, level: Level) -> None:
        """Folds everything to a level."""
        if self._may_fold():
            while self._folds.level != level:
                self._folds.cycle()
            self._relist()

    def _unfold_to(self, ordinal: int) -> None:
        before = self._listed
        while not self.filtered and self._is_folded(ordinal):
            if not self._folds.unfold(self.columns.turns, ordinal):
                break
            self._listed = self._listing()
        if self._listed is not before:
            self.set_count(self._listed.rows)

    def _is_folded(self, ordinal: int) -> bool:
        row = self._listed.row(ordinal)
        return row > 0 and ordinal < len(self.columns) and self._ordinal(row) != ordinal

    def position(self) -> str:
        """Returns `2/1,284` for the title line, and how many steps are folded away."""
        total = self._listed.rows - 1
        if not self.columns.complete:
            return "reading"
        if self.span is not None:
            return f"{plural(len(self.span), 'row')} of {grouped(total)} selected"
        folded = 0 if self.filtered else len(self.columns) - total
        more = f", {grouped(folded)} folded" if folded else ""
        return (
            f"{grouped(self.cursor)}/{grouped(total)}" if self.cursor else grouped(total)
        ) + more

    def go_to_number(self, number: int) -> None:
        """To the step of that number, or the next older one that is listed."""
        if len(self.columns):
            self.go_to(min(max(number, self.columns.seqs[0]), self.columns.seqs[-1]))

    @property
    def ends(self) -> tuple[Step, Step] | None:
        """What the steps of the range lead from and to; None: there is no range, or it is not read.

        From the oldest one's parent, which is asked for where it was not read lately.
        """
        rows = [row for row in self.span or () if row]
        steps = [self._step(row) for row in rows]
        known = sorted((step for step in steps if step), key=lambda step: step.seq)
        if not known or len(known) < len(rows):
            return None
        parent = self.columns.parents[self.columns.ordinal(known[0].seq)]
        if not parent:
            return known[0], known[-1]
        before = self.step_numbered(parent)
        if before is None:
            self._ask((parent,), StepsWanted)
            return None
        return before, known[-1]

    def action_now(self) -> None:
        """To the head of the current branch."""
        self.move_to(self._row_of(self._tips.head) if self._tips.head else 0)

    def action_follow(self) -> None:
        """Turns following on (and goes to the newest step) or off."""
        self._following = not self.following
        if self._following:
            self.move_to(min(1, self.count - 1))
        self._moved()

    def action_landmark_newer(self) -> None:
        """To the landmark above."""
        self._to_landmark(-1)

    def action_landmark_older(self) -> None:
        """To the landmark below."""
        self._to_landmark(1)

    def _to_landmark(self, way: int) -> None:
        row = next_landmark(self.columns.turns.traits, self._listed, self.cursor, way)
        if row is not None:
            self.move_to(row)
            return
        which = "newer" if way < 0 else "older"
        self.post_message(Refused(f"no {which} prompt, checkpoint, rollback, failure or gap"))

    def action_fold(self) -> None:
        """Folds the run of unchanged steps under the cursor, else its turn."""
        self._refold(self._folds.fold, "nothing to fold here: no run of unchanged steps, no turn")

    def action_unfold(self) -> None:
        """Unfolds the turn or the run under the cursor."""
        self._refold(self._folds.unfold, "nothing is folded here")

    def _refold(self, change: Callable[[Turns, int], bool], refusal: str) -> None:
        if self._may_fold() and 0 < self.cursor < self.count:
            if change(self.columns.turns, self._ordinal(self.cursor)):
                self._relist()
            else:
                self.post_message(Refused(refusal))

    def action_fold_all(self) -> None:
        """Folds all runs, then all turns as well, then nothing."""
        if self._may_fold():
            level = self._folds.cycle()
            self._relist()
            self.post_message(Refused(_LEVELS[level]))

    def _may_fold(self) -> bool:
        if not self.filtered and self.columns.complete:
            return True
        why = f"under a filter steps stand one by one: {key_of('list.back')} takes it away"
        self.post_message(Refused(why if self.filtered else "the history is still being read"))
        return False

    def _relist(self) -> None:
        """Lists what is not folded away; the cursor stays at its step, or what stands for it."""
        seq = self._folded_away or self.selected_seq
        self._listed = self._listing()
        self._asked = ()
        row = self._row_of(seq) if seq else 0
        is_listed = bool(row) and self.columns.seqs[self._ordinal(row)] == seq
        self._folded_away = None if is_listed else seq
        self.set_count(self._listed.rows, row)
        self._want()
        self._moved()
