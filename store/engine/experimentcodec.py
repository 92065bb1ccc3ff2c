"""Journal forms of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stepwell.store.model.experiments import Candidate, CheckResult, Experiment
from stepwell.store.model.ids import StepId


def experiment_to_json(experiment: Experiment) -> dict[str, Any]:
    """Returns the stored form of an experiment."""
    return asdict(experiment)


def experiment_from_json(form: Mapping[str, Any]) -> Experiment:
    """Returns the experiment of a stored form."""
    return Experiment(
        **{
            **form,
            "base": StepId(form["base"]),
            "check": tuple(form["check"]),
            "candidates": tuple(map(_candidate, form["candidates"])),
        }
    )


def _candidate(form: Mapping[str, Any]) -> Candidate:
    check = form["check"]
    return Candidate(
        **{
            **form,
            "command": tuple(form["command"]),
            "head": StepId(form["head"]),
            "check": None if check is None else _check(check),
        }
    )


def _check(form: Mapping[str, Any]) -> CheckResult:
    return CheckResult(**{**form, "failures": tuple(form["failures"])})
