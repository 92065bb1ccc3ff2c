"""Experiments: sibling branches from one base step, checked and ranked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stepwell.store.model.ids import StepId

State = Literal["running", "done", "stopped"]
"""`running`: not ended, or its process was killed. `stopped`: ended early, what was captured stays."""

Verdict = Literal["accepted", "rejected"]
"""What a person thinks of a candidate; kept as a tag of its newest step."""

VERDICTS: tuple[Verdict, ...] = ("accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Approach:
    """One way to try."""

    label: str
    command: tuple[str, ...]
    """Program and arguments; no shell reads them."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check made of a candidate."""

    ok: bool
    exit_code: int | None
    """None when it did not end by itself; `reason` says why."""
    duration_ms: int
    passed: int | None = None
    """Of tests; None when the output names none."""
    failed: int | None = None
    total: int | None = None
    """With skipped ones."""
    failures: tuple[str, ...] = ()
    """Names of failed tests, the first few."""
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Numbers that patterns found in the output."""
    said: str = ""
    """Of a check that failed: the end of its output, secrets masked."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One approach, on a branch of its own."""

    label: str
    branch: str
    command: tuple[str, ...]
    head: StepId
    """The branch's tip when the experiment ended; the base until then."""
    tried: bool = False
    """The command was begun."""
    exit_code: int | None = None
    """Of the command; None when it did not end by itself, and `reason` says why."""
    duration_ms: int = 0
    """Of the command."""
    reason: str = ""
    check: CheckResult | None = None
    """None without a check, or when it was not reached."""
    files: int = 0
    """Changed against the base, like `added` and `deleted`, which are lines."""
    added: int = 0
    deleted: int = 0
    complexity: int | None = None
    """By how much the cyclomatic complexity of all changed files rose; None when it is not known."""

    @property
    def passed(self) -> bool:
        """Tells whether command and check ended well."""
        if self.exit_code != 0:
            return False
        return self.check is None or self.check.ok


@dataclass(frozen=True, slots=True)
class Experiment:
    """Candidates that began at one step."""

    name: str
    base: StepId
    into: str
    """The branch that it came from, into which a candidate is promoted."""
    time_ns: int
    check: tuple[str, ...]
    """Words of the check command; none: no check."""
    candidates: tuple[Candidate, ...]
    """In the order in which they were given."""
    state: State = "running"
    scratch: str = ""
    """Name of the scratch folder of the run."""


def verdict_of(tags: Collection[str]) -> Verdict | None:
    """Returns the verdict among a step's tags; None when there is none."""
    return next((one for one in VERDICTS if one in tags), None)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate's place among its siblings."""

    candidate: Candidate
    rank: int
    """From 1; those that failed come after all that passed."""
    score: float
    """0 to 1; the weighted mean of how near each figure is to the best sibling's."""
    why: str
    """In words."""
