"""What a rule measured at a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepwell.store.checks.figures import Figures


@dataclass(frozen=True, slots=True)
class Finding:
    """A function, or a file, that is worse than it should be."""

    path: str
    name: str
    """Of the function; empty: the whole file."""
    line: int
    value: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one look at a step."""

    passes: bool | None = None
    """Whether the command succeeded; None when it did not end by itself, or there is none."""
    figures: Figures | None = None
    """What the command said; None for a measure of the sources."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Further figures by name, such as `slower` and `complexity`."""
    findings: tuple[Finding, ...] = ()
    """The worst first."""
    reason: str = ""
    """Why something is not known."""

    def figure(self, name: str) -> float | None:
        """Returns a figure; None when it is not known."""
        if name in self.values:
            return self.values[name]
        return None if self.figures is None else _counted(name, self.figures)


def _counted(name: str, figures: Figures) -> float | None:
    tests = figures.tests
    match name:
        case "failures":
            return failing_share(figures)
        case "failed":
            return float(tests.failed) if tests else None
        case "errors":
            return float(sum(one.severity == "error" for one in figures.messages))
        case "duration":
            return float(figures.duration_ms)
        case _:
            return figures.numbers.get(name)


def failing_share(figures: Figures) -> float | None:
    """Returns which part of the tests that ran failed, 0 to 1; None when the command did not end.

    Where no tests are counted the exit status speaks for all of them.
    """
    tests = figures.tests
    if tests is not None and tests.passed + tests.failed:
        return tests.failed / (tests.passed + tests.failed)
    if figures.exit_code is None:
        return None
    return 0.0 if figures.ok else 1.0
