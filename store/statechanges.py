"""The state that steps carry beside their files (engine/statedocs.py): what differs, by path."""

from __future__ import annotations

import json
from typing import Any

from stepwell.store.model.steps import Step
from stepwell.store.reader import WorkspaceReader
from stepwell.store.state.compare import changes_between
from stepwell.store.state.values import StateChange


def state_changes(
    workspace: WorkspaceReader, before: Step | None, after: Step
) -> tuple[StateChange, ...]:
    """Returns what turns the state of one step (None: no state) into another's.

    Paths are JSON pointers that begin with session and document, `/me:s1/plan/todo/0`.
    """
    old = None if before is None else before.state
    if old == after.state:
        return ()
    return changes_between(
        {} if before is None else workspace.states(before), workspace.states(after)
    )


def own_state_changes(workspace: WorkspaceReader, step: Step) -> tuple[StateChange, ...]:
    """Returns what a step changed in the state: against its first parent, or against nothing."""
    before = workspace.get_step(step.parents[0]) if step.parents else None
    return state_changes(workspace, before, step)


def words_of(change: StateChange, arrow: str = "→") -> str:
    """Returns where a change is, and from what to what, as a line; long values are cut."""
    sides = [_short(change.old)] if change.op != "add" else []
    sides += [_short(change.new)] if change.op != "remove" else []
    return f"{change.path or '/'}  {f' {arrow} '.join(sides)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
