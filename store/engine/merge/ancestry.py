"""Where the lines of two steps meet: their best common ancestors, as `git merge-base --all`."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import combinations
from typing import Protocol

from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step

_LEFT, _RIGHT, _STALE = 1, 2, 4
_BOTH = _LEFT | _RIGHT


class Steps(Protocol):
    """Where steps are found; the journal is one."""

    def step(self, step: StepId, /) -> Step:
        """Returns the step."""
        ...


def merge_bases(steps: Steps, a: Step, b: Step) -> list[Step]:
    """Returns the common ancestors of two steps that no other one descends from, newest first.

    A step is its own ancestor. None in common: the empty list. A parent's number is below its
    child's, so each step is looked at once, after all its descendants.
    """
    marks = {a.id: _LEFT}
    marks[b.id] = marks.get(b.id, 0) | _RIGHT
    queue = [(-step.seq, step.id) for step in {a.id: a, b.id: b}.values()]
    queue.sort()
    found = []
    while any(not marks[identity] & _STALE for _, identity in queue):
        step = steps.step(heappop(queue)[1])
        mark = marks[step.id]
        if mark & _BOTH == _BOTH:
            if not mark & _STALE:
                found.append(step)
            mark |= _STALE
        for parent in step.parents:
            if parent not in marks:
                marks[parent] = 0
                heappush(queue, (-steps.step(parent).seq, parent))
            marks[parent] |= mark
    return found


def lineage(steps: Steps, a: Step, b: Step) -> dict[StepId, list[Step]]:
    """Returns, for both steps and all bases above them, the bases that each descends from.

    A history that holds no more than these merges as the whole one does: where two lines met more
    than once, the bases are merged first, by the bases that they have themselves.
    """
    found: dict[StepId, list[Step]] = {}
    group: Sequence[Step] = [a, b]
    while group:
        above: dict[StepId, Step] = {}
        for step in group:
            found.setdefault(step.id, [])
        for one, other in combinations(group, 2):
            for base in merge_bases(steps, one, other):
                above[base.id] = base
                for step in (one, other):
                    if base.id != step.id and base not in found[step.id]:
                        found[step.id].append(base)
        group = [base for base in above.values() if base.id not in found]
    return found
