"""The public JSON forms of experiments, as the interface documents them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.store.forms import Form, conflict_form, note_form, text_form
from stepwell.store.model.experiments import CheckResult, Experiment, Ranked, verdict_of
from stepwell.store.model.ids import StepId
from stepwell.store.model.plans import Conflict
from stepwell.store.model.steps import Mark
from stepwell.store.model.text import rfc3339


def experiment_form(
    experiment: Experiment,
    ranked: Sequence[Ranked],
    conflicts: Mapping[str, Sequence[Conflict]],
    marks: Mapping[StepId, Mark],
) -> Form:
    """Returns an experiment with its candidates, best first; `conflicts` by label, `marks` by step."""
    return {
        "name": text_form(experiment.name),
        "base": experiment.base,
        "into": text_form(experiment.into),
        "time": rfc3339(experiment.time_ns),
        "state": experiment.state,
        "check": [text_form(word) for word in experiment.check],
        "candidates": [
            _candidate_form(
                one, conflicts.get(one.candidate.label, ()), marks.get(one.candidate.head, Mark())
            )
            for one in ranked
        ],
    }


def _candidate_form(ranked: Ranked, conflicts: Sequence[Conflict], mark: Mark) -> Form:
    candidate = ranked.candidate
    return {
        "label": text_form(candidate.label),
        "branch": text_form(candidate.branch),
        "head": candidate.head,
        "rank": ranked.rank,
        "score": ranked.score,
        "why": text_form(ranked.why),
        "passed": candidate.passed,
        "command": {
            "words": [text_form(word) for word in candidate.command],
            "exit_code": candidate.exit_code,
            "duration_ms": candidate.duration_ms,
            "reason": text_form(candidate.reason),
        },
        "checks": None if candidate.check is None else _check_form(candidate.check),
        "changes": {
            "files": candidate.files,
            "added": candidate.added,
            "deleted": candidate.deleted,
        },
        "complexity": candidate.complexity,
        "conflicts": [conflict_form(one) for one in conflicts],
        "verdict": verdict_of(mark.tags),
        "notes": [note_form(note) for note in mark.notes],
    }


def _check_form(check: CheckResult) -> Form:
    return {
        "ok": check.ok,
        "passed": check.passed,
        "failed": check.failed,
        "total": check.total,
        "duration_ms": check.duration_ms,
        "exit_code": check.exit_code,
        "failures": [text_form(name) for name in check.failures],
        "reason": text_form(check.reason),
        "metrics": dict(check.metrics),
        "output": text_form(check.said),
    }
