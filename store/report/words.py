"""How figures of a report read, whatever the form."""

from __future__ import annotations

from stepwell.store.model.changes import Change
from stepwell.store.model.paths import escape
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.model.text import printable
from stepwell.store.report.facts import Report, churn


def span(nanoseconds: int) -> str:
    """Returns `42 s`, `7 min` or `2 h 05 min`."""
    seconds = max(0, nanoseconds) // 1_000_000_000
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def lines(added: int, deleted: int) -> str:
    """Returns `+12 −3`."""
    return f"+{added:,} −{deleted:,}"


def act(step: Step) -> str:
    """Returns the step's sort in a word."""
    return printable(step.tool or step.kind)


def outcome(step: Step) -> str:
    """Returns `ok`, `failed`, `exit 2`, or nothing when there was no result."""
    if step.result is None:
        return ""
    if step.result.ok:
        return "ok"
    code = step.result.exit_code
    return "failed" if code is None else f"exit {code}"


def size(step: Step) -> str:
    """Returns the lines that a step changed; empty when it changed no file."""
    counts = step.changes
    return lines(counts.added, counts.deleted) if counts.files else ""


def marked(step: Step) -> str:
    """Returns the checkpoint's label and notes in a line."""
    mark = step.checkpoint
    if mark is None:
        return ""
    said = [mark.label or "", *(f"+{tag}" for tag in mark.tags), *(n.text for n in mark.notes)]
    return printable(" · ".join(" ".join(part.split()) for part in said if part))


def verdict(one: RuleVerdict) -> str:
    """Returns how a rule judged: `well`, `too bad`, `went back` or `unknown`."""
    if one.ok is None:
        return "unknown"
    if one.ok:
        return "well"
    return "went back" if one.action == "rollback" else "too bad"


def path(change: Change) -> str:
    """Returns the changed path, of a rename both."""
    shown = printable(escape(change.path))
    return f"{printable(escape(change.old_path))} → {shown}" if change.old_path else shown


def _judged(report: Report) -> list[tuple[str, str]]:
    if not report.verdicts:
        return []
    bad = sum(one.ok is False for one in report.verdicts)
    return [("verdicts too bad", f"{bad:,} of {len(report.verdicts):,}")]


def figures(report: Report) -> list[tuple[str, str]]:
    """Returns (name, value) of what a reader wants to know first."""
    steps = [told.step for told in report.steps]
    failed = sum(len(turn.failed) for turn in report.turns)
    net = (sum(c.added for c in report.net), sum(c.deleted for c in report.net))
    return [
        ("time", span(steps[-1].time_ns - steps[0].time_ns)),
        ("turns", f"{sum(turn.prompt is not None for turn in report.turns):,}"),
        ("steps", f"{len(steps):,}"),
        ("failed", f"{failed:,} of {sum(turn.commands for turn in report.turns):,}"),
        ("files left changed", f"{len(report.net):,}"),
        ("lines left", lines(*net)),
        ("lines touched on the way", lines(*churn(steps))),
        ("steps given up", f"{len(report.left):,}"),
        ("checkpoints", f"{len(report.checkpoints):,}"),
        *_judged(report),
    ]
