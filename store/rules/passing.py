"""When all is well: which verdicts say so, and how fast it was then. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stepwell.store.model.rules import RuleSet, RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.rules.judging import key_of

PASSED = "tests-pass"
"""The tag of such a milestone."""


def verdicts_at(
    step: Step, rules: RuleSet, verdicts: Iterable[RuleVerdict]
) -> dict[str, RuleVerdict]:
    """Returns the newest verdict of each rule, as it is now, on the files of a step."""
    keys, tree = {rule.name: key_of(rule, rules) for rule in rules.rules}, step.snapshot.tree.hex()
    return {
        one.rule: one
        for one in verdicts
        if keys.get(one.rule) == one.key and one.facts.get("tree") == tree
    }


def passes(rules: RuleSet, found: Mapping[str, RuleVerdict]) -> RuleVerdict | None:
    """Returns the verdict of tests that pass while nothing fails; None when it cannot be said.

    Tests have to be counted: a command that only succeeds proves too little.
    """
    watched = {rule.name for rule in rules.rules if rule.kind in ("tests", "compile")}
    if any(name not in found or not found[name].ok for name in watched):
        return None
    tests = [r.name for r in rules.rules if r.kind == "tests" and r.milestone]
    counted = (found[name] for name in tests if found[name].ok and found[name].facts.get("passed"))
    return next((one for one in counted if not one.facts.get("failed")), None)


def timed(rules: RuleSet, found: Mapping[str, RuleVerdict]) -> dict[str, Any] | None:
    """Returns the baseline that a performance rule measured; None when none did."""
    names = (rule.name for rule in rules.rules if rule.kind == "performance")
    for name in names:
        facts = found[name].facts if name in found else {}
        if facts.get("exit_code") == 0 and "duration_ms" in facts:
            return {"rule": name, "duration_ms": facts["duration_ms"], **facts.get("numbers", {})}
    return None
