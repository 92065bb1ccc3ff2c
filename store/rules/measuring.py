"""Measuring a step for a rule: running its command in a scratch copy, or looking at its sources."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from stepwell.store.checks.figures import Reading, read_figures
from stepwell.store.checks.process import Ran, run
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.experiments.complexity import Function, functions
from stepwell.store.model.changes import Change
from stepwell.store.model.paths import escape
from stepwell.store.model.rules import Rule
from stepwell.store.model.steps import Snapshot
from stepwell.store.rules.copies import Copies
from stepwell.store.rules.maintainability import maintainability
from stepwell.store.rules.measured import Finding, Measured

Stopped = Callable[[], bool]

_NAMED = 20


def measure_command(
    rule: Rule, copies: Copies, snapshot: Snapshot, is_stopped: Stopped = lambda: False
) -> Measured:
    """Runs a rule's command in a copy of a snapshot and returns what it said.

    Raises:
        StepwellError: the copy cannot be made.
    """
    with copies.copy(snapshot) as root:
        ran = without_place(run(copies.command(rule.command, root, rule.limit_s), is_stopped), root)
        junit = root / rule.junit if rule.junit else None
        figures = read_figures(ran, Reading(junit, rule.numbers))
    passes = figures.ok if ran.ended == "exit" else None
    return Measured(passes, figures, reason=figures.reason)


def without_place(ran: Ran, root: Path) -> Ran:
    """Returns a command's end with paths in its output as they are in the workspace."""
    return replace(ran, output=ran.output.replace(os.fsencode(root) + b"/", b""))


def slowdown(measured: Measured, baseline: Mapping[str, float], figure: str = "") -> Measured:
    """Returns what was measured with `slower`, the share by which it is above the baseline.

    `figure` names the number that is compared; empty: the command's duration. It stays unknown
    when the command failed, or the baseline has no such number.
    """
    value = measured.figure(figure or "duration")
    base = baseline.get(figure or "duration_ms")
    if not measured.passes or value is None or not base:
        return replace(measured, reason=measured.reason or "there is nothing to compare it with")
    return replace(measured, values={**measured.values, "slower": value / base - 1.0})


def measure_sources(rule: Rule, reader: ObjectReader, changes: Iterable[Change]) -> Measured:
    """Returns the complexity, or maintainability, of what a step changed, the worst first.

    Of complexity only functions count that became worse, or are new: a step is not to blame for
    what it found.
    """
    found = [
        one
        for change in changes
        for one in (
            _risen(reader, change) if rule.kind == "complexity" else _kept_up(reader, change)
        )
    ]
    if not found:
        return Measured(reason="it changed no source that can be measured")
    worst_first = sorted(
        found, key=lambda one: one.value if rule.kind == "maintainability" else -one.value
    )
    worst = worst_first[0].value
    return Measured(values={rule.kind: worst}, findings=tuple(worst_first[:_NAMED]))


def _risen(reader: ObjectReader, change: Change) -> Iterator[Finding]:
    after = functions(reader, change.path, change.new_blob)
    before = functions(reader, change.old_path or change.path, change.old_blob)
    known = _by_name(before or ())
    for one in after or ():
        if one.complexity > known.get(one.name, 0):
            yield Finding(escape(change.path), one.name, one.line, float(one.complexity))


def _by_name(found: Iterable[Function]) -> dict[str, int]:
    known: dict[str, int] = {}
    for one in found:
        known[one.name] = max(one.complexity, known.get(one.name, 0))
    return known


def _kept_up(reader: ObjectReader, change: Change) -> Iterator[Finding]:
    after = maintainability(reader, change.path, change.new_blob)
    before = maintainability(reader, change.old_path or change.path, change.old_blob)
    if after is not None and (before is None or after < before):
        hardest = max(
            functions(reader, change.path, change.new_blob) or (),
            key=lambda one: one.complexity,
            default=Function("", 1, 0),
        )
        yield Finding(escape(change.path), hardest.name, hardest.line, after)
