"""What is ticked in a preview: files in its list, hunks and single lines in its diff."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from stepwell.tui.feed.wishes import Wish
from stepwell.tui.keys.actions import key_of
from stepwell.tui.messages import PicksChanged
from stepwell.tui.model.picks import LineAt, Picks, State
from stepwell.tui.values import plural
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.planlist import PlanList
from stepwell.tui.widgets.sentence import Sentence

LOSS = "other work goes, too; it is saved before"
_TOLD = f"{LOSS[0].upper()}{LOSS[1:]}. "


class Ticking:
    """The part of a preview that ticks."""

    _plan: PlanList
    _diff: DiffView
    _promise: Sentence
    _wish: Wish
    _before: Mapping[int, State] = {}
    """How much was chosen of what would lose something when the choice was told last."""

    @property
    @abstractmethod
    def _may_tick(self) -> bool:
        """Something is shown, and nothing is being applied, nor was."""

    @property
    @abstractmethod
    def _safety(self) -> str:
        """What happens before anything changes."""

    @abstractmethod
    def _too_soon(self) -> bool:
        """Counts a key; tells whether the plan that is shown can be agreed to yet."""

    @abstractmethod
    def _tell_choice(self) -> None:
        """Says what would be done by what is ticked."""

    def action_tick(self) -> None:
        """Ticks the row under the cursor, or in the diff the hunk."""
        if not self._may_tick:
            return
        first = ""
        if self._diff.has_focus and self._diff.picks is not None:
            with self._diff.prevent(PicksChanged):
                self._diff.action_pick_hunk()
            first = self._agreed()
        elif not self._plan.toggle():
            first = "This row needs no tick. "
        self._ticked(first + self._safety)

    def action_tick_line(self) -> None:
        """Ticks the line under the diff's cursor, or those of its range, alone."""
        if not self._may_tick:
            return
        lines = self._diff.changed_lines_here() if self._diff.has_focus else []
        problem = self._no_lines(lines)
        if problem:
            self._promise.say(problem, "warning")
            return
        picks = self._plan.picks
        is_range = self._diff.span is not None
        picks.toggle_lines(lines)
        self._diff.end_range()
        agreed = self._agreed()
        pair = "" if is_range or len(lines) == 1 else "Both lines of this row go together. "
        self._ticked(f"{agreed}{pair}{_ticks(picks)} {self._safety}")

    def on_picks_changed(self, message: PicksChanged) -> None:
        """Something was ticked by a key of the diff's own."""
        message.stop()
        if self._may_tick:
            self._ticked(self._agreed() + self._safety)

    def _agreed(self) -> str:
        """Returns what is to be said first, when what was ticked since agrees to a loss."""
        return _TOLD if self._plan.agree_since(self._before) else ""

    def _no_lines(self, lines: list[LineAt]) -> str:
        """Returns why no line can be ticked here; empty: some can."""
        tick, line = key_of("preview.tick"), key_of("preview.tick_line")
        if self._diff.picks is None:
            return "This is done whole or not at all: there is nothing to tick."
        if not self._diff.has_focus:
            return f"Lines are ticked in the diff: {key_of('preview.switch')} goes there."
        if not lines:
            return f"This line does not change: {line} is for one with - or +, {tick} for the hunk."
        if not all(self._plan.picks.takes_lines(line.change) for line in lines):
            return f"It comes, or goes, as a whole file: {tick} ticks it; single lines cannot be."
        return ""

    def action_tick_all(self) -> None:
        """Ticks every row."""
        if not self._may_tick:
            return
        agrees = any(row.tick is not None for row in self._plan.unticked)
        self._plan.tick_all()
        self._ticked((_TOLD if agrees else "") + self._safety)

    def _ticked(self, said: str) -> None:
        self._too_soon()
        self._promise.say(said, "dim")
        self._diff.redraw()
        self._plan.redraw()
        self._tell_choice()


def _ticks(picks: Picks) -> str:
    """Returns what is ticked after lines were."""
    if picks.complete or not picks.any:
        return "Everything is ticked." if picks.any else "Nothing is ticked."
    whole = "whole hunks" if picks.hunks else "whole files"
    count = plural(picks.lines, "single line") if picks.lines else whole
    return f"Ticked: {count}; what is faint stays as it is."
