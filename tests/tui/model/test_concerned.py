"""Which step an operation is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepwell.tui.model.concerned import step_of
from stepwell.tui.values import Branch, BranchSet, MarkSet, Operation, StepRecorded


def operation(*effects: Any) -> Operation:
    return Operation(7, "o" * 32, "record", 0, "", effects)


def test_it_is_what_was_recorded_before_what_was_marked_or_led_to(
    make_step: Callable[..., Any],
) -> None:
    """A rollback is about its own step, not about the branch that keeps the old future."""
    old, new = make_step(1), make_step(2)
    kept = BranchSet(Branch("main.1", old.id))
    assert step_of(operation(kept, StepRecorded(new))) == new.id
    assert step_of(operation(MarkSet(new.id, None), kept)) == new.id
    assert step_of(operation(kept)) == old.id
    assert step_of(operation()) is None
