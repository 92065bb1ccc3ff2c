"""What a rule says about a step, since when, and where it was still well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from stepwell.store.checks.figures import Reading, read_figures
from stepwell.store.checks.process import Ran
from stepwell.store.engine.diff import changes
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.parents import ancestors
from stepwell.store.model.ids import StepId
from stepwell.store.model.paths import escape
from stepwell.store.model.rules import MEASURES, Rule, RuleSet, RuleVerdict
from stepwell.store.model.steps import Step, View
from stepwell.store.rules.bisecting import Tries
from stepwell.store.rules.conditions import is_met
from stepwell.store.rules.copies import Copies
from stepwell.store.rules.halving import first_bad
from stepwell.store.rules.measured import Measured
from stepwell.store.rules.measuring import (
    Stopped,
    measure_command,
    measure_sources,
    slowdown,
)

_FAR = 500
"""So many steps back it is looked for where it was still well."""
_FILES = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule makes of a step, before anything is done about it."""

    ok: bool | None
    measured: Measured
    runs: int = 1
    baseline: Step | None = None
    """Of a comparison: the milestone that it was made with."""
    target: Step | None = None
    """The last step at which it was well; None when none is known."""
    since: Step | None = None
    """The step that brought it about."""
    files: tuple[str, ...] = ()
    """What that step changed."""


def key_of(rule: Rule, rules: RuleSet) -> str:
    """Returns what a rule asks, as a short digest; verdicts of other keys are of another question."""
    asked = {**asdict(rule), "extras": rules.extras}
    for name in ("action", "when", "quiet_ms", "milestone", "source", "paths"):
        del asked[name]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges steps of one history. Raises KeyboardInterrupt once `is_stopped` says so."""

    reader: ObjectReader
    find: Callable[[StepId], Step]
    view: View
    copies: Copies
    rules: RuleSet
    is_stopped: Stopped = lambda: False

    def judge(self, rule: Rule, step: Step) -> Judged:
        """Returns what a rule says about a step; of what is bad also since when.

        Raises:
            StepwellError: a scratch copy cannot be made.
        """
        if rule.kind in MEASURES:
            return self._of_sources(rule, step)
        judged = self._of_command(rule, step)
        if judged.ok is not False:
            return judged
        if judged.baseline is not None:
            return replace(judged, target=judged.baseline)
        return self._traced(rule, step, judged)

    def _of_sources(self, rule: Rule, step: Step) -> Judged:
        parent = self.find(step.parents[0]) if step.parents else None
        found = changes(
            self.reader, parent.snapshot if parent else None, step.snapshot, hunks=False
        )
        measured = measure_sources(rule, self.reader, found)
        bad = is_met(rule.condition, measured)
        if not bad:
            return Judged(True, measured)
        files = tuple(dict.fromkeys(one.path for one in measured.findings))
        return Judged(False, measured, target=parent, since=step, files=files)

    def _of_command(self, rule: Rule, step: Step) -> Judged:
        """Runs the command as often as the rule wants it confirmed; one good run is enough."""
        milestone, baseline = self._baseline(rule, step)
        judged = Judged(None, Measured())
        for run in range(1, rule.confirm + 1):
            measured = measure_command(rule, self.copies, step.snapshot, self.is_stopped)
            if self.is_stopped():
                raise KeyboardInterrupt
            if rule.condition.figure == "slower":
                measured = slowdown(measured, baseline)
            bad = is_met(rule.condition, measured)
            judged = Judged(None if bad is None else not bad, measured, run, milestone)
            if not bad:
                break
        return judged

    def _baseline(self, rule: Rule, step: Step) -> tuple[Step | None, Mapping[str, float]]:
        if rule.condition.figure != "slower":
            return None, {}
        for before in islice(ancestors(self.find, step), _FAR):
            mark = self.view.marks.get(before.id)
            told = mark.milestone.get("baseline") if mark and mark.milestone else None
            # What another rule measured is another figure.
            if isinstance(told, Mapping) and told.get("rule", rule.name) == rule.name:
                return before, _numbers(told)
        return None, {}

    def _traced(self, rule: Rule, step: Step, judged: Judged) -> Judged:
        line = [step, *islice(ancestors(self.find, step), _FAR)]
        place, last = self._last_verdict(rule, line)
        there = {one.id: one for one in line}
        if last is not None and last.since in there and last.target in there:
            # It was bad before already, and whatever brought that about did this.
            since, target = there[last.since], there[last.target]
            return replace(judged, target=target, since=since, files=tuple(self._files(since)))
        tries = self._tries(rule, {step.snapshot: False})
        good = place if last is not None and last.ok else self._found_good(tries, line)
        if good is None:
            return judged
        between = line[good::-1]
        found = first_bad(0, len(between) - 1, tries.at(between))
        since = between[found.first_bad]
        return replace(
            judged,
            target=between[found.last_good],
            since=since,
            files=tuple(self._files(since)),
        )

    def _last_verdict(self, rule: Rule, line: Sequence[Step]) -> tuple[int, RuleVerdict | None]:
        """Returns what the rule said last before the newest step of a line, and where."""
        key = key_of(rule, self.rules)
        said = {v.step: v for v in self.view.verdicts if v.key == key and v.ok is not None}
        places = (at for at, step in enumerate(line) if at and step.id in said)
        place = next(places, None)
        return (0, None) if place is None else (place, said[line[place].id])

    def _found_good(self, tries: Tries, line: Sequence[Step]) -> int | None:
        """Returns where it was still well, looking ever farther back; None when nowhere."""
        places = [1 << power for power in range(10) if 1 << power < len(line)]
        if len(line) > 1 and len(line) - 1 not in places:
            places.append(len(line) - 1)
        return next((place for place in places if tries.of([line[place]])[0]), None)

    def _tries(self, rule: Rule, known: Mapping[Any, bool | None]) -> Tries:
        def judgement(ran: Ran, root: Path) -> bool | None:
            junit = root / rule.junit if rule.junit else None
            figures = read_figures(ran, Reading(junit, rule.numbers))
            bad = is_met(
                rule.condition, Measured(figures.ok if ran.ended == "exit" else None, figures)
            )
            return None if bad is None else not bad

        return Tries(
            self.copies,
            rule.command,
            rule.limit_s,
            judgement,
            self.is_stopped,
            lambda _step, _result: None,
            dict(known),
        )

    def _files(self, step: Step) -> Iterator[str]:
        before = self.find(step.parents[0]).snapshot if step.parents else None
        found = changes(self.reader, before, step.snapshot, hunks=False)
        yield from (escape(change.path) for change in islice(found, _FILES))


def _numbers(told: Mapping[str, Any]) -> dict[str, float]:
    return {
        str(name): float(number)
        for name, number in told.items()
        if isinstance(number, int | float) and not isinstance(number, bool)
    }
