"""Stored forms of accounts, as `codec` has them of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stepwell.store.model.ids import StepId, oid_from_hex
from stepwell.store.model.steps import Account, AccountSet, StepResult, Tokens


def account_to_json(effect: AccountSet) -> dict[str, Any]:
    """Returns the stored form of an effect; absent keys mean that nothing is told of that."""
    account = effect.account
    form: dict[str, Any] = {"do": "account", "step": effect.step, "seq": effect.seq}
    if account.model is not None:
        form["model"] = account.model
    if account.result is not None:
        form["result"] = asdict(account.result)
    if account.tokens is not None:
        form["tokens"] = tokens_to_json(account.tokens)
    if account.said is not None:
        form["said"] = account.said.hex()
    return form


def account_from_json(form: Mapping[str, Any]) -> AccountSet:
    """Returns the effect of a stored form."""
    result, said = form.get("result"), form.get("said")
    account = Account(
        form.get("model"),
        StepResult(**result) if result else None,
        tokens_from_json(form.get("tokens")),
        oid_from_hex(said) if said else None,
    )
    return AccountSet(StepId(form["step"]), form["seq"], account)


def tokens_to_json(tokens: Tokens) -> list[int]:
    """Returns the stored form of a count of tokens."""
    return [tokens.input, tokens.output, tokens.cached]


def tokens_from_json(form: list[int] | None) -> Tokens | None:
    """Returns the count of a stored form."""
    return None if form is None else Tokens(*form)
