"""Steps as lines to be read, below the list of what they belong to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.segment import Segment

from stepwell.tui.look.fit import cells, clip, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import AGE_CELLS, age
from stepwell.tui.look.numbers import brief
from stepwell.tui.model.rows import subject_of, word_of
from stepwell.tui.values import Clock, Step
from stepwell.tui.widgets.linelist import LineList

_SEQ, _WORD = 8, 8
_COUNT = 7


class StepLines(LineList):
    """The newest first. Nothing can be chosen here."""

    can_focus = False
    WASH = False
    POINTS = False

    def __init__(self, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__(id="step-lines", glyphs=glyphs)
        self._clock = clock
        self.steps: Sequence[Step] = ()

    def show(self, steps: Sequence[Step]) -> None:
        """Takes other steps."""
        self.steps = steps
        self.set_count(len(steps), cursor=0)

    def row_key(self, index: int) -> Hashable | None:
        return index

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        step = self.steps[index]
        word, role = word_of(step)
        changes = step.changes
        front = [
            Segment(fit(f" #{step.seq}", _SEQ), self.paint("dim")),
            Segment(fit_right(age(self._clock(), step.time_ns), AGE_CELLS + 1), self.paint("dim")),
            Segment("  " + fit(word, _WORD, self.glyphs.ellipsis), self.paint(role)),
        ]
        counts = [
            Segment(fit_right(f"+{brief(changes.added)}" if changes.added else "", _COUNT),
                    self.paint("added")),
            Segment(fit_right(f"-{brief(changes.deleted)}" if changes.deleted else "", _COUNT),
                    self.paint("deleted")),
        ]  # fmt: skip
        result = self._result(step)
        room = max(0, width - sum(cells(part.text) for part in (*front, *result, *counts)) - 1)
        subject = fit(clip(subject_of(step), room, self.glyphs.ellipsis), room)
        ink = self.paint("strong", bold=True) if step.kind == "prompt" else self.paint("text")
        return [*front, Segment(subject, ink), *result, *counts]

    def _result(self, step: Step) -> list[Segment]:
        if step.result is None:
            return [Segment("  ")]
        sign = self.glyphs.ok if step.result.ok else self.glyphs.failed
        return [Segment(f" {sign}", self.paint("ok" if step.result.ok else "failed"))]
