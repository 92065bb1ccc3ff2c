"""What is ticked in a preview: files in its list, hunks and single lines in its diff."""

from __future__ import annotations

from abc import abstractmethod

from stepwell.tui.keys.actions import key_of
from stepwell.tui.model.picks import LineAt
from stepwell.tui.values import plural
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.planlist import PlanList
from stepwell.tui.widgets.sentence import Sentence


class Ticking:
    """The part of a preview that ticks."""

    _plan: PlanList
    _diff: DiffView
    _promise: Sentence

    @property
    @abstractmethod
    def _may_tick(self) -> bool:
        """Nothing is being applied, nor was."""

    @property
    @abstractmethod
    def _safety(self) -> str:
        """What happens before anything changes."""

    @abstractmethod
    def _tell_choice(self) -> None:
        """Says what would be done by what is ticked."""

    def action_tick(self) -> None:
        """Ticks the row under the cursor, or in the diff the hunk."""
        if not self._may_tick:
            return
        said = self._safety
        if self._diff.has_focus and self._diff.picks is not None:
            here = self._diff.hunk_here()
            self._diff.action_pick_hunk()
            if here is not None:
                self._plan.agree_to(here[0])
        elif not self._plan.toggle():
            said = "This row needs no tick. " + said
        self._ticked(said)

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
        picks.toggle_lines(lines)
        self._diff.end_range()
        for change in dict.fromkeys(line.change for line in lines):
            self._plan.agree_to(change)
        told = f"Ticked: {plural(picks.lines, 'single line')}; what is faint stays as it is. "
        self._ticked((told if picks.lines else "") + self._safety)

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
        self._plan.tick_all()
        self._ticked(self._safety)

    def _ticked(self, said: str) -> None:
        self._promise.say(said, "dim")
        self._diff.redraw()
        self._plan.redraw()
        self._tell_choice()
