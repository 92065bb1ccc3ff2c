"""What a milestone holds of quality and speed: of its sources, and of the checks that ran at its step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.store.engine.diff import changes
from stepwell.store.engine.milestone import since_milestone
from stepwell.store.experiments.complexity import Function, functions
from stepwell.store.model.changes import Change
from stepwell.store.model.paths import escape
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.reader import WorkspaceReader

_MOST_BYTES = 300_000
"""Sources that are measured, so that marking takes less than a second."""
_TESTS = ("passed", "failed", "total", "duration_ms", "exit_code")


def measured(workspace: WorkspaceReader, step: Step) -> dict[str, Any]:
    """Returns `quality` and `baseline` of a step, as JSON values; the latter None where no check ran.

    Quality is that of the sources that changed since the milestone before, and what the checks of
    its files said; the baseline how long the first of them that was well took, and its numbers.

    Raises:
        IntegrityError: a source cannot be read.
    """
    journal, view = workspace.objects, workspace.view()
    _, since = since_milestone(journal, view, step)
    found = changes(journal, since.snapshot if since else None, step.snapshot, hunks=False)
    verdicts = [one for one in view.verdicts if _is_of(one, step)]
    checks = {one.rule: _check(one) for one in verdicts}
    return {
        "quality": {**_complexity(workspace, found), "checks": checks},
        "baseline": next((_baseline(one) for one in verdicts if _has_baseline(one)), None),
    }


def _is_of(verdict: RuleVerdict, step: Step) -> bool:
    return verdict.step == step.id or verdict.facts.get("tree") == step.snapshot.tree.hex()


def _check(verdict: RuleVerdict) -> dict[str, Any]:
    told = {name: verdict.facts[name] for name in _TESTS if name in verdict.facts}
    return {"ok": verdict.ok, "detail": verdict.detail, **told}


def _has_baseline(verdict: RuleVerdict) -> bool:
    return verdict.ok is True and "duration_ms" in verdict.facts


def _baseline(verdict: RuleVerdict) -> Mapping[str, Any]:
    numbers = verdict.facts.get("numbers")
    named = dict(numbers) if isinstance(numbers, Mapping) else {}
    return {"rule": verdict.rule, "duration_ms": verdict.facts["duration_ms"], **named}


def _complexity(workspace: WorkspaceReader, found: tuple[Change, ...]) -> dict[str, Any]:
    """Returns the cyclomatic complexity of the functions in changed sources, in sums and the worst."""
    every: list[tuple[Change, Function]] = []
    room, files, left_out = _MOST_BYTES, 0, 0
    for change in found:
        if change.new_blob is None:
            continue
        room -= len(workspace.blob(change.new_blob)) if room > 0 else 0
        inside = functions(workspace.objects, change.path, change.new_blob) if room > 0 else None
        files += inside is not None
        left_out += room <= 0
        every += [(change, one) for one in inside or ()]
    worst = max(every, key=lambda pair: pair[1].complexity, default=None)
    total = sum(one.complexity for _, one in every)
    return {
        "files": files,
        "left_out": left_out,
        "functions": len(every),
        "complexity": total,
        "mean": round(total / len(every), 2) if every else None,
        "worst": None if worst is None else _named(*worst),
    }


def _named(change: Change, one: Function) -> dict[str, Any]:
    return {
        "path": escape(change.path),
        "name": one.name,
        "line": one.line,
        "complexity": one.complexity,
    }
