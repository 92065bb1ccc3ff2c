"""The facade's verb that finds the step that broke something, and the copies that it and rules try in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.scratch import scratch_folder
from stepwell.store.environment import process_environment
from stepwell.store.experiments.roots import check_extra
from stepwell.store.experiments.trial import Words, words_of
from stepwell.store.experiments.verbs import ExperimentVerbs
from stepwell.store.model.errors import UsageError
from stepwell.store.model.ids import StepId
from stepwell.store.model.paths import TrackedPath, unescape
from stepwell.store.model.reports import Bisected
from stepwell.store.model.steps import Step
from stepwell.store.rules.bisecting import Tries, by_status, require, way
from stepwell.store.rules.copies import Copies
from stepwell.store.rules.halving import first_bad


def never() -> bool:
    """Stops nothing."""
    return False


class BisectVerbs(ExperimentVerbs):
    """Tries commands at steps, in scratch copies."""

    def bisect(
        self,
        good: Step | str,
        bad: Step | str,
        command: Words,
        *,
        jobs: int = 1,
        limit_s: float | None = None,
        extras: Sequence[bytes] = (),
        environment: Mapping[str, str] | None = None,
        report: Callable[[Step, bool | None], None] = lambda _step, _good: None,
        is_stopped: Callable[[], bool] = never,
    ) -> Bisected:
        """Returns the step with which a command began to fail, trying it in scratch copies.

        Exit status 0 is good, 125 (or no end of its own) cannot be told, anything else is bad. Both
        ends are tried first. `extras` are ignored folders that each copy gets; `report` is called
        with each step that was tried.

        Raises:
            UsageError: `good` does not come before `bad`, or a number makes no sense.
            FailedError: an end is not what it was given as.
            KeyboardInterrupt: `is_stopped` said so.
        """
        if jobs < 1 or (limit_s is not None and limit_s <= 0):
            raise UsageError("jobs and limits are above 0", hint="leave the option out")
        first, last = (self.get_step(s) if isinstance(s, str) else s for s in (good, bad))
        steps = way(self._finder(), first, last)
        for path in extras:
            check_extra(self.root, TrackedPath(path))
        with self.copies("bisect", (), environment, tuple(map(TrackedPath, extras))) as copies:
            tries = Tries(
                copies, words_of(command), limit_s, by_status, is_stopped, report, known={}
            )
            require(tries, last, False)
            require(tries, first, True)
            found = first_bad(0, len(steps) - 1, tries.at(steps), jobs)
        step = self._marked(steps[found.first_bad])
        from stepwell.store import finding  # as in reader.py: it loads the catalogue

        return Bisected(
            step,
            steps[found.last_good],
            tries.count,
            found.skipped,
            tuple(steps[found.last_good + 1 : found.first_bad]),
            finding.prompt_of(self._journal, self.catalogue(), step),
        )

    def _finder(self) -> Callable[[StepId], Step]:
        shown = Shown(self._journal, self.view().dropped)
        return lambda step: shown.linked(self._journal.step(step))

    @contextmanager
    def copies(
        self,
        purpose: str,
        named: Sequence[str],
        environment: Mapping[str, str] | None,
        extras: Sequence[TrackedPath] = (),
    ) -> Iterator[Copies]:
        """Gives a place for scratch copies, for as long as they are needed.

        `named` are ignored folders that each gets, escaped as in a rule file.

        Raises:
            FailedError: it cannot be made.
        """
        process = process_environment() if environment is None else environment
        paths = (*extras, *(TrackedPath(unescape(name)) for name in named))
        with scratch_folder(self.store, purpose, self._context.randomness) as scratch:
            yield Copies(self._journal, self.root, scratch, process, paths)
