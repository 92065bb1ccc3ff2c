"""What a rule found, in one sentence and as JSON values. Pure."""

from __future__ import annotations

from typing import Any

from stepwell.store.agents.secrets import mask
from stepwell.store.checks.figures import Figures
from stepwell.store.model.rules import MEASURES, Rule
from stepwell.store.model.text import one_line, plural
from stepwell.store.rules.judging import Judged
from stepwell.store.rules.measured import Finding

_NAMED = 3
_LISTED = 20


def detail(rule: Rule, judged: Judged) -> str:
    """Returns one sentence, made harmless, without its full stop."""
    said, more = (_unknown(judged), "") if judged.ok is None else _said(rule, judged)
    if judged.ok and judged.runs > 1:
        said += f"; it was bad in {judged.runs - 1} of {judged.runs} runs, so it is flaky"
    if judged.ok is False and judged.since is not None and rule.kind not in MEASURES:
        said += f", since #{judged.since.seq} {judged.since.title}"
    return one_line(mask(f"{said}: {more}" if more else said), 400)


def _unknown(judged: Judged) -> str:
    return f"it cannot be told: {judged.measured.reason or 'the figure is not there'}"


def _said(rule: Rule, judged: Judged) -> tuple[str, str]:
    """Returns what was found, and what of it goes at the end."""
    if rule.kind in MEASURES:
        return _sources(rule, judged), ""
    figures = judged.measured.figures
    assert figures is not None, "a rule with a command has its figures"
    if rule.condition.figure == "slower":
        return _slower(judged), ""
    if figures.tests is not None:
        return _tests(figures)
    return _plainly(rule, judged, figures), ""


def _plainly(rule: Rule, judged: Judged, figures: Figures) -> str:
    errors = [one for one in figures.messages if one.severity == "error"]
    if errors and not figures.ok:
        first = errors[0]
        more = f" and {plural(len(errors) - 1, 'more error')}" if len(errors) > 1 else ""
        return f"{first.path}:{first.line}: {first.text}{more}"
    value = judged.measured.figure(rule.condition.figure)
    if value is not None:
        return f"{rule.condition.figure} is {value:g}"
    return "the command succeeds" if figures.ok else f"the command ends with {figures.exit_code}"


def _tests(figures: Figures) -> tuple[str, str]:
    tests = figures.tests
    assert tests is not None, "asked for tests that were counted"
    ran = plural(tests.passed + tests.failed, "test")
    if not tests.failed:
        return f"all {ran} pass", ""
    names = ", ".join(tests.failures[:_NAMED])
    more = ", ..." if len(tests.failures) > _NAMED else ""
    verb = "fails" if tests.failed == 1 else "fail"
    return f"{tests.failed} of {ran} {verb}", f"{names}{more}" if names else ""


def _slower(judged: Judged) -> str:
    share, base = judged.measured.values.get("slower", 0.0), judged.baseline
    where = f"the baseline of #{base.seq}" if base is not None else "the baseline"
    if share > 0:
        return f"{share:.0%} slower than {where}"
    return f"not slower than {where}"


def _sources(rule: Rule, judged: Judged) -> str:
    if judged.ok:
        return f"no changed function is beyond {rule.condition.text}"
    named = [_finding(one) for one in judged.measured.findings[:_NAMED]]
    return f"{rule.kind} is beyond {rule.condition.text}: {', '.join(named)}"


def _finding(one: Finding) -> str:
    what = f"{one.name} in {one.path}:{one.line}" if one.name else one.path
    return f"{what} has {one.value:g}"


def facts(judged: Judged) -> dict[str, Any]:
    """Returns what was measured, as JSON values."""
    told: dict[str, Any] = dict(judged.measured.values)
    figures = judged.measured.figures
    if figures is not None:
        told |= {"exit_code": figures.exit_code, "duration_ms": figures.duration_ms}
        told |= {"numbers": dict(figures.numbers)} if figures.numbers else {}
        if figures.tests is not None:
            tests = figures.tests
            told |= {"passed": tests.passed, "failed": tests.failed, "total": tests.total}
            told["failures"] = list(tests.failures[:_LISTED])
        told["errors"] = [
            {"path": m.path, "line": m.line, "text": mask(m.text)}
            for m in figures.messages[:_LISTED]
            if m.severity == "error"
        ]
    if judged.measured.findings:
        told["functions"] = [
            {"path": f.path, "name": f.name, "line": f.line, "value": f.value}
            for f in judged.measured.findings
        ]
    return told | {"files": list(judged.files), "runs": judged.runs}
