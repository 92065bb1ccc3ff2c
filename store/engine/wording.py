"""How a change of the workspace is called: in the title of its step and in the operation list."""

from __future__ import annotations

from stepwell.store.model.hunknames import hunks_in_words
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Plan
from stepwell.store.model.steps import StepKind
from stepwell.store.model.text import plural

_NAMED = 2


def title(plan: Plan) -> str:
    """Returns the title of the step that a rollback, or a switch where something stayed, records."""
    if plan.kind == "switch":
        return f"what stayed on disk at the switch to {plan.branch}"
    if plan.kind == "merge":
        return _merge(plan)
    target = f"#{plan.target.seq} {plan.target.title}"
    side = "before " if plan.side == "before" else ""
    if plan.only:
        return f"without{_of_paths(plan)} {target}"
    if plan.paths or plan.hunks:
        return f"{_part(plan)} back to {side}{target}"
    return f"back to {side}{target}"


def step_kind(plan: Plan) -> StepKind:
    """Returns the kind of that step."""
    if plan.kind == "merge":
        return "merge"
    return "capture" if plan.kind == "switch" else "rollback"


def summary(plan: Plan, recovered: bool) -> str:
    """Returns the operation's summary."""
    after = " (finished after an interruption)" if recovered else ""
    return _done(plan) + after


def _done(plan: Plan) -> str:
    if plan.kind in ("undo", "redo"):
        return f"{'undid' if plan.kind == 'undo' else 'did again'} operation {plan.operation}"
    if plan.kind == "switch":
        return f"switched to branch {plan.branch}"
    if plan.kind == "merge":
        return _merge(plan)
    target = f"{'before ' if plan.side == 'before' else ''}#{plan.target.seq}"
    if plan.only:
        return f"took back{_of_paths(plan)} #{plan.target.seq} alone"
    if plan.paths or plan.hunks:
        return f"put {_part(plan)} back to {target}"
    return f"{'put the files back' if plan.partial else 'rolled back'} to {target}"


def merged(branch: str) -> str:
    """Returns the title of the step, and the summary of the operation, that end a merge."""
    return f"merge of {branch}"


def _merge(plan: Plan) -> str:
    assert plan.merged is not None, "a merge names its branch"
    what = merged(plan.merged)
    if plan.paths or plan.hunks:
        return f"{what}: {_part(plan)}"
    left = plural(len(plan.conflicts), "conflict")
    return f"{what}: {left} to be settled" if plan.conflicts else what


def _of_paths(plan: Plan) -> str:
    return f" {_part(plan)} of" if plan.paths or plan.hunks else ""


def _part(plan: Plan) -> str:
    names = [escape(path) or "everything" for path in plan.paths[:_NAMED]]
    more = len(plan.paths) - _NAMED
    names += [plural(more, "more path")] if more > 0 else []
    names += hunks_in_words(plan.hunks)
    return ", ".join(names)
