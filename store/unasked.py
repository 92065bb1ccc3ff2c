"""The facade's verbs for what nobody asked for: what rules found, and checkpoints made by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.store.accessverbs import AccessVerbs
from stepwell.store.engine import checkpoints
from stepwell.store.engine.recording import head_step, require_head
from stepwell.store.link.carry import carried
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import Operation, Step, VerdictGiven


class UnaskedVerbs(AccessVerbs):
    """Records verdicts and makes checkpoints; undo passes them over."""

    @carried
    def record_verdict(self, verdict: RuleVerdict, *, session: str | None = None) -> Operation:
        """Records what a rule found at a step of a session, and what was done about it."""
        with self._writer() as writer:
            summary = f"rule {verdict.rule}: {verdict.detail}"
            effects = [VerdictGiven(verdict)]
            return writer.begin().commit("verdict", summary, effects, session=session)

    @carried
    def mark_unasked(
        self,
        tag: str,
        why: str,
        *,
        step: Step | None = None,
        milestone: Mapping[str, Any] | None = None,
    ) -> bool:
        """Marks a step (None: the newest) where nobody asked for it; tells whether that is new.

        Nothing is done where the person's settings do not want such checkpoints.
        """
        if not self._context.capture.checkpoints:
            return False
        with self._writer() as writer:
            head = step or require_head(head_step(writer, writer.view()), self.root)
            return checkpoints.mark_unasked(writer, self._context, head, tag, why, milestone)

    @carried
    def release_marks(self, tag: str, before: Step) -> int:
        """Takes such marks away from what is before a step, as they have served; how many."""
        with self._writer() as writer:
            return checkpoints.release(writer, before, tag)
