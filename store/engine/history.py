"""Choosing what undo and redo mean, listing operations, and marking steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.references import check_free
from stepwell.store.engine.travel import Aim
from stepwell.store.engine.view import TRAVEL_KINDS
from stepwell.store.model.errors import IntegrityError, NotFoundError, RefusedError
from stepwell.store.model.ids import StepId
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import (
    BranchDropped,
    BranchSet,
    CurrentSet,
    Effect,
    ExperimentSet,
    MarkSet,
    Operation,
    OperationUndone,
    Undoable,
    View,
)


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation as listed."""

    operation: Operation
    undone: bool
    undoable: bool


def operation_rows(journal: Journal, limit: int, before: int | None = None) -> list[OperationRow]:
    """Returns the newest operations, of those below a number, newest first."""
    listed = {u.number: u for u in journal.view().undoables}
    found = journal.newest(limit) if before is None else _below(journal, before, limit)
    rows = []
    for operation in found:
        entry = listed.get(operation.number)
        undone = entry is not None and entry.undone
        rows.append(OperationRow(operation, undone, entry is not None and not undone))
    return rows


def _below(journal: Journal, before: int, limit: int) -> Iterator[Operation]:
    """Yields operations below a number, newest first; damaged ones are left out."""
    for number in range(min(before - 1, journal.last_number), max(0, before - 1 - limit), -1):
        with suppress(NotFoundError, IntegrityError):
            yield journal.operation(number)


def choose_undo(view: View, number: int | None) -> Undoable:
    """Returns what `undo` takes back: the newest operation not undone yet, or the named one.

    Raises:
        NotFoundError: nothing is left to undo, or the operation is not one that can be undone.
        RefusedError: a later rollback must be undone first.
    """
    open_ones = [u for u in view.undoables if not u.undone]
    if number is None:
        if not open_ones:
            raise NotFoundError("there is nothing to undo", hint="see `stepwell operations`")
        return open_ones[-1]
    chosen = next((u for u in open_ones if u.number == number), None)
    if chosen is None:
        raise NotFoundError(
            f"operation {number} is not one that can be undone",
            hint="see `stepwell operations`",
            operation=number,
        )
    later = [u for u in open_ones if u.number > number and u.kind in TRAVEL_KINDS]
    if chosen.kind in TRAVEL_KINDS and later:
        raise RefusedError(
            f"operation {number} cannot be undone before the later {later[-1].kind}",
            hint=f"undo operation {later[-1].number} first",
            operation=number,
        )
    return chosen


def choose_redo(view: View) -> Undoable:
    """Returns what `redo` does again: of the operations undone at the end of the list, the last.

    Not the oldest: what was undone before the newest one was even done is no part of that chain.

    Raises:
        NotFoundError: nothing was undone, or something undoable was done since.
    """
    trailing: list[Undoable] = []
    for entry in reversed(view.undoables):
        if not entry.undone:
            break
        trailing.append(entry)
    if not trailing:
        raise NotFoundError("there is nothing to redo", hint="see `stepwell operations`")
    return max(trailing, key=lambda entry: entry.undone_by or 0)


def travel_aim(journal: Journal, entry: Undoable, *, undo: bool, session: str | None) -> Aim:
    """Returns where the undo (or redo) of a change of the workspace leads.

    Raises:
        RefusedError: of a switch, the branch that it leads to is gone or has moved.
    """
    done = journal.operation(entry.done_by or entry.number)
    before = journal.step(StepId(done.details["before"]))
    after = journal.step(StepId(done.details["after"]))
    if done.details.get("to", done.details["branch"]) != done.details["branch"]:
        return _switch_aim(journal, entry, done, undo)
    if undo:
        asker = session or done.session
        return Aim("undo", before, before, "after", entry.number, after, asker, done.number)
    return Aim("redo", after, after, "after", entry.number, before, session, entry.undone_by)


def _switch_aim(journal: Journal, entry: Undoable, done: Operation, undo: bool) -> Aim:
    """Returns the way back to the branch that was left, or again to the tip of the other one."""
    view = journal.view()
    name = done.details["branch" if undo else "to"]
    branch = view.branches.get(name)
    if branch is None or (undo and branch.head != done.details["before"]):
        raise RefusedError(
            f"operation {entry.number} ({done.summary}) cannot be "
            f"{'undone' if undo else 'done again'}: "
            f"branch {name} {'is gone' if branch is None else 'was changed since'}",
            hint="stepwell branch lists the branches; stepwell switch goes to one",
            operation=entry.number,
        )
    step = journal.step(branch.head)
    kind: Literal["undo", "redo"] = "undo" if undo else "redo"
    inverts = done.number if undo else entry.undone_by
    return Aim(kind, step, step, operation=entry.number, inverts=inverts, branch=name)


def flip(writer: JournalWriter, entry: Undoable, *, undo: bool) -> Operation:
    """Undoes or redoes an operation that touches no files.

    Raises:
        RefusedError: what it set was changed again since.
    """
    done = writer.operation(entry.number)
    effects = (done.inverse if undo else done.effects) or ()
    expected = (done.effects if undo else done.inverse) or ()
    problem = _in_the_way(writer.view(), expected, effects) or _pruned(writer, effects)
    if problem:
        verb = "undone" if undo else "done again"
        raise RefusedError(
            f"operation {entry.number} ({done.summary}) cannot be {verb}: {problem}",
            hint="set it by hand, or name another operation: stepwell operations lists them",
            operation=entry.number,
        )
    verb = "undid" if undo else "did again"
    flipped: Sequence[Effect] = [*effects, OperationUndone(entry.number, undo)]
    return writer.begin().commit(
        "undo" if undo else "redo",
        f"{verb} operation {entry.number}: {done.summary}",
        flipped,
        details={"operation": entry.number},
    )


def _in_the_way(view: View, expected: Sequence[Effect], wanted: Sequence[Effect]) -> str:
    """Returns what speaks against flipping an operation that left `expected`; empty: nothing."""
    for effect in expected:
        match effect:
            case MarkSet(step, mark) if view.marks.get(step) != mark:
                return "the same checkpoint was changed since"
            case BranchSet(branch) if view.branches.get(branch.name) != branch:
                return f"branch {branch.name} was changed since"
            case BranchDropped(name) if name in view.branches:
                return f"there is another branch {name} by now"
            case ExperimentSet(name, experiment) if view.experiments.get(name) != experiment:
                return f"experiment {name} was changed since"
            case CurrentSet(name) if view.current != name:
                return f"{name} is not the current branch any more"
    return _unnameable(view, wanted)


def _pruned(journal: Journal, wanted: Sequence[Effect]) -> str:
    """Returns what speaks against effects that lead to a step which was pruned."""
    for effect in wanted:
        if isinstance(effect, BranchSet):
            named = effect.branch.head
        elif isinstance(effect, MarkSet) and effect.mark is not None:
            named = effect.step
        else:
            continue
        try:
            gone = holds(journal.view().dropped, journal.step(named).seq)
        except NotFoundError:
            gone = True
        if gone:
            return "the step that it leads to was pruned since"
    return ""


def _unnameable(view: View, wanted: Sequence[Effect]) -> str:
    dropped = {e.name for e in wanted if isinstance(e, BranchDropped)}
    if view.current in dropped and not any(isinstance(e, CurrentSet) for e in wanted):
        return f"{view.current} is the current branch"
    staying = view.branches.keys() - dropped
    for effect in wanted:
        if isinstance(effect, BranchSet):
            try:
                check_free(effect.branch.name, staying, "branch")
            except RefusedError as error:
                return error.message
    return ""
