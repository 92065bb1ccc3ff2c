"""Going back and forth: plan a rollback, undo or redo, and apply it behind a safety step.

The order is the promise (DESIGN section 4): capture the disk as a safety step, write the intent,
change files one by one, verify, write the done record (engine/settle.py, which also recovers).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from stepwell.store.engine.capture import Captured
from stepwell.store.engine.context import Context, Progress, no_progress
from stepwell.store.engine.counting import CountingSink
from stepwell.store.engine.coverage import decode_coverage, decode_rules
from stepwell.store.engine.files import state_at
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.objects import BLOB, LayeredObjects, ObjectReader
from stepwell.store.engine.recording import (
    Act,
    advanced,
    head_step,
    make_step,
    require_head,
    take,
)
from stepwell.store.engine.rollback import (
    apply_plan,
    by_policy,
    decode_plan,
    encode_plan,
    make_plan,
)
from stepwell.store.engine.settle import conclude
from stepwell.store.engine.snapshots import Entry, differing, lookup
from stepwell.store.model.errors import (
    DriftError,
    OtherSessionError,
    RefusedError,
    StepwellError,
)
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.plans import Applied, Kept, OtherSession, PathState, Plan
from stepwell.store.model.steps import (
    BranchSet,
    Covered,
    Effect,
    Intent,
    IntentSet,
    Snapshot,
    Step,
    StepRecorded,
)
from stepwell.store.model.text import plural

PlanKind = Literal["rollback", "undo", "redo", "switch"]


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a plan leads: which step's content, and what the graph is to look like after it."""

    kind: PlanKind
    step: Step
    """The step that was named."""
    onto: Step
    """The step whose snapshot the disk is to have (`step`, or its parent for side "before")."""
    side: Literal["before", "after"] = "after"
    operation: int | None = None
    since: Step | None = None
    """The work recorded after this step is taken back; None: after `onto`."""
    session: str | None = None
    """Who asks; its own later work is no reason to refuse."""
    inverts: int | None = None
    """Number of the done record whose writes are taken back."""


def plan_travel(journal: Journal, context: Context, aim: Aim) -> tuple[Plan, ObjectReader]:
    """Returns the plan, and a reader that also holds the disk's own content; changes nothing."""
    head = require_head(current_head(journal), context.root)
    reader = LayeredObjects(journal)
    disk = take(context, reader, head.snapshot)
    own = _own_writes(journal, aim)
    plan = make_plan(
        reader,
        own=own,
        kind=aim.kind,
        target=aim.step,
        side=aim.side,
        snapshot=aim.onto.snapshot,
        head=head,
        disk=disk.snapshot,
        disk_covered=disk.covered,
        target_covered=covered_of(journal, aim.onto),
        rules_then=decode_rules(_blob(journal, aim.onto.rules_blob)),
        other_sessions=other_sessions(journal, head, aim),
        uncaptured=_uncaptured(reader, context, disk.snapshot, aim.onto.snapshot, own),
        plan_id=context.randomness(16).hex(),
        operation=aim.operation,
    )
    return plan, reader


def current_head(journal: Journal) -> Step | None:
    """Returns the tip of the current branch, None when there is no step."""
    view = journal.view()
    branch = view.branches.get(view.current)
    return None if branch is None else journal.step(branch.head)


def covered_of(reader: ObjectReader, step: Step) -> tuple[Covered, ...]:
    """Returns the step's coverage list."""
    return tuple(decode_coverage(_blob(reader, step.coverage_blob)))


def _blob(reader: ObjectReader, oid: Oid | None) -> bytes:
    return b"" if oid is None else reader.read(oid)[1]


def _own_writes(journal: Journal, aim: Aim) -> dict[TrackedPath, PathState]:
    """Returns what the operation that is taken back, or done again, left on disk."""
    if aim.inverts is None:
        return {}
    done = journal.operation(aim.inverts)
    plan = decode_plan(journal.read(oid_from_hex(done.details["plan"]))[1], journal.step)
    return {i.path: i.after for i in plan.items if i.after is not None}


def _uncaptured(
    sink: LayeredObjects,
    context: Context,
    disk: Snapshot,
    target: Snapshot,
    own: Collection[TrackedPath],
) -> dict[TrackedPath, PathState]:
    """Returns what lies on disk, outside any snapshot, where the target or `own` has something."""
    wanted = {b.path for a, b in differing(sink, disk, target) if a is None and b is not None}
    wanted |= {path for path in own if lookup(sink, disk, path) is None}
    states = {path: state_at(context.root, path, sink) for path in wanted}
    return {path: state for path, state in states.items() if state is not None}


def other_sessions(journal: Journal, head: Step, aim: Aim) -> tuple[OtherSession, ...]:
    """Returns the sessions, not the asker's, whose steps the plan would take back.

    Without a named asker, a rollback is the business of the session of the step gone back to, else
    of the only session concerned. Steps without a session are a person's own captures.
    """
    undone = steps_between(journal, head, aim.since or aim.onto)
    counts: dict[str, int] = {}
    for step in undone:
        if step.session is not None and step.kind != "rollback":
            counts[step.session] = counts.get(step.session, 0) + 1
    own = aim.session
    if own is None and aim.kind == "rollback":
        own = aim.step.session or (next(iter(counts)) if len(counts) == 1 else None)
    return tuple(OtherSession(n, count) for n, count in sorted(counts.items()) if n != own)


def steps_between(journal: Journal, head: Step, base: Step) -> list[Step]:
    """Returns the first-parent chain from `head` back to, not including, an ancestor of `base`."""
    below = {base.id}
    found = []
    at: Step | None = head
    while at is not None and at.id not in below and at.seq > base.seq:
        found.append(at)
        at = journal.step(at.parents[0]) if at.parents else None
    return found


def apply_travel(
    writer: JournalWriter,
    context: Context,
    plan: Plan,
    *,
    force: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Executes a plan that was shown.

    Raises:
        DriftError, OtherSessionError: not forced; nothing was changed.
        RefusedError: the branch moved since the plan was made.
        IntegrityError: a target object is damaged; only the safety step was recorded.
    """
    _refuse(writer, context, plan, force)
    onto = plan.target if plan.side == "after" else writer.step(plan.target.parents[0])
    safety, disk = _record_safety(writer, context, plan)
    ready, moved = _still_true(writer, context, plan, disk.snapshot)
    if not ready.items and onto.id == plan.head.id:
        return Applied(plan, False, safety, safety, _failures(plan.keep + moved), 0)
    intent = _begin(writer, ready, onto, safety)
    try:
        outcome = apply_plan(context.root, ready, writer, progress=progress)
    except StepwellError as error:
        summary = f"{plan.kind} to #{plan.target.seq} was given up: {error.message}"
        writer.begin().commit("abandoned", summary, [IntentSet(None)])
        raise
    step, operation = conclude(writer, context, intent, ready, outcome.kept)
    kept = _failures(plan.keep + moved + outcome.kept)
    return Applied(plan, True, safety, step, kept, operation.number)


def _failures(kept: tuple[Kept, ...]) -> tuple[Kept, ...]:
    """Returns the paths that were wanted and not restored; the rest the user's rules decided."""
    return tuple(k for k in kept if not by_policy(k))


def _begin(writer: JournalWriter, plan: Plan, onto: Step, safety: Step) -> Intent:
    transaction = writer.begin()
    blob = transaction.add(BLOB, encode_plan(plan))
    intent = Intent(plan.kind, blob, onto.id, safety.id, {"operation": plan.operation})
    summary = f"began {plan.kind} to #{plan.target.seq}"
    transaction.commit("intent", summary, [IntentSet(intent)])
    return intent


def _refuse(writer: JournalWriter, context: Context, plan: Plan, force: bool) -> None:
    head = require_head(head_step(writer, writer.view()), context.root)
    if head.id != plan.head.id:
        raise RefusedError(
            f"the {plan.kind} was not started: step #{head.seq} was recorded since the preview",
            hint="look at a new preview",
            head=head.id,
        )
    if plan.drift and not force:
        paths = [escape(d.path) for d in plan.drift]
        raise DriftError(
            f"{plural(len(paths), 'path')} to be changed would lose content that is in no step: "
            f"{', '.join(paths[:3])}{' ...' if len(paths) > 3 else ''}",
            hint="run `stepwell capture` first, or give --force: the safety step saves it",
            drift=[{"path": escape(d.path), "reason": d.reason} for d in plan.drift],
        )
    if plan.other_sessions and not force:
        names = ", ".join(o.session for o in plan.other_sessions)
        raise OtherSessionError(
            f"the {plan.kind} would take back later work of another session: {names}",
            hint="give --force to take it back too; `stepwell undo` brings it back",
            other_sessions=[{"session": o.session, "steps": o.steps} for o in plan.other_sessions],
        )


def _record_safety(writer: JournalWriter, context: Context, plan: Plan) -> tuple[Step, Captured]:
    """Returns the step that holds the disk as it is: the head, when it already does."""
    head = plan.head
    also = [i.path for i in plan.items if i.before is not None and i.before.blob is not None]
    transaction = writer.begin()
    sink = CountingSink(transaction)
    captured = take(context, sink, head.snapshot, also)
    if captured.snapshot == head.snapshot:
        transaction.abort()
        return head, captured
    act = Act(title=f"your disk before the {plan.kind} to #{plan.target.seq}", flags=("safety",))
    step = make_step(writer.view(), context, act, head, captured, sink)
    step = replace(step, raw_bytes=transaction.raw_bytes, stored_bytes=transaction.stored_bytes)
    effects: list[Effect] = [StepRecorded(step), BranchSet(advanced(writer.view(), step))]
    transaction.commit("record", f"saved the disk as #{step.seq}", effects)
    return step, captured


def _still_true(
    reader: ObjectReader, context: Context, plan: Plan, disk: Snapshot
) -> tuple[Plan, tuple[Kept, ...]]:
    """Returns the plan without the paths that changed since it was made, and those paths.

    A path that has come to be as the plan wants it is dropped without a word.
    """
    found = {_path(a, b): b for a, b in differing(reader, plan.snapshot, disk)}
    ready, moved = [], []
    for item in plan.items:
        if item.path not in found:
            continue
        entry = found[item.path]
        if entry is None:
            state = state_at(context.root, item.path, LayeredObjects(reader))
        else:
            state = PathState(entry.mode, entry.oid)
        if state == item.before:
            ready.append(item)
        else:
            moved.append(Kept(item.path, "it changed after the preview"))
    return replace(plan, items=tuple(ready)), tuple(moved)


def _path(was: Entry | None, now: Entry | None) -> TrackedPath:
    entry = was or now
    assert entry is not None
    return entry.path
