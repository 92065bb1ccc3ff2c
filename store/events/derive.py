"""Which events an operation is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stepwell.store.model.events import Event
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import (
    BranchSet,
    Effect,
    MarkSet,
    MergingSet,
    Operation,
    Step,
    StepRecorded,
    VerdictGiven,
)

_TRAVELS = frozenset({"rollback", "undo", "redo", "switch"})


def events_of(operation: Operation, workspace: str) -> Iterator[Event]:
    """Yields the events of an operation, in the order of its effects; often none."""

    def event(name: str, step: Any = None, session: str | None = None, **facts: Any) -> Event:
        return Event(
            name,
            operation.time_ns,
            workspace,
            session or operation.session,
            step,
            operation.number,
            facts,
        )

    for effect in operation.effects:
        yield from _events_of(effect, operation, event)
    details = operation.details
    if operation.kind in _TRAVELS and "after" in details:
        yield event(
            "snapshot:rollback",
            details["after"],
            kind=operation.kind,
            before=details["before"],
            target=details["target"],
        )
    begun = any(isinstance(e, MergingSet) and e.merging for e in operation.effects)
    if operation.kind == "prune":
        yield event(
            "snapshot:compression" if details.get("folded") else "snapshot:cleanup", **details
        )
    if operation.kind == "merge" and not begun:
        yield event("experiment:branch-merged", details.get("after"), summary=operation.summary)


def _events_of(
    effect: Effect, operation: Operation, event: Callable[..., Event]
) -> Iterator[Event]:
    match effect:
        case StepRecorded(step) if "imported" not in step.flags and step.kind == "gap":
            yield event("gap", step.id, step.session, reason=step.reason)
        case StepRecorded(step) if "imported" not in step.flags:
            yield event("snapshot:created", step.id, step.session, **_facts(step))
        case MarkSet(step_id, mark) if _becomes_milestone(operation, effect):
            yield event("snapshot:milestone", step_id, label=mark.label if mark else None)
        case BranchSet(branch) if operation.kind in ("branch", "experiment"):
            yield event("experiment:branch-created", branch.head, branch=branch.name)
        case VerdictGiven(verdict):
            yield event("rule:verdict", verdict.step, **_verdict(verdict))


def _facts(step: Step) -> dict[str, Any]:
    changes = step.changes
    return {
        "seq": step.seq,
        "kind": step.kind,
        "title": step.title,
        "branch": step.branch,
        "changes": {"files": changes.files, "added": changes.added, "deleted": changes.deleted},
    }


def _verdict(verdict: RuleVerdict) -> dict[str, Any]:
    told = {name: getattr(verdict, name) for name in ("rule", "ok", "action", "detail", "target")}
    return {**told, "since": verdict.since, "rolled_back_by": verdict.facts.get("operation")}


def _becomes_milestone(operation: Operation, effect: MarkSet) -> bool:
    if effect.mark is None or effect.mark.milestone is None:
        return False
    before = [
        e for e in operation.inverse or () if isinstance(e, MarkSet) and e.step == effect.step
    ]
    return not any(e.mark is not None and e.mark.milestone is not None for e in before)
