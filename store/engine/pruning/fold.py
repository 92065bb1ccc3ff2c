"""Folding: steps that later ones of their turn supersede, and so tell nothing of their own. Pure.

Four kinds are seen. Cycles that end where they began: what happened in between left nothing.
Continuous edits: the same file again within five seconds. Chains of formatting: a step that moved
white space alone, before another such step. And edits of which nothing is left when their turn ends.
The first and the last step of a turn always stay, and so does what is held, and safety steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Snapshot

CONTINUOUS_NS = 5 * 1_000_000_000

Texts = Callable[[Oid], bytes | None]
"""Returns a blob's text; None of one that is none, is large, or cannot be read."""


class Edit(NamedTuple):
    """What a step did to one path; None: there was nothing, or no file."""

    path: bytes
    before: Oid | None
    after: Oid | None


@dataclass(frozen=True, slots=True)
class FoldFacts:
    """What folding looks at of a step."""

    step: StepId
    seq: int
    parent: StepId | None
    """Its only parent; None when it has none, or several."""
    time_ns: int
    turn: tuple[str, int] | None
    """Session and turn; None when it belongs to none."""
    snapshot: Snapshot
    edits: tuple[Edit, ...] | None
    """None when they are too many to be looked at, or are not known."""
    stays: bool = False
    """Held, or a safety step, or of a kind that is never folded."""

    @property
    def only(self) -> Edit | None:
        """The one edit of a step that changed one path."""
        return self.edits[0] if self.edits is not None and len(self.edits) == 1 else None


@dataclass(frozen=True, slots=True)
class Folded:
    """A step that goes, the one that stands for it, and why."""

    step: StepId
    seq: int
    into: int
    reason: str


Run = Sequence[FoldFacts]
Reasons = Iterator[tuple[FoldFacts, str]]


def fold_steps(steps: Run, texts: Texts) -> list[Folded]:
    """Returns the steps that can go, ascending; the steps come in ascending order."""
    found: list[Folded] = []
    for run in _runs(steps):
        gone = dict[StepId, str]()
        for look in (_cycles, _continuous, _formatting, _superseded):
            left = [one for one in run if one.step not in gone]
            gone |= {one.step: reason for one, reason in look(left, texts)}
        found += _stood_for(run, gone)
    return found


def _stood_for(run: Run, gone: dict[StepId, str]) -> list[Folded]:
    """Returns the steps that go, each with the next one that stays."""
    found, into = list[Folded](), run[-1].seq
    for one in reversed(run):
        if one.step in gone:
            found.append(Folded(one.step, one.seq, into, gone[one.step]))
        else:
            into = one.seq
    return found[::-1]


def _runs(steps: Run) -> list[list[FoldFacts]]:
    """Returns the stretches of steps of one turn that follow one another."""
    runs: list[list[FoldFacts]] = []
    for step in steps:
        last = runs[-1][-1] if runs else None
        if last is not None and step.turn == last.turn and step.parent == last.step:
            runs[-1].append(step)
        else:
            runs.append([step])
    return [run for run in runs if run[0].turn is not None]


def _inner(left: Run) -> Iterator[tuple[FoldFacts, FoldFacts]]:
    """Yields the steps that may go, from the first to the last, each with the one after it."""
    for step, after in pairwise(left[1:]):
        if not step.stays:
            yield step, after


def _cycles(run: Run, texts: Texts) -> Reasons:
    """Yields what lies between two equal states, up to the second.

    A step that changed nothing is no cycle: what it said may matter.
    """
    at = 0
    while at < len(run) - 2:
        ends = (n for n in range(at + 2, len(run) - 1) if run[n].snapshot == run[at].snapshot)
        end = next(ends, None) if run[at + 1].snapshot != run[at].snapshot else None
        inside = [] if end is None else run[at + 1 : end + 1]
        if end is not None and not any(one.stays for one in inside):
            yield from ((one, "a cycle that left nothing") for one in inside)
            at = end
        at += 1


def _continuous(left: Run, texts: Texts) -> Reasons:
    for step, after in _inner(left):
        near = 0 <= after.time_ns - step.time_ns <= CONTINUOUS_NS
        same = step.only is not None and after.only is not None
        if near and same and _path(step) == _path(after) and after.parent == step.step:
            yield step, "the same file was edited again within 5 seconds"


def _path(step: FoldFacts) -> bytes | None:
    return step.only.path if step.only else None


def _formatting(left: Run, texts: Texts) -> Reasons:
    for step, after in _inner(left):
        if _moves_space(step, texts) and _moves_space(after, texts):
            yield step, "it moved white space alone, as the next one did"


def _moves_space(step: FoldFacts, texts: Texts) -> bool:
    return bool(step.edits) and all(_is_spacing(edit, texts) for edit in step.edits or ())


def _is_spacing(edit: Edit, texts: Texts) -> bool:
    if edit.before is None or edit.after is None:
        return False
    before, after = texts(edit.before), texts(edit.after)
    if before is None or after is None:
        return False
    return before != after and b"".join(before.split()) == b"".join(after.split())


def _superseded(left: Run, texts: Texts) -> Reasons:
    """Yields edits whose every new line is gone again when the turn ends.

    Where a step's edits are not known, they could be of the same file: then nothing is said.
    """
    if any(step.edits is None for step in left):
        return
    last = {edit.path: (step.step, edit.after) for step in left for edit in step.edits or ()}
    for step, _ in _inner(left):
        edit = step.only
        if edit is None or last[edit.path][0] == step.step:
            continue
        before, after = _lines(edit.before, texts), _lines(edit.after, texts)
        final = _lines(last[edit.path][1], texts)
        if before is None or after is None or final is None:
            continue
        if (written := after - before) and written.isdisjoint(final):
            yield step, "nothing that it wrote is left at the end of its turn"


def _lines(blob: Oid | None, texts: Texts) -> set[bytes] | None:
    """Returns the lines of a text that say something; None when it cannot be told."""
    text = b"" if blob is None else texts(blob)
    return None if text is None else {bare for line in text.splitlines() if (bare := line.strip())}
