"""What a person may ask a preview for: going back to a step, undo, redo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from stepwell.tui.values import Applied, Operation, PlannedChanges, RefusedError, Step

if TYPE_CHECKING:
    from stepwell.tui.gateway import Source


@dataclass(frozen=True, slots=True)
class Rollback:
    """Back to how things were before or after a step."""

    step: Step
    side: Literal["before", "after"] = "after"
    undo = False

    def other_side(self) -> Rollback | None:
        """Returns the wish for the other side, None when there is none (the first step)."""
        if self.side == "after" and not self.step.parents:
            return None
        return replace(self, side="before" if self.side == "after" else "after")

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_rollback(self.step, side=self.side)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        raise AssertionError("a rollback always has a plan of files")


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the newest operation that is not taken back yet, or the one of that number."""

    operation: int | None = None
    undo = True

    def other_side(self) -> Rollback | None:
        """An undo has one side."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_undo(self.operation)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        return source.undo(shown.number)


@dataclass(frozen=True, slots=True)
class Redo:
    """Do again what was undone last."""

    undo = False

    def other_side(self) -> Rollback | None:
        """A redo has one side."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_redo()

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        found = source.plan_redo()
        if not isinstance(found, Operation) or found.number != shown.number:
            raise RefusedError(
                "redo was not started: something else was undone since the preview",
                hint="look at a new preview",
            )
        return source.redo()


Wish = Rollback | Undo | Redo
