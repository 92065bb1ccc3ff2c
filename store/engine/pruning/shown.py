"""Steps as they are shown when others are dropped: parents are the nearest ones that stay."""

from __future__ import annotations

from dataclasses import replace

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.parents import first_parent
from stepwell.store.model.ids import StepId
from stepwell.store.model.seqs import Seqs, holds
from stepwell.store.model.steps import Step


class Shown:
    """Links steps to what stays of their past. In place of a dropped step comes its first parent."""

    def __init__(self, journal: Journal, dropped: Seqs) -> None:
        self._journal = journal
        self._dropped = dropped
        self._instead: dict[StepId, StepId | None] = {}
        """What stands for the steps that were met; one that stays, for itself; None: nothing."""

    def is_dropped(self, step: Step) -> bool:
        """Tells whether a step is out of sight."""
        return holds(self._dropped, step.seq)

    def pass_over(self, step: Step) -> None:
        """Takes note of a dropped step, so that those that follow need not look it up."""
        self._instead[step.id] = self.nearest(step.parents[0]) if step.parents else None

    def linked(self, step: Step) -> Step:
        """Returns the step with those parents that stay; itself when all do.

        Raises:
            IntegrityError: what was before it cannot be read.
        """
        if not self._dropped:
            return step
        self._instead[step.id] = step.id
        found = (self.nearest(parent) for parent in step.parents)
        parents = tuple(dict.fromkeys(parent for parent in found if parent is not None))
        return step if parents == step.parents else replace(step, parents=parents)

    def nearest(self, step: StepId) -> StepId | None:
        """Returns the step itself or the nearest one before it that stays; None: there is none."""
        passed: list[StepId] = []
        at: StepId | None = step
        while at is not None and at not in self._instead:
            found = self._journal.step(at)
            if not self.is_dropped(found):
                break
            passed.append(at)
            before = first_parent(self._journal, found)
            at = None if before is None else before.id
        nearest = at if at is None else self._instead.get(at, at)
        self._instead.update(dict.fromkeys(passed, nearest))
        return nearest
