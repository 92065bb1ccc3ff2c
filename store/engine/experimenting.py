"""What experiments write: their branches, the steps on these, the figures."""

from __future__ import annotations

from dataclasses import replace

from stepwell.store.engine.branching import check_new
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.model.errors import NotFoundError, RefusedError
from stepwell.store.model.experiments import Candidate, Experiment
from stepwell.store.model.steps import (
    Branch,
    BranchDropped,
    BranchSet,
    Effect,
    ExperimentSet,
    View,
)
from stepwell.store.model.text import plural


def begin_experiment(writer: JournalWriter, experiment: Experiment) -> None:
    """Records an experiment and makes the branches of its candidates, all at the base.

    Raises:
        UsageError, RefusedError: as `refuse_taken`.
    """
    refuse_taken(writer.view(), experiment)
    effects: list[Effect] = [ExperimentSet(experiment.name, experiment)]
    for candidate in experiment.candidates:
        effects.append(BranchSet(Branch(candidate.branch, experiment.base, experiment.base)))
    count = plural(len(experiment.candidates), "candidate")
    writer.begin().commit("experiment", f"began experiment {experiment.name}, {count}", effects)


def refuse_taken(view: View, experiment: Experiment) -> None:
    """Raises when the experiment, or a branch of its candidates, cannot have its name.

    Raises:
        UsageError: no branch can be called so.
        RefusedError: the name is taken, or lies above or below a taken one.
    """
    if experiment.name in view.experiments:
        raise RefusedError(
            f"experiment {experiment.name} cannot be made: there is one already",
            hint=f"choose another name, or stepwell experiment drop {experiment.name}",
            experiment=experiment.name,
        )
    for candidate in experiment.candidates:
        check_new(view, candidate.branch)


def end_experiment(writer: JournalWriter, experiment: Experiment) -> None:
    """Records an experiment's figures; nothing when it was dropped meanwhile."""
    view = writer.view()
    if experiment.name not in view.experiments:
        return
    heads = {name: branch.head for name, branch in view.branches.items()}
    candidates = tuple(replace(c, head=heads.get(c.branch, c.head)) for c in experiment.candidates)
    told = replace(experiment, candidates=candidates)
    summary = f"ended experiment {told.name}: {told.state}"
    writer.begin().commit("experiment", summary, [ExperimentSet(told.name, told)])


def find_experiment(view: View, name: str) -> Experiment:
    """Returns the experiment of that name.

    Raises:
        NotFoundError: there is none.
    """
    if name not in view.experiments:
        known = ", ".join(sorted(view.experiments)) or "none"
        raise NotFoundError(
            f"there is no experiment {name}",
            hint=f"the experiments are: {known}",
            experiment=name,
        )
    return view.experiments[name]


def find_candidate(experiment: Experiment, label: str) -> Candidate:
    """Returns the candidate of that label.

    Raises:
        NotFoundError: there is none.
    """
    found = next((c for c in experiment.candidates if c.label == label), None)
    if found is None:
        labels = ", ".join(c.label for c in experiment.candidates)
        raise NotFoundError(
            f"experiment {experiment.name} has no candidate {label}",
            hint=f"its candidates are {labels}",
            experiment=experiment.name,
        )
    return found


def drop_experiment(writer: JournalWriter, name: str) -> Experiment:
    """Takes an experiment and its branches away, and returns what it was; the steps stay.

    Raises:
        NotFoundError: there is no such experiment.
        RefusedError: the current branch is one of its.
    """
    view = writer.view()
    was = find_experiment(view, name)
    branches = [view.branches[c.branch] for c in was.candidates if c.branch in view.branches]
    if view.current in {branch.name for branch in branches}:
        raise RefusedError(
            f"experiment {name} cannot be dropped: {view.current} is the current branch",
            hint="switch to another branch first",
            branch=view.current,
        )
    writer.begin().commit(
        "branch",
        f"dropped experiment {name}",
        [ExperimentSet(name, None), *(BranchDropped(branch.name) for branch in branches)],
        inverse=[ExperimentSet(name, was), *(BranchSet(branch) for branch in branches)],
    )
    return was
