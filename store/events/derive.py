"""Which events an operation is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.store.model.events import Event
from stepwell.store.model.steps import BranchSet, MarkSet, MergingSet, Operation, Step, StepRecorded

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
        if isinstance(effect, StepRecorded) and "imported" not in effect.step.flags:
            step = effect.step
            if step.kind == "gap":
                yield event("gap", step.id, step.session, reason=step.reason)
            else:
                yield event("snapshot:created", step.id, step.session, **_facts(step))
        elif isinstance(effect, MarkSet) and _becomes_milestone(operation, effect):
            label = effect.mark.label if effect.mark else None
            yield event("snapshot:milestone", effect.step, label=label)
        elif isinstance(effect, BranchSet) and operation.kind in ("branch", "experiment"):
            branch = effect.branch
            yield event("experiment:branch-created", branch.head, branch=branch.name)
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
        yield event("snapshot:cleanup", **details)
    if operation.kind == "merge" and not begun:
        yield event("experiment:branch-merged", details.get("after"), summary=operation.summary)


def _facts(step: Step) -> dict[str, Any]:
    changes = step.changes
    return {
        "seq": step.seq,
        "kind": step.kind,
        "title": step.title,
        "branch": step.branch,
        "changes": {"files": changes.files, "added": changes.added, "deleted": changes.deleted},
    }


def _becomes_milestone(operation: Operation, effect: MarkSet) -> bool:
    if effect.mark is None or effect.mark.milestone is None:
        return False
    before = [
        e for e in operation.inverse or () if isinstance(e, MarkSet) and e.step == effect.step
    ]
    return not any(e.mark is not None and e.mark.milestone is not None for e in before)
