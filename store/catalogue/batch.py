"""What some operations do to the catalogue, taken together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import (
    Account,
    AccountSet,
    Branch,
    BranchDropped,
    BranchSet,
    CurrentSet,
    Effect,
    Mark,
    MarkSet,
    Operation,
    Step,
    StepRecorded,
)

BATCH_STEPS = 10_000


@dataclass(slots=True)
class Batch:
    """The sum of successive operations, the last of which is `number`."""

    number: int = 0
    operation: str = ""
    """Id of operation `number`."""
    steps: list[Step] = field(default_factory=list)
    branches: dict[str, Branch | None] = field(default_factory=dict)
    """None: there is no such branch any more."""
    marks: dict[StepId, Mark | None] = field(default_factory=dict)
    accounts: dict[StepId, Account] = field(default_factory=dict)
    """What came to steps, of this batch or an earlier one, afterwards."""
    current: str | None = None
    """None: the current branch has not changed."""

    def add(self, operation: Operation, shown: Shown) -> None:
        """Adds the next operation."""
        for effect in operation.effects:
            self._add_effect(effect, shown)
        self.number, self.operation = operation.number, operation.id

    def _add_effect(self, effect: Effect, shown: Shown) -> None:
        match effect:
            case StepRecorded(step) if shown.is_dropped(step):
                shown.pass_over(step)
            case StepRecorded(step):
                self.steps.append(shown.linked(step))
            case BranchSet(branch):
                self.branches[branch.name] = branch
            case BranchDropped(name):
                self.branches[name] = None
            case CurrentSet(name):
                self.current = name
            case MarkSet(step_id, mark):
                self.marks[step_id] = mark
            case AccountSet(step_id, _, account):
                self.accounts[step_id] = united(self.accounts.get(step_id), account)
            case _:
                # Undo lists and intents are the View's matter; what was dropped, its caller's.
                pass


def united(old: Account | None, new: Account) -> Account:
    """Returns what two accounts of one step hold together; the newer one wins."""
    if old is None:
        return new
    return Account(
        new.model or old.model,
        new.result or old.result,
        new.tokens or old.tokens,
        new.said or old.said,
    )


def gather(operations: Iterator[Operation], shown: Shown) -> Batch | None:
    """Returns the next batch, of about BATCH_STEPS steps at most; None when there is nothing.

    Dropped steps are left out, and the others linked to what stays of their past.
    """
    batch = Batch()
    for operation in operations:
        batch.add(operation, shown)
        if len(batch.steps) >= BATCH_STEPS:
            break
    return batch if batch.number else None
