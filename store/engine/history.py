"""Choosing what undo and redo mean, listing operations, and marking steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.references import check_free, check_name
from stepwell.store.engine.travel import Aim
from stepwell.store.model.errors import NotFoundError, RefusedError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import (
    Effect,
    Mark,
    MarkSet,
    Note,
    Operation,
    OperationUndone,
    Step,
    Undoable,
    View,
)

TRAVELS = frozenset({"rollback", "switch", "merge", "promote"})
"""Kinds whose undo changes the workspace, so that it needs a plan."""


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation as listed."""

    operation: Operation
    undone: bool
    undoable: bool


def operation_rows(journal: Journal, limit: int) -> list[OperationRow]:
    """Returns the newest operations, newest first."""
    listed = {u.number: u for u in journal.view().undoables}
    rows = []
    for operation in journal.newest(limit):
        entry = listed.get(operation.number)
        undone = entry is not None and entry.undone
        rows.append(OperationRow(operation, undone, entry is not None and not undone))
    return rows


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
    later = [u for u in open_ones if u.number > number and u.kind in TRAVELS]
    if chosen.kind in TRAVELS and later:
        raise RefusedError(
            f"operation {number} cannot be undone before the later {later[-1].kind}",
            hint=f"undo operation {later[-1].number} first",
            operation=number,
        )
    return chosen


def choose_redo(view: View) -> Undoable:
    """Returns what `redo` does again: the oldest of the operations undone at the end of the list.

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
    return trailing[-1]


def travel_aim(journal: Journal, entry: Undoable, *, undo: bool, session: str | None) -> Aim:
    """Returns where the undo (or redo) of a rollback leads."""
    done = journal.operation(entry.done_by or entry.number)
    before = journal.step(StepId(done.details["before"]))
    after = journal.step(StepId(done.details["after"]))
    if undo:
        asker = session or done.session
        return Aim("undo", before, before, "after", entry.number, after, asker, done.number)
    return Aim("redo", after, after, "after", entry.number, before, session, entry.undone_by)


def flip_marks(writer: JournalWriter, entry: Undoable, *, undo: bool) -> Operation:
    """Undoes or redoes an operation that touches no files.

    Raises:
        RefusedError: what it set was changed again since.
    """
    done = writer.operation(entry.number)
    effects = done.inverse if undo else done.effects
    expected = done.effects if undo else done.inverse
    marks = writer.view().marks
    for effect in expected or ():
        if isinstance(effect, MarkSet) and marks.get(effect.step) != effect.mark:
            raise RefusedError(
                f"operation {entry.number} cannot be {'undone' if undo else 'done again'}: "
                "the same checkpoint was changed since",
                hint="change the checkpoint with `stepwell mark` or `stepwell unmark`",
            )
    verb = "undid" if undo else "did again"
    flipped: Sequence[Effect] = [*(effects or ()), OperationUndone(entry.number, undo)]
    return writer.begin().commit(
        "undo" if undo else "redo",
        f"{verb} operation {entry.number}: {done.summary}",
        flipped,
        details={"operation": entry.number},
    )


def set_mark(
    writer: JournalWriter, step: Step, mark: Mark | None, *, summary: str, kind: str
) -> Operation | None:
    """Makes the step's mark exactly this; None when it is so already."""
    old = writer.view().marks.get(step.id)
    if old == mark:
        return None
    return writer.begin().commit(
        kind, summary, [MarkSet(step.id, mark)], inverse=[MarkSet(step.id, old)]
    )


def marked(
    old: Mark | None,
    *,
    label: str | None,
    note: Note | None,
    tags: Sequence[str],
    milestone: bool,
) -> Mark:
    """Returns `old` with what is given added; a new label replaces the old one."""
    mark = old or Mark()
    fresh = tuple(t for t in dict.fromkeys(tags) if t not in mark.tags)
    kept = mark.milestone
    if milestone and kept is None:
        kept = {"quality": {}, "baseline": None, "project_state": None}
    return replace(
        mark,
        label=label or mark.label,
        notes=mark.notes + ((note,) if note else ()),
        tags=mark.tags + fresh,
        milestone=kept,
    )


def unmarked(old: Mark | None, *, label: bool, tags: Sequence[str]) -> Mark | None:
    """Returns `old` without its label or those tags; without either given, None: no mark at all."""
    if old is None or (not label and not tags):
        return None
    mark = replace(
        old,
        label=None if label else old.label,
        tags=tuple(t for t in old.tags if t not in tags),
    )
    empty = not (mark.label or mark.notes or mark.tags or mark.milestone)
    return None if empty else mark


def check_label_free(view: View, label: str, step: Step | None) -> None:
    """Raises when a label is malformed, or another checkpoint than the step's has it already."""
    check_name(label, "label")
    others = [m.label for s, m in view.marks.items() if m.label and (not step or s != step.id)]
    check_free(label, others, "label")
    for step_id, mark in view.marks.items():
        if mark.label == label and (step is None or step_id != step.id):
            raise RefusedError(
                f"the label {label} is taken by another checkpoint",
                hint=f"choose another, or run `stepwell unmark {step_id[:8]} --label`",
                label=label,
                step=step_id,
            )
