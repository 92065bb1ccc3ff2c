"""What is asked for of an experiment, checked before anything happens."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stepwell.store.checks.numbers import check_pattern
from stepwell.store.checks.process import Command, require_program, split_words
from stepwell.store.engine.references import check_name
from stepwell.store.experiments.roots import check_extra
from stepwell.store.model.errors import UsageError
from stepwell.store.model.experiments import Approach
from stepwell.store.model.paths import TrackedPath

Words = str | Sequence[str]
"""A command: words, or a text that is split as a shell does."""

MOST = 64
"""How many approaches one experiment may try."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment before it is run."""

    name: str
    approaches: tuple[Approach, ...]
    environment: Mapping[str, str]
    """All of the commands' environment, but for what marks them as the experiment's."""
    check: tuple[str, ...] = ()
    jobs: int = 1
    """How many candidates are worked on at once."""
    limit_s: float | None = None
    """Time that each command, and each check, may take."""
    every_s: float = 2.0
    """How often a root is captured while its command runs."""
    extras: tuple[TrackedPath, ...] = ()
    """Ignored folders of the workspace that each root gets a copy of."""
    junit: str = ""
    """Path in a root of the JUnit report that the check writes; empty: none."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Name of a metric -> pattern that finds it in the check's output."""


def approaches_of(given: Iterable[Approach | tuple[str, Words]]) -> tuple[Approach, ...]:
    """Returns approaches given as themselves or as (label, command)."""
    return tuple(
        one if isinstance(one, Approach) else Approach(one[0], words_of(one[1])) for one in given
    )


def words_of(command: Words) -> tuple[str, ...]:
    """Returns a command's words; raises UsageError when there are none."""
    if isinstance(command, str):
        return split_words(command)
    words = tuple(command)
    if not words:
        raise UsageError("the command is empty", hint='as in ("python", "-m", "pytest")')
    return words


def branch_of(name: str, label: str) -> str:
    """Returns the branch of a candidate."""
    return f"{name}/{label}"


def check_trial(trial: Trial, root: bytes) -> None:
    """Raises what can be told before a branch or a folder is made.

    Raises:
        UsageError: names, counts, limits or patterns make no sense.
        NotFoundError: a command, or an extra folder, is not there.
    """
    labels = [approach.label for approach in trial.approaches]
    if not 1 <= len(labels) <= MOST:
        raise UsageError(
            f"an experiment tries 1 to {MOST} approaches, not {len(labels)}",
            hint='as in --try "lru=python apply.py lru" --try "ttl=python apply.py ttl"',
        )
    for label in labels:
        if "/" in label or labels.count(label) > 1:
            raise UsageError(
                f"{label!r} cannot be the label of an approach: "
                f"{'it holds a /' if '/' in label else 'it is given twice'}",
                hint="each approach has a label of its own, such as lru",
                label=label,
            )
        check_name(trial.name, "branch")
        check_name(label, "branch")
        check_name(branch_of(trial.name, label), "branch")
    _check_bounds(trial)
    for path in trial.extras:
        check_extra(root, path)
    for words in (*(approach.command for approach in trial.approaches), trial.check):
        if words:
            folder = Path(os.fsdecode(root))
            require_program(Command(words, folder, trial.environment))


def _check_bounds(trial: Trial) -> None:
    if trial.jobs < 1 or trial.every_s <= 0 or (trial.limit_s is not None and trial.limit_s <= 0):
        raise UsageError("jobs, limits and intervals are above 0", hint="leave the option out")
    if (trial.junit or trial.numbers) and not trial.check:
        raise UsageError(
            "a report or a metric is read from a check, and there is none",
            hint='give one, as in --check "python -m pytest -q"',
        )
    parts = trial.junit.split("/")
    if os.path.isabs(trial.junit) or ".." in parts:
        raise UsageError(
            f"the report {trial.junit} lies outside of the candidates' folders",
            hint="give a path in the workspace, such as build/report.xml",
        )
    for pattern in trial.numbers.values():
        check_pattern(pattern)
