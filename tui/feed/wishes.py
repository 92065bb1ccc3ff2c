"""What a person may ask a preview for: going back to a step, undo, redo, a merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from stepwell.tui.model.picks import Wanted
from stepwell.tui.values import Operation, RefusedError, Step

if TYPE_CHECKING:
    from stepwell.tui.source import Source
    from stepwell.tui.values import Applied, PlannedChanges


@dataclass(frozen=True, slots=True)
class Rollback:
    """Back to how things were before or after a step."""

    step: Step
    side: Literal["before", "after"] = "after"
    only: bool = False
    """Only the step's own change is taken back; what came later stays."""
    wanted: tuple[Wanted, ...] = ()
    """What of it was chosen beforehand; nothing: everything."""
    undo = False

    def other_side(self) -> Rollback | None:
        """Returns the wish for the other side, None when there is none (the first step)."""
        if self.only or (self.side == "after" and not self.step.parents):
            return None
        return replace(self, side="before" if self.side == "after" else "after")

    def other_reach(self) -> Rollback:
        """Returns the wish for the step's own change only, or again for everything since."""
        return replace(self, only=not self.only, side="after")

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_rollback(self.step, side=self.side, only=self.only)

    def plan_part(
        self, source: Source, paths: Sequence[bytes], hunks: Sequence[str]
    ) -> PlannedChanges:
        """Plans only files (whole) and hunks of it."""
        return source.plan_rollback(
            self.step, side=self.side, only=self.only, paths=paths, hunks=hunks
        )

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


@dataclass(frozen=True, slots=True)
class Switch:
    """To the newest step of another branch, which becomes the current one."""

    branch: str
    undo = False

    def other_side(self) -> Rollback | None:
        """A switch has one side."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_switch(self.branch)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        raise AssertionError("a switch always has a plan of files")


@dataclass(frozen=True, slots=True)
class Merge:
    """Take another branch into the current one."""

    branch: str
    undo = False

    def other_side(self) -> Rollback | None:
        """A merge has one side."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_merge(self.branch)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        raise AssertionError("a merge always has a plan of files")


@dataclass(frozen=True, slots=True)
class MergePicks:
    """Take files and hunks of an experiment's candidates into the current branch."""

    experiment: str
    paths: tuple[tuple[str, bytes], ...]
    """(label, path) of files that are taken whole."""
    hunks: tuple[str, ...]
    undo = False

    def other_side(self) -> Rollback | None:
        """A merge has one side."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_picks(self.experiment, paths=self.paths, hunks=self.hunks)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        raise AssertionError("picks always have a plan of files")


@dataclass(frozen=True, slots=True)
class Settle:
    """Give conflicts' paths what one side of the merge under way has there."""

    side: Literal["base", "ours", "theirs"]
    paths: tuple[bytes, ...]
    undo = False

    def other_side(self) -> Rollback | None:
        """The other sides have keys of their own."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_settle(self.side, self.paths)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        raise AssertionError("settling always has a plan of files")


@dataclass(frozen=True, slots=True)
class Abort:
    """Take back the merge under way."""

    undo = True

    def other_side(self) -> Rollback | None:
        """There is one way back."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return source.plan_abort()

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        raise AssertionError("a merge always has a plan of files")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a line of the command line asks for, planned by the command itself."""

    make: Callable[[Any], PlannedChanges | Operation]
    flip: Callable[[Any, Operation], Applied | Operation] | None = None
    """Does what is planned where no file is concerned."""
    undo: bool = False
    heading: str = ""
    """What it is, where the plan does not tell."""
    fence: Any = None
    """What must hold when it is done; None: nothing."""
    whole: bool = False
    """It is planned by a source that knows of experiments."""

    def other_side(self) -> Rollback | None:
        """It is as it was typed."""
        return None

    def plan(self, source: Source) -> PlannedChanges | Operation:
        return self.make(source)

    def carry_out(self, source: Source, shown: Operation) -> Applied | Operation:
        assert self.flip is not None, "only undo and redo plan an operation without files"
        return self.flip(source, shown)


Wish = Rollback | Undo | Redo | Switch | Merge | MergePicks | Settle | Abort | Asked
