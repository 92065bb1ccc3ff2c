"""An experiment's candidates as columns of figures in words, and the files that they changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

from stepwell.tui.model.linetext import text_lines
from stepwell.tui.model.picks import Picks
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
    verdict_of,
)

_METRICS = 3
"""Numbers of a check that have a row of their own."""
_ROWS = frozenset({"rank", "check", "time", "changes", "complexity", "conflicts", "verdict", "why"})
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
    step: Step | None
    """Its newest step, with notes and verdict; None: it is gone."""


class Figure(NamedTuple):
    """A text of a column, with the role of its colour."""

    text: str
    role: str = "text"


def row_names(ranked: Sequence[Ranked], why_lines: int) -> tuple[str, ...]:
    """Returns what the rows of the table say: figures that any candidate has, then the reasons."""
    names = {name for one in ranked for name in _metrics(one)} - _ROWS
    metrics = sorted(names)[:_METRICS]
    measured = any(one.candidate.complexity is not None for one in ranked)
    rows = ["", "rank", "check", "time", "changes", *(["complexity"] if measured else []), *metrics]
    return (*rows, "conflicts", "verdict", "why", *[""] * (why_lines - 1))


def figures(
    one: Ranked, tried: Tried | None, names: Sequence[str], width: int, picked: str, note_sign: str
) -> list[Figure]:
    """Returns a candidate's figures, one for each of `names`, which `row_names` made.

    `tried` None: it is still being read. `picked` says what of it is picked.
    """
    candidate = one.candidate
    passed = "ok" if candidate.passed else "failed"
    label = one_line(candidate.label, _LABEL)
    known = {
        "rank": Figure(f"{one.rank}  score {one.score:.2f}", passed),
        "check": Figure(_check_word(candidate.check, candidate.passed), passed),
        "time": Figure(_times(candidate.duration_ms, candidate.check), "dim"),
        "changes": Figure(
            f"+{candidate.added:,} -{candidate.deleted:,}  {plural(candidate.files, 'file')}"
        ),
        "complexity": Figure(
            "-" if candidate.complexity is None else f"{candidate.complexity:+d}", "dim"
        ),
        "conflicts": _conflicts(tried),
        "verdict": _verdict(tried, note_sign),
    }
    at = names.index("why")
    for name in names[1:at]:
        if name not in known:
            known[name] = _metric(one, name)
    count = len(names) - at
    lines = reasons(one, width)
    if len(lines) > count:
        lines[count - 1] += " ..."
    why = lines[:count] + [""] * (count - len(lines))
    first = Figure(f"{label}  {picked}" if picked else label, "strong")
    return [first, *(known[name] for name in names[1:at]), *(Figure(line, "dim") for line in why)]


def reasons(one: Ranked, width: int) -> list[str]:
    """Returns why a candidate has its rank, in lines of so many cells."""
    return wrap(one_line(one.why, 400), max(8, width)) or [""]


def _metrics(one: Ranked) -> Mapping[str, float]:
    return one.candidate.check.metrics if one.candidate.check else {}


def _metric(one: Ranked, name: str) -> Figure:
    value = _metrics(one).get(name)
    return Figure("-" if value is None else f"{value:,g}", "dim")


def _verdict(tried: Tried | None, note_sign: str) -> Figure:
    mark = tried.step.checkpoint if tried is not None and tried.step is not None else None
    if mark is None:
        return Figure("-", "dim")
    verdict = verdict_of(mark.tags)
    note = f"{note_sign} {one_line(mark.notes[-1].text, _COMMAND)}" if mark.notes else ""
    said = "  ".join(word for word in (verdict or "", note) if word)
    return Figure(said or "-", {"accepted": "ok", "rejected": "failed"}.get(verdict or "", "dim"))


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


def output_of(one: Ranked) -> tuple[list[str], str]:
    """Returns the end of what a failed check said, in lines, and a sentence above it."""
    check = one.candidate.check
    if check is None:
        return [], "no check was run"
    if check.ok:
        return [], "its check passes"
    lines = text_lines(check.said.encode(), is_prose=False)
    return list(lines), "the end of what its check said" if lines else "its check said nothing"


def all_paths(tried: Iterable[Tried]) -> list[bytes]:
    """Returns the paths that any candidate changed, ascending."""
    return sorted({change.path for one in tried for change in one.changes})


def change_at(tried: Tried | None, path: bytes) -> Change | None:
    """Returns a candidate's change of a path; None when it did not change it, or is being read."""
    changes = tried.changes if tried is not None else ()
    return next((one for one in changes if one.path == path), None)


class ReviewPicks:
    """What is picked of candidates: files whole, and hunks."""

    def __init__(self) -> None:
        self._picks: dict[tuple[str, bytes], Picks] = {}

    def of(self, label: str, change: Change) -> Picks:
        """Returns the choice among the hunks of one file of a candidate."""
        return self._picks.setdefault((label, change.path), Picks([change]))

    def toggle_all(self, label: str, changes: Sequence[Change]) -> None:
        """Picks all that a candidate changed, or lets go of it when all of it is picked."""
        every = [self.of(label, change) for change in changes]
        chosen = not all(picks.complete for picks in every)
        for picks in every:
            picks.set_file(0, chosen)

    def paths(self) -> list[tuple[str, bytes]]:
        """Returns (label, path) of the files that are picked whole."""
        return [(label, p) for (label, _), picks in self._picks.items() for p in picks.paths()]

    def hunks(self) -> list[str]:
        """Returns the ids of the hunks that are picked of other files; each once."""
        found = (hunk for picks in self._picks.values() for hunk in picks.hunk_names())
        return list(dict.fromkeys(found))

    def whole(self, tried: Mapping[str, Tried]) -> str | None:
        """Returns the label of the candidate of which all is picked, and of no other anything."""
        labels = {label for (label, _), picks in self._picks.items() if picks.any}
        label = labels.pop() if len(labels) == 1 else None
        if label is None or label not in tried:
            return None
        complete = all(self.of(label, change).complete for change in tried[label].changes)
        return label if complete else None

    def said(self, label: str | None = None) -> str:
        """Returns `1 file, 2 hunks picked` of a candidate, or of all; empty: nothing is."""
        mine = [p for (one, _), p in self._picks.items() if label is None or one == label]
        files, hunks = sum(p.complete for p in mine), sum(p.hunks for p in mine)
        parts = [plural(files, "file")] * bool(files) + [plural(hunks, "hunk")] * bool(hunks)
        return f"{', '.join(parts)} picked" if parts else ""


def command_words(ranked: Ranked) -> str:
    """Returns the command that made a candidate."""
    return printable(one_line(" ".join(ranked.candidate.command), _COMMAND))
