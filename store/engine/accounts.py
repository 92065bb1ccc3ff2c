"""What agents' own records tell of steps afterwards: operations that the catalogue folds into them.

The View does not hold them: there may be one for each step, and it is copied with each operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.objects import BLOB
from stepwell.store.model.steps import Account, AccountSet, Effect, Step, StepResult, Tokens
from stepwell.store.model.text import plural

KIND = "account"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is new of a step; None: nothing of that."""

    step: Step
    model: str | None = None
    result: StepResult | None = None
    tokens: Tokens | None = None
    said: str | None = None


def record_accounts(writer: JournalWriter, session: str, findings: Sequence[Finding]) -> None:
    """Records what was found of some steps of a session as one operation, which no undo takes back."""
    with writer.begin() as transaction:
        effects: list[Effect] = []
        for one in findings:
            said = None
            if one.said is not None:
                said = transaction.add(BLOB, one.said.encode("utf-8", "replace"))
            account = Account(one.model, one.result, one.tokens, said)
            effects.append(AccountSet(one.step.id, one.step.seq, account))
        summary = f"told more of {plural(len(findings), 'step')}"
        transaction.commit(KIND, summary, effects, session=session)


def with_account(step: Step, account: Account) -> Step:
    """Returns the step with what the account holds."""
    return replace(
        step,
        model=account.model or step.model,
        result=account.result or step.result,
        tokens=account.tokens or step.tokens,
        said=account.said or step.said,
    )
