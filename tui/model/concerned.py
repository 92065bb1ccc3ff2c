"""Which step an operation is about. Pure."""

from __future__ import annotations

from stepwell.tui.values import BranchSet, MarkSet, Operation, StepId, StepRecorded


def step_of(operation: Operation) -> StepId | None:
    """Returns the step that it recorded, marked, or set a branch to; None: it is about none."""
    found: StepId | None = None
    for effect in operation.effects:
        match effect:
            case StepRecorded(step):
                return step.id
            case MarkSet(step=marked):
                found = found or marked
            case BranchSet(branch):
                found = found or branch.head
    return found
