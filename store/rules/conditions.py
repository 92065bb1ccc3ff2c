"""Conditions of rules: `fails`, `failures > 30%`, `slower > 20%`, `complexity > 10`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from stepwell.store.model.errors import UsageError
from stepwell.store.model.rules import Condition
from stepwell.store.rules.measured import Measured

PLAIN = frozenset({"fails", "passes"})
SHARES = frozenset({"failures", "slower"})
COUNTED = frozenset({"failed", "errors", "duration", "complexity", "maintainability"})

_CONDITION = re.compile(
    r"\s*(?P<figure>[A-Za-z_][\w-]*)\s*(?:(?P<sign>[<>])\s*(?P<limit>\d+(?:\.\d+)?)\s*(?P<percent>%?))?\s*"
)


def parse_condition(text: str, numbers: Collection[str] = ()) -> Condition:
    """Returns the condition of a text; `numbers` are the rule's own figures.

    Raises:
        UsageError: it cannot be read, or is of no figure.
    """
    found = _CONDITION.fullmatch(text)
    figure = found["figure"] if found else ""
    if found is None or (found["sign"] is None) != (figure in PLAIN):
        raise _wrong(text, "it is no condition")
    if figure not in PLAIN | SHARES | COUNTED | set(numbers):
        raise _wrong(text, f"there is no figure {figure}")
    if figure in PLAIN:
        return Condition(figure, text=text.strip())
    if figure in SHARES and not found["percent"]:
        raise _wrong(text, f"{figure} is a share, and needs a %")
    limit = float(found["limit"]) / (100 if found["percent"] else 1)
    return Condition(figure, ">" if found["sign"] == ">" else "<", limit, text.strip())


def _wrong(text: str, why: str) -> UsageError:
    known = ", ".join(sorted(PLAIN | SHARES | COUNTED))
    return UsageError(
        f"the condition {text!r} makes no sense: {why}",
        hint=f'as in "failures > 30%"; the figures are {known}, and those of `numbers`',
    )


def is_met(condition: Condition, measured: Measured) -> bool | None:
    """Tells whether something is as bad as the condition says; None when its figure is not known."""
    if condition.figure in PLAIN:
        if measured.passes is None:
            return None
        return measured.passes == (condition.figure == "passes")
    value = measured.figure(condition.figure)
    if value is None:
        return None
    return value > condition.limit if condition.sign == ">" else value < condition.limit
