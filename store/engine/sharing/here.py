"""What a store has already, and what comes has to agree with."""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import takewhile

from stepwell.store.engine.bundles.load import shown_title
from stepwell.store.engine.importing import FROM
from stepwell.store.engine.journal import Journal
from stepwell.store.model.errors import IntegrityError, NotFoundError, RefusedError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step, StepRemoved

_SAME = ("kind", "time_ns", "turn", "agent", "tool", "author", "source", "call")
"""What nothing changes of a step, wherever it goes."""
_HELD = ("snapshot", "prompt", "input", "result_text", "state", "reason")
"""What a purge may have changed, here or there."""


class Here:
    """The steps of a store, while nobody takes any away."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._found = lru_cache(maxsize=1)(self._step)

    def has(self, step: StepId) -> bool:
        """Tells whether there is a step of that id, whole or damaged."""
        try:
            self._found(step)
        except NotFoundError:
            return False
        except IntegrityError:
            pass
        return True

    def check(self, theirs: Step, *, purged: bool) -> None:
        """Holds a step from elsewhere against the one of its id that is here.

        `purged`: contents were taken away from the steps where it comes from.

        Raises:
            RefusedError: it is another step.
        """
        try:
            ours = self._found(theirs.id)
        except IntegrityError:
            return  # there is nothing to hold it against
        if _are_alike(ours, theirs, _SAME):
            if _are_alike(ours, theirs, _HELD) and ours.title == shown_title(theirs):
                return
            if purged or self._is_purged:
                return
        raise RefusedError(
            f"it tells of step {theirs.id[:8]} otherwise than {_origin(ours)}, which is here",
            hint="the step here stays as it is; ask whoever pushes there."
            " `stepwell pull REMOTE --accept WORKSPACE` takes the rest",
            step=theirs.id,
        )

    def was_removed(self, step: StepId) -> bool:
        """Tells whether it was recorded here, and removed for good since."""
        return step in self._removed

    def _step(self, step: StepId) -> Step:
        return self._journal.step(step)

    @cached_property
    def _removed(self) -> frozenset[StepId]:
        journal = self._journal
        if not journal.view().dropped:
            return frozenset()
        sealed = takewhile(lambda one: one.number <= journal.sealed.last, journal.operations())
        return frozenset(
            effect.step
            for one in sealed
            for effect in one.effects
            if isinstance(effect, StepRemoved)
        )

    @cached_property
    def _is_purged(self) -> bool:
        return any(operation.kind == "purge" for operation in self._journal.operations())


def _are_alike(ours: Step, theirs: Step, names: tuple[str, ...]) -> bool:
    return all(getattr(ours, name) == getattr(theirs, name) for name in names)


def _origin(ours: Step) -> str:
    """Returns who tells of a step that is here."""
    found = (flag.removeprefix(FROM) for flag in ours.flags if flag.startswith(FROM))
    return next((f"workspace {one} does" for one in found), "this workspace does")
