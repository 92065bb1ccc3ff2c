"""Branches: making, renaming and deleting them, and how far each is from the current one.

None of it touches a file, and no step goes with a branch: a deleted one is only a name less.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from heapq import heapify, heappop, heappush

from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.references import check_free, check_name, refuse_pruned, resolve
from stepwell.store.model.errors import NotFoundError, RefusedError
from stepwell.store.model.ids import StepId
from stepwell.store.model.reports import BranchRow
from stepwell.store.model.steps import (
    Branch,
    BranchDropped,
    BranchSet,
    CurrentSet,
    Effect,
    Step,
    View,
)

IMPORTED = re.compile("git(-[0-9]+)?/")
"""What the names of branches begin with that stand for those of a git repository."""


def named_branch(view: View, name: str) -> Branch:
    """Returns the branch of that name.

    Raises:
        NotFoundError: there is none.
    """
    if name not in view.branches:
        raise NotFoundError(
            f"there is no branch {name}",
            hint=f"the branches are {', '.join(sorted(view.branches))}",
            branch=name,
        )
    return view.branches[name]


def branch_rows(
    view: View, seq_of: Callable[[StepId], int], parents_of: Callable[[int], Iterable[int]]
) -> list[BranchRow]:
    """Returns the branches by name, kept ones last.

    `seq_of` gives the number of a step id, `parents_of` those of a step's parents.
    """
    current = view.branches.get(view.current)
    rows = []
    for branch in sorted(view.branches.values(), key=_order):
        ahead = behind = 0
        if current is not None and branch is not current:
            ahead, behind = distance(seq_of(branch.head), seq_of(current.head), parents_of)
        rows.append(
            BranchRow(
                name=branch.name,
                head=branch.head,
                base=branch.base,
                current=branch is current,
                kept=branch.kept,
                ahead=ahead,
                behind=behind,
            )
        )
    return rows


def _order(branch: Branch) -> tuple[bool, str, int]:
    stem, _, number = branch.name.rpartition(".")
    if branch.kept and number.isdecimal():
        return True, stem, int(number)
    return branch.kept, branch.name, 0


_HERE, _THERE = 1, 2
_BOTH = _HERE | _THERE


def distance(a: int, b: int, parents_of: Callable[[int], Iterable[int]]) -> tuple[int, int]:
    """Returns how many steps `a` descends from (and is) that `b` does not, and the other way round.

    As `git rev-list --left-right --count`: what was merged counts as had. A parent's number is
    below its child's, so the walk takes each step once, after all of its descendants, and ends
    where only common ones are left.
    """
    if a == b:
        return 0, 0
    marks = {a: _HERE, b: _THERE}
    queue = [-a, -b]
    heapify(queue)
    apart = 2  # so many in the queue belong to one side alone
    counts = {_HERE: 0, _THERE: 0}
    while apart:
        step = -heappop(queue)
        mark = marks.pop(step)
        if mark != _BOTH:
            apart -= 1
            counts[mark] += 1
        for parent in parents_of(step):
            was = marks.get(parent, 0)
            now = marks[parent] = was | mark
            if not was:
                heappush(queue, -parent)
            apart += (now != _BOTH) - (was not in (0, _BOTH))
    return counts[_HERE], counts[_THERE]


def create_branch(writer: JournalWriter, name: str, at: Step | str) -> Branch:
    """Makes a branch whose tip is `at`, or what that refers to; the current branch stays.

    Raises:
        NotFoundError, AmbiguousError: there is no such step.
        UsageError: no branch can have that name.
        RefusedError: it is taken, or lies above or below a taken one.
    """
    check_new(writer.view(), name)
    step = resolve(at, writer.view(), writer) if isinstance(at, str) else at
    refuse_pruned(writer.view(), step)
    branch = Branch(name, step.id, step.id)
    summary = f"made branch {name} at #{step.seq}"
    _commit(writer, summary, [BranchSet(branch)], [BranchDropped(name)])
    return branch


def rename_branch(writer: JournalWriter, old: str, new: str) -> Branch:
    """Gives a branch another name; a kept one becomes an ordinary one.

    Raises:
        NotFoundError: there is no branch `old`.
        UsageError, RefusedError: as `create_branch`.
    """
    view = writer.view()
    was = named_branch(view, old)
    check_new(view, new, leaving=old)
    branch = replace(was, name=new, kept=False)
    effects: list[Effect] = [BranchDropped(old), BranchSet(branch)]
    inverse: list[Effect] = [BranchDropped(new), BranchSet(was)]
    if view.current == old:
        effects.append(CurrentSet(new))
        inverse.append(CurrentSet(old))
    _commit(writer, f"renamed branch {old} to {new}", effects, inverse)
    return branch


def delete_branch(writer: JournalWriter, name: str) -> Branch:
    """Takes a branch away and returns what it was; its steps stay.

    Raises:
        NotFoundError: there is no such branch.
        RefusedError: it is the current one.
    """
    view = writer.view()
    branch = named_branch(view, name)
    if name == view.current:
        raise RefusedError(
            f"branch {name} cannot be deleted: it is the current one",
            hint="switch to another branch first",
            branch=name,
        )
    seq = writer.step(branch.head).seq
    _commit(writer, f"deleted branch {name} at #{seq}", [BranchDropped(name)], [BranchSet(branch)])
    return branch


def refuse_imported(name: str, tip: Step) -> None:
    """Raises RefusedError when the branch is an imported timeline, to which no work is added."""
    if IMPORTED.match(name) and "imported" in tip.flags:
        raise RefusedError(
            f"branch {name} cannot be switched to: it is an imported, read-only timeline",
            hint=f"make a branch of your own there: stepwell branch create NAME --at {name}",
            branch=name,
        )


def check_new(view: View, name: str, leaving: str | None = None) -> None:
    """Raises unless a branch can be made of that name; `leaving` is a branch that gives way."""
    check_name(name, "branch")
    if name in view.branches:
        raise RefusedError(
            f"branch {name} cannot be made: there is one already",
            hint="choose another name, or delete or rename that branch first",
            branch=name,
        )
    check_free(name, (other for other in view.branches if other != leaving), "branch")


def _commit(
    writer: JournalWriter, summary: str, effects: list[Effect], inverse: list[Effect]
) -> None:
    writer.begin().commit("branch", summary, effects, inverse=inverse)
