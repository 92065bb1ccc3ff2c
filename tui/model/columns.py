"""The shape of a history as columns: a few machine words a step, whatever its length.

A step's *ordinal* is its place from the oldest (0), so that a new step moves nobody else.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.tui.model.turns import Shape, TurnBuilder, Turns, act
from stepwell.tui.values import Step, StepId

PAGE = 256
"""Steps a page; pages are counted by ordinal, from the oldest."""

NO_PARENT = 0
_FIRST_UNKNOWN = -10
"""Stands, counting down, for parents that are older than what is known yet."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Every step's number, first parent and further parents, oldest first."""

    seqs: Sequence[int] = field(default_factory=lambda: array("q"))
    """Ascending."""
    parents: Sequence[int] = field(default_factory=lambda: array("q"))
    """Number of the first parent, `NO_PARENT` for none; negative: known to exist only."""
    more: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Step number -> further parents, of merges."""
    times: Sequence[int] = field(default_factory=lambda: array("q"))
    """Nanoseconds since the epoch; may be empty."""
    complete: bool = True
    """False: only the newest steps are known yet."""
    turns: Turns = field(default_factory=Turns)

    def __len__(self) -> int:
        return len(self.seqs)

    def ordinal(self, seq: int) -> int:
        """Returns the ordinal of a step number, or of the next one above when it is not there."""
        return bisect_left(self.seqs, seq)


def columns_of(steps: Iterable[Step], *, complete: bool) -> Columns:
    """Returns the columns of some steps, in any order."""
    ordered = sorted(steps, key=lambda step: step.seq)
    numbers = {step.id: step.seq for step in ordered}
    known = [tuple(_number(p, numbers) for p in step.parents) for step in ordered]
    seqs = array("q", [step.seq for step in ordered])
    firsts = array("q", [parents[0] if parents else NO_PARENT for parents in known])
    more = {s.seq: parents[1:] for s, parents in zip(ordered, known, strict=True) if parents[1:]}
    times = array("q", [step.time_ns for step in ordered])
    return Columns(seqs, firsts, more, times, complete, _turns(ordered, seqs, firsts, more))


def _turns(
    steps: Sequence[Step],
    seqs: Sequence[int],
    parents: Sequence[int],
    more: Mapping[int, tuple[int, ...]],
) -> Turns:
    numbers: dict[str | None, int] = {None: 0}
    sessions = [numbers.setdefault(step.session, len(numbers)) for step in steps]
    acts = [
        act(
            step.kind,
            failed=step.result is not None and not step.result.ok,
            changed=step.changes.files > 0,
        )
        for step in steps
    ]
    builder = TurnBuilder()
    builder.extend(Shape(seqs, parents, more, sessions, acts))
    return builder.turns(at for at, step in enumerate(steps) if step.checkpoint is not None)


def _number(parent: StepId, numbers: dict[StepId, int]) -> int:
    found = numbers.get(parent)
    if found is None:
        unknown = sum(1 for value in numbers.values() if value < 0)
        found = numbers[parent] = _FIRST_UNKNOWN - unknown
    return found
