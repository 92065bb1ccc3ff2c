"""The facade's verbs for experiments, above all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from stepwell.store.engine.diff import changes
from stepwell.store.engine.experimenting import (
    begin_experiment,
    drop_experiment,
    end_experiment,
    find_candidate,
    find_experiment,
    refuse_taken,
)
from stepwell.store.engine.objects import LayeredObjects
from stepwell.store.engine.refusing import refuse_without_files
from stepwell.store.engine.scratch import is_scratch_in_use, scratch_folder
from stepwell.store.environment import process_environment
from stepwell.store.experiments.complexity import complexity_rise
from stepwell.store.experiments.ranking import Weights, fitting_weights, rank
from stepwell.store.experiments.running import Place, Report, Runner
from stepwell.store.experiments.trial import (
    Trial,
    Words,
    approaches_of,
    branch_of,
    check_trial,
    words_of,
)
from stepwell.store.model.errors import RefusedError
from stepwell.store.model.experiments import Approach, Candidate, Experiment, Ranked, State
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import Applied, Conflict, PlannedChanges
from stepwell.store.model.steps import Step
from stepwell.store.workspace import Workspace


def _silent(_label: str, _what: str) -> None:
    """Reports nothing."""


class ExperimentVerbs(Workspace):
    """Tries approaches side by side, ranks them, promotes one."""

    def try_approaches(
        self,
        approaches: Iterable[Approach | tuple[str, Words]],
        *,
        name: str = "",
        base: Step | str | None = None,
        check: Words = (),
        jobs: int = 1,
        limit_s: float | None = None,
        every_s: float = 2.0,
        extras: Sequence[bytes] = (),
        junit: str = "",
        numbers: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        report: Report = _silent,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Experiment:
        """Runs each approach's command, then the check, in a copy of a step; returns the figures.

        Each has a branch of its own, `NAME/LABEL`, on which its copy is captured while and after
        it runs. Neither the workspace nor a sibling is touched. `base` None: the disk as it is,
        captured first. `name` empty: one is made up. A command is words, or a text split as a
        shell does; no shell runs. `limit_s` is what each command and each check may take, `extras`
        are ignored folders that each copy gets, `junit` and `numbers` say what to read of the
        check besides its output's own summary. `environment` None: the process's own. Once
        `is_stopped` says so, which is asked often, it ends as by Ctrl-C: with KeyboardInterrupt.

        Raises:
            UsageError, NotFoundError, RefusedError: nothing was begun: names, commands, folders.
            FailedError: the copies could not be made.
        """
        trial = Trial(
            name=name or f"try-{self._context.randomness(3).hex()}",
            approaches=approaches_of(approaches),
            environment=process_environment() if environment is None else environment,
            check=words_of(check) if check else (),
            jobs=jobs,
            limit_s=limit_s,
            every_s=every_s,
            extras=tuple(map(TrackedPath, extras)),
            junit=junit,
            numbers=numbers or {},
        )
        check_trial(trial, self.root)
        return self._run_trial(trial, self._base(base, trial.name), report, is_stopped)

    def _base(self, base: Step | str | None, name: str) -> Step:
        if base is None:
            return self.capture(f"before the experiment {name}")
        step = self.get_step(base) if isinstance(base, str) else base
        refuse_without_files("experiment", step)
        return step

    def _run_trial(
        self, trial: Trial, base: Step, report: Report, is_stopped: Callable[[], bool]
    ) -> Experiment:
        context = self._context
        with scratch_folder(self.store, "experiment", context.randomness) as scratch:
            experiment = self._drafted(trial, base, scratch.name)
            refuse_taken(self.view(), experiment)
            reader = LayeredObjects(self._journal)
            place = Place(context, self._writer, reader, scratch, base.snapshot, experiment)
            runner = Runner(place, trial, report, is_stopped)
            runner.prepare()
            with self._writer() as writer:
                begin_experiment(writer, experiment)
            state: State = "stopped"
            try:
                runner.run()
                state = "done"
            finally:
                ended = self._ended(experiment, runner.candidates(), base, state)
            return ended

    def _drafted(self, trial: Trial, base: Step, scratch: str) -> Experiment:
        candidates = tuple(
            Candidate(a.label, branch_of(trial.name, a.label), a.command, base.id)
            for a in trial.approaches
        )
        into, now = self.view().current, self._context.clock()
        return Experiment(
            trial.name, base.id, into, now, trial.check, candidates, "running", scratch
        )

    def _ended(
        self, experiment: Experiment, candidates: tuple[Candidate, ...], base: Step, state: State
    ) -> Experiment:
        self.refresh()
        measured = tuple(self._measured(candidate, base) for candidate in candidates)
        told = replace(experiment, candidates=measured, state=state)
        with self._writer() as writer:
            end_experiment(writer, told)
        return self.view().experiments.get(told.name, told)

    def _measured(self, candidate: Candidate, base: Step) -> Candidate:
        branch = self.view().branches.get(candidate.branch)
        if branch is None:
            return candidate
        tip = self._journal.step(branch.head)
        found = changes(self._journal, base.snapshot, tip.snapshot, hunks=False)
        return replace(
            candidate,
            files=len(found),
            added=sum(change.added for change in found),
            deleted=sum(change.deleted for change in found),
            complexity=complexity_rise(self._journal, found),
        )

    def experiments(self) -> list[Experiment]:
        """Returns the experiments, the newest first; what a killed process left is `stopped`."""
        return [self._settled(one) for one in reversed(list(self.view().experiments.values()))]

    def experiment(self, name: str) -> Experiment:
        """Returns an experiment; raises NotFoundError when there is none of that name."""
        return self._settled(find_experiment(self.view(), name))

    def _settled(self, experiment: Experiment) -> Experiment:
        running = experiment.state == "running"
        if running and not is_scratch_in_use(self.store, experiment.scratch):
            return replace(experiment, state="stopped")
        return experiment

    def rank(
        self,
        experiment: Experiment,
        weights: Weights | None = None,
        *,
        usual: Weights | None = None,
    ) -> tuple[Ranked, ...]:
        """Returns the candidates, best first, with scores and reasons.

        `weights` change what counts how much (`checks` 10, `size`, `complexity`, `duration` 1
        each), or add metrics by their names; below 0, less is better. `usual` do so for any
        experiment: those of figures that this one lacks are left out.

        Raises:
            UsageError: a weight is of no figure, or they leave nothing to rank by.
        """
        fitting = fitting_weights(usual or {}, experiment.candidates)
        return rank(experiment.candidates, {**fitting, **(weights or {})})

    def select_best(self, results: Experiment, weights: Weights | None = None) -> Candidate | None:
        """Returns the candidate ranked first; None when none passed."""
        ranked = self.rank(results, weights)
        return ranked[0].candidate if ranked and ranked[0].candidate.passed else None

    def candidate_conflicts(
        self, experiment: Experiment, candidate: Candidate
    ) -> tuple[Conflict, ...]:
        """Returns the conflicts that promoting a candidate would have now; none when it cannot be told.

        That is: when the branch to promote into is not the current one, or a merge is under way.
        """
        view = self.view()
        if view.current != experiment.into or view.merging is not None:
            return ()
        if candidate.branch not in view.branches:
            return ()
        return self.plan_merge(candidate.branch).plan.conflicts

    def plan_promote(
        self, name: str, label: str, *, prefer: Literal["ours", "theirs"] | None = None
    ) -> PlannedChanges:
        """Returns what merging a candidate into the branch that it came from would change.

        Raises:
            NotFoundError: there is no such experiment, candidate or branch.
            RefusedError: that branch is not the current one, or as `plan_merge`.
        """
        experiment = find_experiment(self.view(), name)
        candidate = find_candidate(experiment, label)
        if self.view().current != experiment.into:
            raise RefusedError(
                f"{label} cannot be promoted: it came from branch {experiment.into}, "
                f"and you are on {self.view().current}",
                hint=f"run stepwell switch {experiment.into} first, or merge {candidate.branch}",
                branch=experiment.into,
            )
        return self.plan_merge(candidate.branch, prefer=prefer)

    def promote(
        self,
        name: str,
        label: str,
        *,
        prefer: Literal["ours", "theirs"] | None = None,
        force: bool = False,
    ) -> Applied:
        """Merges a candidate into the branch that it came from; `undo` takes it back."""
        return self.apply(self.plan_promote(name, label, prefer=prefer), force=force)

    def drop_experiment(self, name: str) -> Experiment:
        """Takes an experiment and its branches away; the steps stay, and undo brings all back.

        Raises:
            NotFoundError: there is no such experiment.
            RefusedError: it still runs, or the current branch is one of its.
        """
        experiment = self.experiment(name)
        if experiment.state == "running":
            raise RefusedError(
                f"experiment {name} cannot be dropped: it is running",
                hint="end it first, with Ctrl-C where it runs",
                experiment=name,
            )
        with self._writer() as writer:
            return drop_experiment(writer, name)
