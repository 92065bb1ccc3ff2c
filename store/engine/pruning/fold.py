"""Folding: steps that the next one supersedes, within one turn, and so tell nothing of their own. Pure.

Two kinds are seen. Continuous edits: the same file again within five seconds. Cycles that end where
they began: what happened in between left nothing. The first and the last step of a turn always stay,
and so does what is held, and safety steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Snapshot

CONTINUOUS_NS = 5 * 1_000_000_000


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
    path: bytes | None
    """The one path that it changed; None when it changed none, or several."""
    stays: bool = False
    """Held, or a safety step, or of a kind that is never folded."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A step that goes, the one that stands for it, and why."""

    step: StepId
    seq: int
    into: int
    reason: str


def fold_steps(steps: Sequence[FoldFacts]) -> list[Folded]:
    """Returns the steps that can go, ascending; the steps come in ascending order."""
    found: list[Folded] = []
    for run in _runs(steps):
        found += _cycles(run)
        found += _continuous(run, {one.step for one in found})
    return sorted(found, key=lambda one: one.seq)


def _runs(steps: Sequence[FoldFacts]) -> list[list[FoldFacts]]:
    """Returns the stretches of steps of one turn that follow one another."""
    runs: list[list[FoldFacts]] = []
    for step in steps:
        last = runs[-1][-1] if runs else None
        if last is not None and step.turn == last.turn and step.parent == last.step:
            runs[-1].append(step)
        else:
            runs.append([step])
    return [run for run in runs if run[0].turn is not None]


def _cycles(run: Sequence[FoldFacts]) -> list[Folded]:
    """Returns what lies between two equal states, up to the second: the next step stands for it.

    A step that changed nothing is no cycle: what it said may matter.
    """
    found: list[Folded] = []
    at = 0
    while at < len(run) - 2:
        ends = (n for n in range(at + 2, len(run) - 1) if run[n].snapshot == run[at].snapshot)
        end = next(ends, None) if run[at + 1].snapshot != run[at].snapshot else None
        inside = [] if end is None else run[at + 1 : end + 1]
        if end is not None and not any(one.stays for one in inside):
            into = run[end + 1].seq
            found += [Folded(o.step, o.seq, into, "a cycle that left nothing") for o in inside]
            at = end
        at += 1
    return found


def _continuous(run: Sequence[FoldFacts], gone: set[StepId]) -> list[Folded]:
    left = [one for one in run if one.step not in gone]
    found: list[Folded] = []
    into = left[-1].seq
    for at in range(len(left) - 2, 0, -1):
        step, after = left[at], left[at + 1]
        near = 0 <= after.time_ns - step.time_ns <= CONTINUOUS_NS
        same = step.path is not None and step.path == after.path
        if near and same and not step.stays and after.parent == step.step:
            found.append(Folded(step.step, step.seq, into, "edited again within 5 seconds"))
        else:
            into = step.seq
    return found
