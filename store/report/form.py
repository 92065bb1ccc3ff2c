"""A report in its JSON form."""

from __future__ import annotations

from stepwell.store.forms import Form, change_form, step_form, text_form
from stepwell.store.report.facts import Report, Turn, churn
from stepwell.store.ruleforms import verdict_form


def told(report: Report) -> Form:
    """Returns the report as a JSON object; times and sizes as everywhere, durations in ms."""
    steps = [told.step for told in report.steps]
    added, deleted = churn(steps)
    return {
        "session": text_form(report.session),
        "agent": report.agent,
        "workspace": text_form(report.workspace),
        "duration_ms": (steps[-1].time_ns - steps[0].time_ns) // 1_000_000,
        "commands": sum(turn.commands for turn in report.turns),
        "failed": [step.id for turn in report.turns for step in turn.failed],
        "given_up": [step.id for step in report.left],
        "checkpoints": [step.id for step in report.checkpoints],
        "touched": {"added": added, "deleted": deleted},
        "verdicts": [verdict_form(one) for one in report.verdicts],
        "changes": [change_form(change) for change in report.net],
        "turns": [_turn(turn) for turn in report.turns],
    }


def _turn(turn: Turn) -> Form:
    return {
        "turn": turn.number,
        "prompt": text_form(turn.prompt),
        "duration_ms": turn.took_ns // 1_000_000,
        "steps": [{**step_form(told.step, told.tier), "kept": told.kept} for told in turn.steps],
    }
