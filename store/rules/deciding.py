"""What is done about a verdict, and what speaks against going back unasked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepwell.store.model.plans import Plan
from stepwell.store.model.rules import Action, Mode, Rule, RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.rules.judging import Judged


def wanted_action(rule: Rule, judged: Judged, mode: Mode) -> Action:
    """Returns what a rule would have done; a rollback only where the person allowed it."""
    if judged.ok is not False:
        return "none"
    if rule.action == "rollback":
        return "rollback" if mode == "auto" and judged.target is not None else "suggest"
    return rule.action


GOING_BACK = "going_back"
"""A fact: True of what is recorded before the workspace is changed, False when it was not changed.

A rule that was killed between going back and saying so must not do it again after an undo.
"""


def fired_before(
    rule: Rule, step: Step, judged: Judged, verdicts: Iterable[RuleVerdict]
) -> RuleVerdict | None:
    """Returns the verdict by which the rule went back for the same cause already; None: none did.

    The cause is the step that brought it about, or, should the same be done again, the same files.
    """
    since = judged.since.id if judged.since else None
    tree = step.snapshot.tree.hex()
    is_over = False
    for one in reversed([v for v in verdicts if v.rule == rule.name]):
        if one.facts.get("tree") != tree and (since is None or one.since != since):
            continue
        begun = one.facts.get(GOING_BACK)
        if one.action == "rollback" or (begun and not is_over):
            return one
        is_over = begun is False
    return None


def against(plan: Plan, step: Step, cause: Step, undone: Sequence[Step]) -> str:
    """Returns what speaks against carrying a plan out unasked; empty when nothing does.

    `step` was looked at, `cause` brought it about, `undone` are the steps that it would take back.
    """
    if plan.head.id != step.id:
        return "newer work was recorded meanwhile"
    if plan.drift:
        return "the disk holds what is in no step"
    if plan.conflicts:
        return "later work changed the same places"
    if plan.other_sessions:
        return f"it would take back later work of {plan.other_sessions[0].session}"
    others = [one for one in undone if one.session != cause.session]
    if others:
        who = others[0].session or "somebody who is no agent"
        return f"it would take back #{others[0].seq}, work of {who}"
    return ""
