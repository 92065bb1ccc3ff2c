"""A report as Markdown, for a pull request or a diary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepwell.store.model.text import printable, rfc3339
from stepwell.store.report import words
from stepwell.store.report.facts import Report, Told, Turn

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!-])")


def told(report: Report) -> str:
    """Returns the whole document; workspace content in it cannot act as markup."""
    return "\n".join(_document(report)) + "\n"


def _document(report: Report) -> Iterator[str]:
    yield f"# Session {_plain(report.session)}"
    yield ""
    first, last = report.steps[0].step, report.steps[-1].step
    yield f"{rfc3339(first.time_ns)} to {rfc3339(last.time_ns)} in {_plain(report.workspace)}"
    yield ""
    yield "| what | how much |"
    yield "|---|---|"
    for name, value in words.figures(report):
        yield f"| {name} | {value} |"
    for turn in report.turns:
        yield ""
        yield from _turn(turn)
    if report.verdicts:
        yield ""
        yield "## What rules found"
        yield ""
        for one in report.verdicts:
            said = f"**{words.verdict(one)}**, {_plain(one.rule)}: {_plain(one.detail)}"
            yield f"- #{report.seq_of(one)} {said}"
    if report.net:
        yield ""
        yield "## What is left of it"
        yield ""
        for change in report.net:
            yield f"- {change.status} {_plain(words.path(change))} {words.lines(change.added, change.deleted)}"


def _turn(turn: Turn) -> Iterator[str]:
    number = "Before the first prompt" if turn.number is None else f"Turn {turn.number}"
    yield f"## {number}"
    yield ""
    for line in (turn.prompt or "").splitlines():
        yield f"> {_plain(line)}"
    if turn.prompt:
        yield ""
    for one in turn.steps:
        if one.step.kind != "prompt":
            yield _step(one)


def _step(one: Told) -> str:
    step = one.step
    parts = [f"#{step.seq}", _plain(words.act(step)), _plain(step.title)]
    parts += [part for part in (words.outcome(step), words.size(step)) if part]
    if step.checkpoint is not None:
        parts.append(f"**{_plain(words.marked(step)) or 'checkpoint'}**")
    line = " ".join(parts)
    return f"- {line}" if one.kept else f"- ~~{line}~~ (given up)"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))
