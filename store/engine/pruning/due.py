"""Which dropped steps are removed for good now, and what cannot be undone from then on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.view import TRAVEL_KINDS
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.ids import StepId, oid_from_hex
from stepwell.store.model.seqs import Seqs, common, holds, seqs_of, united, without
from stepwell.store.model.steps import Operation, StepsDropped, Undoable, View

_ENDS = ("before", "after", "target")
"""Of the record of a rollback, switch or merge: where it led from and to."""


def due(journal: Journal, before_ns: int, only: Seqs | None = None) -> Seqs:
    """Returns the numbers of the sealed steps that every prune in force dropped by then.

    Steps that something leads to are never among them, whatever was dropped; nor are, where `only`
    is given, those that it does not hold.

    Raises:
        IntegrityError: operations cannot be read.
    """
    view, sealed = journal.view(), journal.sealed
    old = view.dropped if only is None else common(view.dropped, only)
    for entry in view.undoables:
        if entry.kind == "prune" and not entry.undone:
            done = journal.operation(entry.done_by or entry.number)
            if done.time_ns > before_ns:
                old = without(old, dropped_by(journal.operation(entry.number)))
    if not old or not sealed.last:
        return ()
    held = seqs_of(_seqs(journal, _led_to(view)))
    present = seqs_of(seq for seq in sealed.index.step_seqs() if holds(old, seq))
    return without(present, held)


def dropped_by(operation: Operation) -> Seqs:
    """Returns the numbers of the steps that an operation dropped."""
    found: Seqs = ()
    for effect in operation.effects:
        if isinstance(effect, StepsDropped) and effect.dropped:
            found = united(found, effect.seqs)
    return found


def undo_needs(journal: Journal, done: Operation) -> set[StepId]:
    """Returns the steps that taking back, or doing again, a rollback, switch or merge reads.

    Raises:
        IntegrityError: its plan cannot be read.
    """
    names = {done.details.get(key) for key in _ENDS}
    plan = done.details.get("plan")
    if plan:
        form = json.loads(journal.read(oid_from_hex(plan))[1])
        names |= {form["target"], form["head"]}
    return {StepId(name) for name in names if name}


def ends(journal: Journal, removed: Seqs) -> tuple[int, ...]:
    """Returns the numbers of the operations that cannot be taken back without those steps."""
    view = journal.view()
    return tuple(u.number for u in view.undoables if _needs(journal, u, removed))


def _needs(journal: Journal, entry: Undoable, removed: Seqs) -> bool:
    done = journal.operation(entry.number)
    if entry.kind == "prune":
        return bool(common(dropped_by(done), removed))
    if entry.kind not in TRAVEL_KINDS:
        return False
    last = journal.operation(entry.done_by or entry.number)
    named = undo_needs(journal, done) | undo_needs(journal, last)
    found = _seqs(journal, named)
    return len(found) < len(named) or any(holds(removed, seq) for seq in found)


def _led_to(view: View) -> set[StepId]:
    found = {branch.head for branch in view.branches.values()}
    found |= set(view.marks) | set(view.sessions.values())
    found |= {one.base for one in view.experiments.values()}
    if view.intent is not None:
        found |= {view.intent.target, view.intent.safety}
    if view.merging is not None:
        found |= {view.merging.ours, view.merging.theirs}
    return found


def _seqs(journal: Journal, steps: Iterable[StepId]) -> list[int]:
    found = []
    for step in steps:
        with suppress(NotFoundError):
            found.append(journal.step(step).seq)
    return found
