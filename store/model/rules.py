"""Rules: when something is checked, what is found too bad, and what is done then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stepwell.store.model.ids import StepId

Mode = Literal["off", "suggest", "auto"]
"""`suggest`: nobody goes back by itself. `auto`: a rule that says `rollback` does."""

RuleKind = Literal["tests", "compile", "performance", "complexity", "maintainability", "command"]
"""All but `command` are ready-made: they only need to be told what to run, the measures not even that."""

Action = Literal["none", "mark", "suggest", "rollback", "milestone"]

MEASURES: frozenset[RuleKind] = frozenset({"complexity", "maintainability"})
"""Kinds that look at the sources themselves and run no command."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is too bad: a figure, and beyond which limit."""

    figure: str
    """`fails`, `passes`, `failures`, `failed`, `errors`, `slower`, `duration`, `complexity`,
    `maintainability`, or a number that the rule reads from the output."""
    sign: Literal["", ">", "<"] = ""
    """Empty: the figure is a yes or no."""
    limit: float = 0.0
    """Of a share, such as `failures > 30%`: 0.3."""
    text: str = ""
    """As it was written."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it was read."""

    name: str
    kind: RuleKind
    command: tuple[str, ...]
    """Program and arguments; none for a measure."""
    condition: Condition
    action: Literal["mark", "suggest", "rollback"]
    when: Literal["step", "turn"] = "step"
    """After which acts it is looked at: each step that changed a file, or the last one of a turn."""
    paths: tuple[str, ...] = ()
    """Patterns as in .gitignore, of which the step must have changed one; none: any path."""
    quiet_ms: int = 1_500
    """So long nothing new must be recorded before it is looked at."""
    limit_s: float = 300.0
    confirm: int = 1
    """So many runs in a row must find it too bad."""
    junit: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)
    milestone: bool = False
    """When all passes at the end of a turn, its last step becomes a milestone."""
    source: Literal["config", "workspace"] = "config"
    """Whose file it is in: the person's, or the workspace's."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a workspace, and what is to be done with them."""

    rules: tuple[Rule, ...] = ()
    """By name."""
    mode: Mode = "suggest"
    extras: tuple[str, ...] = ()
    """Ignored folders of the workspace that the scratch copies get."""
    untrusted: bool = False
    """The workspace has a rule file that is not trusted as it is now; none of it is in here."""


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What a rule found at a step, and what was done about it."""

    rule: str
    step: StepId
    ok: bool | None
    """None: it could not be told; `detail` says why."""
    action: Action
    detail: str
    """One sentence."""
    time_ns: int
    key: str = ""
    """Of the rule as it was then: a verdict of another key says nothing about the present rule."""
    target: StepId | None = None
    """The step that it suggests to go back to, or went back to."""
    since: StepId | None = None
    """The step that brought it about, where that is known."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON values: `failed`, `total`, `failures`, `files`, `functions`, `operation`, ..."""
