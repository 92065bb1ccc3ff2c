"""Making steps checkpoints: labels, notes, tags, milestones; and taking them away again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.milestone import milestone_facts
from stepwell.store.engine.references import check_free, check_name, refuse_pruned
from stepwell.store.engine.snapshots import lookup
from stepwell.store.model.errors import NotFoundError, RefusedError, UsageError
from stepwell.store.model.experiments import VERDICTS, Verdict
from stepwell.store.model.ids import short
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.steps import LONGEST_TEXT, Mark, MarkSet, Note, Operation, Step, View

_EMPTY: Mapping[str, Any] = {"quality": {}, "baseline": None, "project_state": None}


@dataclass(frozen=True, slots=True)
class Marking:
    """What is added to a step's mark."""

    label: str | None = None
    note: Note | None = None
    tags: tuple[str, ...] = ()
    milestone: bool | Mapping[str, Any] = False
    """With what it holds (`quality`, `baseline`, `project_state`), which adds to what is there."""
    whole: bool = False
    """Label and tags are exactly these."""
    time_ns: int | None = None
    by: str = ""


def add_mark(writer: JournalWriter, step: Step, added: Marking) -> Operation | None:
    """Makes the step a checkpoint, or adds to the one that it is; None when it has all that.

    Raises:
        UsageError: no label can be called so, the note is empty or on no line, or a text too long.
        RefusedError: the label is another checkpoint's.
        NotFoundError: the note is on a file that neither the step nor what it changed holds.
    """
    refuse_pruned(writer.view(), step)
    if added.label is not None:
        check_label_free(writer.view(), added.label, step)
    _check_lengths("a tag or a name", (added.by, *added.tags))
    if added.note is not None:
        _check_note(writer, step, added.note)
    old = writer.view().marks.get(step.id)
    mark = _marked(old, added)
    if mark.milestone is not None and (old is None or old.milestone is None):
        given = {name: value for name, value in mark.milestone.items() if value is not None}
        found = milestone_facts(writer, writer.view(), step)
        mark = replace(mark, milestone={**mark.milestone, **found, **given})
    return _set(writer, step, mark, f"marked #{step.seq}", "mark")


def judge(
    writer: JournalWriter, step: Step, verdict: Verdict | None, note: Note | None
) -> Operation | None:
    """Gives the step a verdict's tag in place of another one's; None when it has all that.

    Raises:
        UsageError: the note is empty or too long.
    """
    if note is not None:
        _check_note(writer, step, note)
    old = writer.view().marks.get(step.id) or Mark()
    left = replace(old, tags=tuple(tag for tag in old.tags if tag not in VERDICTS))
    mark = _marked(left, Marking(note=note, tags=(verdict,) if verdict else ()))
    said = f"{verdict} #{step.seq}" if verdict else f"no verdict on #{step.seq}"
    return _set(writer, step, mark if mark != Mark() else None, said, "mark")


def take_mark(
    writer: JournalWriter, step: Step, *, label: bool, tags: Sequence[str], notes: Sequence[str]
) -> Operation | None:
    """Takes away the label, those tags and those notes, or, with nothing named, the whole mark.

    `notes` are ids, or beginnings of ids that no other note of the step has. Tags that the step
    has not are no error. None when nothing is left to take.

    Raises:
        NotFoundError: the step has no such note, or several.
    """
    old = writer.view().marks.get(step.id)
    gone = {_note_named(step, old, name).id for name in notes}
    mark = None
    if old is not None and (label or tags or notes):
        left = replace(
            old,
            label=None if label else old.label,
            tags=tuple(t for t in old.tags if t not in tags),
            notes=tuple(n for n in old.notes if n.id not in gone),
        )
        mark = left if left != Mark() else None
    return _set(writer, step, mark, f"unmarked #{step.seq}", "unmark")


def check_label_free(view: View, label: str, step: Step | None) -> None:
    """Raises when a label is malformed, or another checkpoint than the step's has it already."""
    check_name(label, "label")
    others = [m.label for s, m in view.marks.items() if m.label and (not step or s != step.id)]
    check_free(label, others, "label")
    for step_id, mark in view.marks.items():
        if mark.label == label and (step is None or step_id != step.id):
            raise RefusedError(
                f"the label {label} is taken by another checkpoint",
                hint=f"choose another, or run `stepwell unmark {short(step_id)} --label`",
                label=label,
                step=step_id,
            )


def _set(
    writer: JournalWriter, step: Step, mark: Mark | None, summary: str, kind: str
) -> Operation | None:
    old = writer.view().marks.get(step.id)
    if old == mark:
        return None
    effects, inverse = [MarkSet(step.id, mark)], [MarkSet(step.id, old)]
    return writer.begin().commit(kind, summary, effects, inverse=inverse)


def _marked(old: Mark | None, added: Marking) -> Mark:
    mark = old or Mark(created_ns=added.time_ns, by=added.by)
    if added.whole:
        mark = replace(mark, label=None, tags=())
    fresh = tuple(t for t in dict.fromkeys(added.tags) if t not in mark.tags)
    kept = mark.milestone
    if added.milestone is not False:
        told = {} if added.milestone is True else added.milestone
        kept = {**(kept or _EMPTY), **told}
    return replace(
        mark,
        label=added.label or mark.label,
        notes=mark.notes + ((added.note,) if added.note else ()),
        tags=mark.tags + fresh,
        milestone=kept,
    )


def _check_note(journal: Journal, step: Step, note: Note) -> None:
    if not note.text.strip():
        raise UsageError("the note is empty", hint='as in --note "all tests pass"')
    _check_lengths("a note", (note.text, note.by))
    if note.line is not None and (note.path is None or note.line < 1):
        raise UsageError(
            "a note is on a line of a file, counted from 1", hint="as in src/app.py:12"
        )
    if note.path is not None:
        check_path(journal, step, note.path)


def check_texts(mark: Mark) -> None:
    """Raises UsageError for a mark with a text that no other workspace would take."""
    _check_lengths("a tag or a name", (mark.by, *mark.tags))
    _check_lengths("a note", (text for note in mark.notes for text in (note.text, note.by)))


def _check_lengths(what: str, texts: Iterable[str]) -> None:
    if any(len(text) > LONGEST_TEXT for text in texts):
        raise UsageError(
            f"{what} is longer than {LONGEST_TEXT:,} characters",
            hint="what is longer would be taken by no other workspace",
        )


def check_path(journal: Journal, step: Step, path: TrackedPath) -> None:
    """Raises NotFoundError unless the step, or the one before it, has something at the path."""
    sides = [step, *(journal.step(parent) for parent in step.parents[:1])]
    if not any(lookup(journal, side.snapshot, path) for side in sides):
        raise NotFoundError(
            f"{escape(path)} is not in step #{step.seq}",
            hint=f"stepwell show '#{step.seq}' lists what it changed",
            path=escape(path),
        )


def _note_named(step: Step, mark: Mark | None, name: str) -> Note:
    notes = mark.notes if mark else ()
    found = [n for n in notes if name and n.id.startswith(name.lower())]
    if len(found) == 1:
        return found[0]
    raise NotFoundError(
        f"step #{step.seq} has {'several notes' if found else 'no note'} {name}",
        hint=f"its notes are {', '.join(n.id for n in notes)}" if notes else "it has no notes",
        note=name,
        candidates=[n.id for n in found],
    )
