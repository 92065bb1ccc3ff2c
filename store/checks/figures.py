"""What a check's output says: tests passed and failed, compiler messages, a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stepwell.store.checks.compilers import Message, compiler_messages
from stepwell.store.checks.counted import Counted
from stepwell.store.checks.junit import read_junit
from stepwell.store.checks.numbers import find_number
from stepwell.store.checks.process import Ran
from stepwell.store.checks.pytest import read_pytest
from stepwell.store.checks.tap import read_tap
from stepwell.store.checks.unittests import read_unittest

Source = Literal["junit", "pytest", "unittest", "tap", "exit"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What to look for besides the exit status."""

    junit: Path | None = None
    """A JUnit XML report that the command writes; None: none."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Name of a metric -> regular expression whose last match in the output is its value."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A check's result in numbers."""

    ok: bool
    """The command ended by itself with status 0, and no test failed."""
    source: Source
    """Where the tests were read from; `exit`: only the exit status is known."""
    exit_code: int | None
    duration_ms: int
    tests: Counted | None = None
    messages: tuple[Message, ...] = ()
    """Of compilers and interpreters, the first 200."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Metrics that were found."""
    reason: str = ""
    """Why it did not end by itself, or why a report could not be read; empty otherwise."""


def read_figures(ran: Ran, reading: Reading) -> Figures:
    """Returns what a command's end and output say. The most exact source of tests is taken.

    Nothing in the output is an error: what cannot be read is not there.
    """
    text = ran.output.decode("utf-8", "replace")
    source, tests, reason = _tests(text, reading.junit)
    numbers = {name: find_number(text, pattern) for name, pattern in reading.numbers.items()}
    return Figures(
        ok=ran.ok and (tests is None or not tests.failed),
        source=source,
        exit_code=ran.exit_code,
        duration_ms=ran.duration_ms,
        tests=tests,
        messages=tuple(compiler_messages(text)),
        numbers={name: value for name, value in numbers.items() if value is not None},
        reason=_ending(ran) or reason,
    )


def _tests(text: str, junit: Path | None) -> tuple[Source, Counted | None, str]:
    reason = ""
    if junit is not None:
        found, reason = read_junit(junit)
        if found is not None:
            return "junit", found, ""
    readers: tuple[tuple[Source, Counted | None], ...] = (
        ("pytest", read_pytest(text)),
        ("unittest", read_unittest(text)),
        ("tap", read_tap(text)),
    )
    for source, tests in readers:
        if tests is not None:
            return source, tests, reason
    return "exit", None, reason


def _ending(ran: Ran) -> str:
    match ran.ended:
        case "timeout":
            return f"ended after {ran.duration_ms / 1000:.0f} s, its time limit"
        case "signal":
            return f"ended by {ran.reason}"
        case "stopped":
            return "stopped"
        case "not_started":
            return f"not started: {ran.reason}"
        case _:
            return ""
