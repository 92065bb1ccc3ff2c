"""Ending a merge under way: concluding it with a step of two parents, or finding what takes it back."""

from __future__ import annotations

import re
from dataclasses import replace

from stepwell.store.engine import wording
from stepwell.store.engine.context import Context
from stepwell.store.engine.counting import CountingSink
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.recording import (
    Act,
    advanced,
    head_step,
    make_step,
    require_head,
    take_with,
)
from stepwell.store.engine.rollback import decode_plan
from stepwell.store.engine.snapshots import lookup
from stepwell.store.model.errors import ConflictError, NotFoundError
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Applied, Conflict, Plan
from stepwell.store.model.steps import (
    BranchSet,
    Effect,
    Merging,
    MergingSet,
    Snapshot,
    StepRecorded,
    Undoable,
    View,
)
from stepwell.store.model.text import plural

_MARKER = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


def require_merging(view: View) -> Merging:
    """Returns the merge under way.

    Raises:
        NotFoundError: there is none.
    """
    if view.merging is None:
        raise NotFoundError(
            "no merge is under way", hint="stepwell merge NAME merges a branch into this one"
        )
    return view.merging


def merging_plan(journal: Journal, merging: Merging) -> Plan:
    """Returns the plan of a merge under way, which names its conflicts."""
    return decode_plan(journal.read(merging.plan)[1], journal.step)


def with_markers(reader: ObjectReader, disk: Snapshot, plan: Plan) -> tuple[Conflict, ...]:
    """Returns the conflicts whose files still hold conflict markers."""
    return tuple(one for one in plan.conflicts if _has_markers(reader, disk, one))


def _has_markers(reader: ObjectReader, disk: Snapshot, one: Conflict) -> bool:
    entry = lookup(reader, disk, one.path)
    if entry is None or entry.oid is None or one.kind == "binary":
        return False
    return _MARKER.search(reader.read(entry.oid)[1]) is not None


def conclude_merge(writer: JournalWriter, context: Context, *, force: bool) -> Applied:
    """Records the disk as the merge; `undo` takes back the whole merge, and not just its end.

    Raises:
        NotFoundError: no merge is under way.
        ConflictError: files still hold conflict markers, and `force` is not given.
    """
    view = writer.view()
    merging = require_merging(view)
    plan = merging_plan(writer, merging)
    head = require_head(head_step(writer, view), context.root)
    transaction = writer.begin()
    sink = CountingSink(transaction)
    # What the merge wrote counts as captured even where rules ignore it, as when it was begun.
    wrote = [i.path for i in plan.items if i.after is not None and i.after.blob is not None]
    captured = take_with(context, sink, head.snapshot, wrote)
    left = with_markers(sink, captured.snapshot, plan)
    if left and not force:
        transaction.abort()
        raise _unsettled(merging, left)
    act = Act(title=wording.merged(merging.branch), kind="merge")
    step = make_step(view, context, act, head, captured, sink)
    step = replace(
        step,
        parents=(head.id, merging.theirs),
        raw_bytes=transaction.raw_bytes,
        stored_bytes=transaction.stored_bytes,
    )
    effects: list[Effect] = [StepRecorded(step), BranchSet(advanced(view, step)), MergingSet(None)]
    details = {
        "before": merging.ours,
        "after": step.id,
        "target": merging.theirs,
        "branch": view.current,
        "to": view.current,
        "plan": merging.plan.hex(),
        "partial": True,
    }
    operation = transaction.commit("merge", act.title, effects, details=details)
    context.sight.keep(captured)
    return Applied(plan, True, writer.step(merging.ours), step, (), operation.number)


def begun_entry(view: View) -> Undoable:
    """Returns the undo list's entry of the merge under way.

    Raises:
        NotFoundError: no merge is under way.
    """
    merging = require_merging(view)
    found = next((u for u in view.undoables if u.number == merging.operation), None)
    return found or Undoable(merging.operation, "merge", done_by=merging.operation)


def _unsettled(merging: Merging, left: tuple[Conflict, ...]) -> ConflictError:
    paths = ", ".join(escape(one.path) for one in left[:3]) + (" ..." if len(left) > 3 else "")
    return ConflictError(
        f"the merge of {merging.branch} cannot be concluded: conflict markers are left in "
        f"{plural(len(left), 'file')}: {paths}",
        hint="settle them, or give --force to keep them as they are",
        conflicts=left,
    )
