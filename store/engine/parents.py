"""From a step to the one before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from stepwell.store.model.errors import IntegrityError, NotFoundError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step


class HasSteps(Protocol):
    """Where steps are read."""

    def step(self, step: StepId) -> Step:
        """Returns a step; raises NotFoundError when there is none."""


def first_parent(journal: HasSteps, step: Step) -> Step | None:
    """Returns a step's first parent; None of a first step.

    Raises:
        IntegrityError: it is damaged, or lost with a part of the journal.
    """
    if not step.parents:
        return None
    try:
        return journal.step(step.parents[0])
    except NotFoundError as error:
        raise IntegrityError(
            f"what was before step #{step.seq} cannot be read: a part of the journal is lost",
            hint="`stepwell verify` names what is damaged; put it back from a backup",
            step=step.parents[0],
        ) from error


def ancestors(find: Callable[[StepId], Step], step: Step) -> Iterator[Step]:
    """Yields what is before a step along first parents, the newest first."""
    while step.parents:
        step = find(step.parents[0])
        yield step
