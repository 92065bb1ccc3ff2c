"""An experiment's candidates as columns of figures in words, and the files that they changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

from stepwell.tui.values import (
    Change,
    CheckResult,
    Conflict,
    Experiment,
    Ranked,
    Step,
    one_line,
    plural,
    printable,
)

FIGURES = ("", "rank", "check", "time", "changes", "complexity", "conflicts", "why")
WHY_LINES = 3
_LABEL = 60
_COMMAND = 200


class Review(NamedTuple):
    """An experiment as it is looked at."""

    experiment: Experiment
    ranked: tuple[Ranked, ...]
    """Best first."""
    base: Step


class Tried(NamedTuple):
    """What a candidate changed against the base, and what its promotion would clash with."""

    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    seq: int | None
    """The number of its newest step; None: it is gone."""


class Figure(NamedTuple):
    """A text of a column, with the role of its colour."""

    text: str
    role: str = "text"


def figures(one: Ranked, tried: Tried | None, width: int) -> list[Figure]:
    """Returns a candidate's figures in the order of FIGURES, the last over `WHY_LINES` lines.

    `tried` None: it is still being read.
    """
    candidate = one.candidate
    passed = "ok" if candidate.passed else "failed"
    lines = wrap(one_line(one.why, 400), max(8, width)) or [""]
    why = lines[:WHY_LINES] + [""] * (WHY_LINES - len(lines))
    return [
        Figure(one_line(candidate.label, _LABEL), "strong"),
        Figure(f"{one.rank}  score {one.score:.2f}", passed),
        Figure(_check_word(candidate.check, candidate.passed), passed),
        Figure(_times(candidate.duration_ms, candidate.check), "dim"),
        Figure(f"+{candidate.added:,} -{candidate.deleted:,}  {plural(candidate.files, 'file')}"),
        Figure("-" if candidate.complexity is None else f"{candidate.complexity:+d}", "dim"),
        _conflicts(tried),
        *(Figure(line, "dim") for line in why),
    ]


def _check_word(check: CheckResult | None, passed: bool) -> str:
    if check is None:
        return "none" if passed else "not reached"
    if check.total:
        return f"{check.passed or 0:,} of {check.total:,} pass"
    return "passes" if check.ok else "fails"


def _times(command_ms: int, check: CheckResult | None) -> str:
    ran = f"{command_ms / 1000:.1f} s"
    return ran if check is None else f"{ran}, check {check.duration_ms / 1000:.1f} s"


def _conflicts(tried: Tried | None) -> Figure:
    if tried is None:
        return Figure("...", "dim")
    return Figure(f"{len(tried.conflicts):,}", "warning") if tried.conflicts else Figure("0", "ok")


def heading(review: Review) -> str:
    """Returns what the experiment is, in one line."""
    told = review.experiment
    check = one_line(" ".join(told.check), _COMMAND)
    parts = (
        f"Experiment {one_line(told.name, 40)}",
        f"from #{review.base.seq} of {one_line(told.into, 40)}",
        told.state,
        f"check: {check}" if check else "nothing was checked",
    )
    return ", ".join(parts)


def all_paths(tried: Iterable[Tried]) -> list[bytes]:
    """Returns the paths that any candidate changed, ascending."""
    return sorted({change.path for one in tried for change in one.changes})


def change_at(tried: Mapping[str, Tried], label: str, path: bytes) -> Sequence[Change]:
    """Returns a candidate's change of a path; nothing when it did not change it."""
    known = tried.get(label)
    return [] if known is None else [one for one in known.changes if one.path == path]


def command_words(ranked: Ranked) -> str:
    """Returns the command that made a candidate."""
    return printable(one_line(" ".join(ranked.candidate.command), _COMMAND))
