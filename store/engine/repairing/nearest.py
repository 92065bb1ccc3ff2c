"""The nearest step that is whole, for when the wanted one is not: an older one, then a newer one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.journal.verify import soundness
from stepwell.store.engine.parents import first_parent
from stepwell.store.model.errors import IntegrityError, NotFoundError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step

_LOOKED_AT = 200
"""Steps in each direction, before it is given up."""


def nearest_intact(journal: Journal, step: Step, is_intact: Callable[[Step], bool]) -> Step | None:
    """Returns the nearest step that is whole: along first parents, else by number; None: none."""
    older = islice(_before(journal, step), _LOOKED_AT)
    found = next(filter(is_intact, older), None)
    if found is None:
        found = next(filter(is_intact, islice(_after(journal, step), _LOOKED_AT)), None)
    return found


def _before(journal: Journal, step: Step) -> Iterable[Step]:
    at: Step | None = step
    while at is not None:
        with suppress(IntegrityError, NotFoundError):
            at = first_parent(journal, at)
            if at is not None:
                yield at
            continue
        return


def _after(journal: Journal, step: Step) -> Iterable[Step]:
    for seq in range(step.seq + 1, journal.view().last_seq + 1):
        with suppress(IntegrityError, NotFoundError):
            found = journal.steps_by_seq(seq)
            if found is not None:
                yield found


def nearest_of(journal: Journal, damaged: Iterable[str]) -> dict[str, str | None]:
    """Returns step id -> id of the nearest whole step, for steps that damage affects."""
    bad = set(damaged)
    found: dict[str, str | None] = {}
    for identity in sorted(bad):
        with suppress(IntegrityError, NotFoundError):
            step = journal.step(StepId(identity))
            near = nearest_intact(journal, step, lambda one: one.id not in bad)
            found[identity] = None if near is None else near.id
    return found


def offering_nearest(journal: Journal, step: Step, error: IntegrityError) -> IntegrityError:
    """Returns the error of a step that cannot be read, with the nearest whole one as its hint."""
    near = nearest_intact(journal, step, soundness(journal))
    if near is None:
        return error
    return type(error)(
        error.message,
        hint=f"the nearest step that is whole is #{near.seq}; `stepwell verify --repair` may mend "
        f"#{step.seq}",
        **{**error.facts, "step": step.id, "nearest": near.id},
    )
