"""Which rules are due, from what is recorded: by path, at the end of a turn, after some quiet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stepwell.store.engine.ignore import Rules
from stepwell.store.model.rules import Rule
from stepwell.store.model.steps import Step

TURN_S = 15.0
"""A turn whose end nobody tells counts as over after so long without a step."""

_SKIPPED = frozenset({"imported", "safety", "gap"})


@dataclass(slots=True)
class Waiting:
    """A step that a rule is to look at."""

    step: Step
    since: float
    """When the last step was recorded that the rule has to do with, by the monotonic clock."""
    turn_over: bool = False
    """The step is the last of its turn."""


@dataclass(slots=True)
class Pending:
    """What waits to be looked at, by rule; a newer step takes an older one's place."""

    waiting: dict[str, Waiting] = field(default_factory=dict)

    def recorded(
        self, rules: Iterable[Rule], step: Step, paths: Iterable[bytes], now: float
    ) -> None:
        """Takes in a step that was recorded, and what it changed."""
        changed = list(paths)
        for rule in rules:
            if concerns(rule, step, changed):
                self.waiting[rule.name] = Waiting(step, now)
            elif step.kind == "prompt" and rule.name in self.waiting:
                self.waiting[rule.name].turn_over = True

    def turn_ended(self) -> None:
        """Takes in that an agent ended its turn."""
        for one in self.waiting.values():
            one.turn_over = True

    def due(self, rules: Mapping[str, Rule], now: float) -> list[Rule]:
        """Returns the rules whose time has come, by name; what waits for no rule is dropped."""
        for name in self.waiting.keys() - rules.keys():
            del self.waiting[name]
        return [
            rules[name]
            for name in sorted(self.waiting)
            if _is_due(rules[name], self.waiting[name], now)
        ]


def _is_due(rule: Rule, waiting: Waiting, now: float) -> bool:
    quiet_s = now - waiting.since
    if rule.when == "turn" and not waiting.turn_over:
        return quiet_s >= max(TURN_S, rule.quiet_ms / 1000)
    return quiet_s >= rule.quiet_ms / 1000


def concerns(rule: Rule, step: Step, paths: Iterable[bytes]) -> bool:
    """Tells whether a rule has to do with a step, by what it is and by what it changed."""
    if step.kind in ("rollback", "gap") or not _SKIPPED.isdisjoint(step.flags):
        return False
    if not rule.paths:
        return any(True for _ in paths)
    patterns = Rules(b"", ["\n".join(rule.paths).encode("utf-8", "surrogateescape")])
    return any(_is_under(patterns, path) for path in paths)


def _is_under(patterns: Rules, path: bytes) -> bool:
    """Tells whether a path, or a folder above it, matches; the last pattern that does decides."""
    parts = path.split(b"/")
    for count in range(len(parts), 0, -1):
        verdict = patterns.verdict(b"/".join(parts[:count]), parts[count - 1], count < len(parts))
        if verdict is not None:
            return verdict
    return False
