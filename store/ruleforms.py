"""The public JSON forms of rules, verdicts and bisections, as the interface documents them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stepwell.store.forms import Form, plain_form, step_form, text_form
from stepwell.store.model.reports import Bisected
from stepwell.store.model.rules import Rule, RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.model.text import rfc3339


def rule_form(rule: Rule) -> Form:
    """Returns a rule; `run` are the words of its command."""
    return {
        "name": text_form(rule.name),
        "kind": rule.kind,
        "run": [text_form(word) for word in rule.command],
        "if": text_form(rule.condition.text),
        "do": rule.action,
        "when": rule.when,
        "paths": [text_form(path) for path in rule.paths],
        "quiet_ms": rule.quiet_ms,
        "limit_s": rule.limit_s,
        "confirm": rule.confirm,
        "source": rule.source,
    }


def verdict_form(verdict: RuleVerdict) -> Form:
    """Returns what a rule found; steps by id."""
    return {
        "rule": text_form(verdict.rule),
        "ok": verdict.ok,
        "action": verdict.action,
        "detail": text_form(verdict.detail),
        "step": verdict.step,
        "time": rfc3339(verdict.time_ns),
        "target": verdict.target,
        "since": verdict.since,
        "facts": plain_form(dict(verdict.facts)),
    }


def bisected_form(found: Bisected, tiers_of: Callable[[Sequence[Step]], Sequence[str]]) -> Form:
    """Returns the step that broke something, and how it was found; `tiers_of` as a reader's."""
    steps = [found.first_bad, found.last_good, *found.suspects]
    first_bad, last_good, *suspects = map(step_form, steps, tiers_of(steps))
    return {
        "first_bad": first_bad,
        "last_good": last_good,
        "tried": found.tried,
        "skipped": found.skipped,
        "prompt": text_form(found.prompt),
        "suspects": suspects,
    }
