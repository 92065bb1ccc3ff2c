"""What rules found, as lines: a sentence for the header, rows of a list, and all about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.tui.values import RuleVerdict, one_line, printable


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """A verdict, with the numbers of the steps that it names; 0 where there is none."""

    verdict: RuleVerdict
    step: int
    since: int = 0
    target: int = 0


def alarm(verdicts: Sequence[RuleVerdict]) -> str:
    """Returns what the header says of rules whose newest verdict, of `verdicts`, is no good one."""
    newest = {one.rule: one for one in verdicts}
    bad = [
        one for one in newest.values() if one.ok is False and one.action in ("suggest", "rollback")
    ]
    if not bad:
        return ""
    last = max(bad, key=lambda one: one.time_ns)
    said = "went back" if last.action == "rollback" else _short(last)
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return printable(f"{last.rule}: {said}{more}")


def _short(verdict: RuleVerdict) -> str:
    """Returns the beginning of what was found: `2 of 6 tests fail`."""
    return one_line(verdict.detail.partition(", since ")[0].partition(": ")[0], 40)


def lines_of(line: VerdictLine) -> list[tuple[str, str]]:
    """Returns all about a verdict as (text, role), one line each, harmless and not wrapped."""
    verdict = line.verdict
    told = [(verdict.detail, "text" if verdict.ok else "failed")]
    if line.target and verdict.action == "suggest":
        told.append((f"#{line.target} was well: r previews going back to it", "ok"))
    if verdict.action == "rollback":
        told.append((f"went back to #{line.target}: u takes that back", "ok"))
    told += [(f"failed: {name}", "failed") for name in _texts(verdict.facts, "failures")]
    told += [(f"changed there: {path}", "dim") for path in _texts(verdict.facts, "files")]
    told += [(f"error: {text}", "dim") for text in _errors(verdict.facts)]
    return [(printable(text), role) for text, role in told]


def _texts(facts: Mapping[str, Any], name: str) -> list[str]:
    found = facts.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def _errors(facts: Mapping[str, Any]) -> list[str]:
    found = facts.get("errors")
    rows = (
        [one for one in found if isinstance(one, Mapping)]
        if isinstance(found, list | tuple)
        else []
    )
    return [f"{one.get('path')}:{one.get('line')}: {one.get('text')}" for one in rows]
