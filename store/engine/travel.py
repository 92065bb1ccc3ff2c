"""Going back and forth: plan a rollback, undo or redo, and apply it behind a safety step.

The order is the promise (DESIGN section 4): capture the disk as a safety step, write the intent,
change files one by one, verify, write the done record (engine/settle.py, which also recovers).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from stepwell.store.engine.capture import Captured
from stepwell.store.engine.context import Context, Progress, no_progress
from stepwell.store.engine.counting import CountingSink
from stepwell.store.engine.coverage import decode_coverage, decode_rules
from stepwell.store.engine.files import state_at
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.merge.ancestry import merge_bases
from stepwell.store.engine.merge.picks import PicksRequest, plan_picks
from stepwell.store.engine.merge.plan import MergeRequest, plan_merge
from stepwell.store.engine.objects import BLOB, LayeredObjects, ObjectReader, RememberingObjects
from stepwell.store.engine.parents import first_parent
from stepwell.store.engine.partial import Pairs, Part, Scene, plan_part, plan_settled
from stepwell.store.engine.recording import (
    Act,
    advanced,
    make_step,
    require_head,
    take_with,
)
from stepwell.store.engine.refusing import refuse, refuse_while_merging, refuse_without_files
from stepwell.store.engine.rollback import (
    apply_plan,
    by_policy,
    decode_plan,
    encode_plan,
    make_plan,
)
from stepwell.store.engine.settle import conclude
from stepwell.store.engine.snapshots import Difference, by_path, differing, lookup
from stepwell.store.model.errors import FailedError, StepwellError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import (
    Applied,
    Kept,
    OtherSession,
    PathState,
    Plan,
    PlanItem,
    PlanKind,
)
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
    branch: str | None = None
    """The branch that is to be current afterwards; None: as now."""
    part: Part | None = None
    """Only this is put back, as a new step on the present tip; None: everything."""
    merge: MergeRequest | PicksRequest | None = None
    """Of a merge: what is merged, whose tip (or the first of whose tips) `step` and `onto` are."""
    settled: Mapping[TrackedPath, PathState | None] | None = None
    """What the paths of `part` are to be, whatever `onto` has there (conflicts being settled)."""
    contents: tuple[bytes, ...] = ()
    """What `settled` wants and no step holds."""


def plan_travel(journal: Journal, context: Context, aim: Aim) -> tuple[Plan, ObjectReader]:
    """Returns the plan, and a reader that also holds the disk's own content; changes nothing."""
    if aim.part is None:
        refuse_while_merging(journal, aim.kind, aim.operation)
    refuse_without_files(aim.kind, aim.step, aim.onto)
    head = require_head(current_head(journal), context.root)
    reader = LayeredObjects(RememberingObjects(journal))
    disk = context.sight.take(reader, head.snapshot)
    own = _own_writes(journal, aim)
    then = (covered_of(journal, aim.onto), decode_rules(_blob(journal, aim.onto.rules_blob)))

    def draft(pairs: Pairs, asked: Collection[TrackedPath]) -> Plan:
        return make_plan(
            reader,
            own=own,
            pairs=pairs,
            whole=aim.part is None and aim.merge is None,
            kind=aim.kind,
            target=aim.step,
            side=aim.side,
            snapshot=aim.onto.snapshot,
            head=head,
            disk=disk.snapshot,
            disk_covered=disk.covered,
            target_covered=then[0],
            rules_then=then[1],
            other_sessions=(),
            uncaptured=_uncaptured(reader, context, disk.snapshot, pairs, own),
            plan_id=context.randomness(16).hex(),
            operation=aim.operation,
            asked=asked,
        )

    scene = Scene(journal, reader, context.root, head, disk.snapshot, aim.step, aim.onto)
    if isinstance(aim.merge, PicksRequest):
        plan = plan_picks(scene, aim.merge, draft)
    elif aim.merge is not None:
        plan = plan_merge(scene, context, aim.merge, draft)
    elif aim.part is not None and aim.settled is not None:
        plan = plan_settled(scene, aim.part, aim.settled, aim.contents, draft)
    elif aim.part is not None:
        plan = plan_part(scene, aim.part, draft)
    else:
        stays = aim.branch == journal.view().current
        differ = [] if stays else _differing(reader, context, disk.snapshot, aim.onto.snapshot)
        plan = replace(draft(by_path(differ), ()), branch=aim.branch)
    return replace(plan, other_sessions=other_sessions(journal, head, aim, plan)), reader


def _differing(
    reader: ObjectReader, context: Context, disk: Snapshot, onto: Snapshot
) -> list[Difference]:
    known = context.sight.between(disk, onto)
    return differing(reader, disk, onto) if known is None else known


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
    pairs: Pairs,
    own: Collection[TrackedPath],
) -> dict[TrackedPath, PathState]:
    """Returns what lies on disk, outside any snapshot, where something is wanted or is `own`."""
    wanted = {path for path, (was, _) in pairs.items() if was is None}
    wanted |= {path for path in own if lookup(sink, disk, path) is None}
    states = {path: state_at(context.root, path, sink) for path in wanted}
    return {path: state for path, state in states.items() if state is not None}


def other_sessions(journal: Journal, head: Step, aim: Aim, plan: Plan) -> tuple[OtherSession, ...]:
    """Returns the sessions, not the asker's, whose steps the plan would take back.

    Without a named asker, a rollback is the business of the session of the step gone back to, else
    of the only session concerned. Steps without a session are a person's own captures; imported
    ones are nobody's work here. A switch takes nothing back, `only` keeps what came later, and of
    some paths the work on other ones stays; a merge only adds, and settling it is a part of it.
    """
    if aim.branch is not None or plan.only or aim.merge is not None or aim.settled is not None:
        return ()
    undone = steps_between(journal, head, aim.since or aim.onto)
    counts: dict[str, int] = {}
    for step in undone:
        own_work = step.kind != "rollback" and "imported" not in step.flags
        if step.session is not None and own_work and _concerned(journal, step, plan):
            counts[step.session] = counts.get(step.session, 0) + 1
    own = aim.session
    if own is None and aim.kind == "rollback":
        own = aim.step.session or (next(iter(counts)) if len(counts) == 1 else None)
    return tuple(OtherSession(n, count) for n, count in sorted(counts.items()) if n != own)


def _concerned(journal: Journal, step: Step, plan: Plan) -> bool:
    if not plan.paths and not plan.hunks:
        return True
    before = journal.step(step.parents[0]).snapshot if step.parents else None
    changed = by_path(differing(journal, before, step.snapshot))
    return any(item.path in changed for item in plan.items)


def steps_between(journal: Journal, head: Step, base: Step) -> list[Step]:
    """Returns the first-parent chain from `head` back to, not including, an ancestor of `base`."""
    below = {base.id}
    found = []
    at: Step | None = head
    while at is not None and at.id not in below and at.seq > base.seq:
        found.append(at)
        at = first_parent(journal, at)
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
        ConflictError: the plan has conflicts, and is no merge that leaves them on disk.
        RefusedError: the branch moved since the plan was made.
        IntegrityError: a target object is damaged; only the safety step was recorded.
    """
    refuse(writer, context, plan, force)
    onto = plan.target if plan.side == "after" else writer.step(plan.target.parents[0])
    goes = _moves_branch(writer, plan, onto)
    if not plan.items and not goes:
        return Applied(plan, False, plan.head, plan.head, _failures(plan.keep), 0)
    safety, disk = _record_safety(writer, context, plan)
    ready, moved = _still_true(writer, context, plan, disk.snapshot)
    if not ready.items and not goes:
        return Applied(plan, False, safety, safety, _failures(plan.keep + moved), 0)
    intent = _begin(writer, ready, onto, safety)
    try:
        done = apply_plan(
            context.root,
            ready,
            context.tiers.over(writer),
            store=context.store,
            seen=context.sight.seen(item.path for item in ready.items),
            progress=progress,
        )
    except StepwellError as error:
        _abandon(writer, plan, error)
        raise
    try:
        step, operation = conclude(
            writer, context, intent, ready, lambda: done.settle().kept, placed=done.placed
        )
    except Exception:
        done.settle()
        raise
    finally:
        done.close()
    outcome = done.settle()
    kept = _failures(plan.keep + moved + outcome.kept)
    return Applied(plan, True, safety, step, kept, operation.number)


def _moves_branch(writer: JournalWriter, plan: Plan, onto: Step) -> bool:
    """Tells whether the plan changes where branches are, even when no file has to change."""
    if plan.branch not in (None, writer.view().current):
        return True
    if plan.is_whole_merge:
        return plan.target not in merge_bases(writer, plan.head, plan.target)
    return not plan.partial and onto.id != plan.head.id


def _failures(kept: tuple[Kept, ...]) -> tuple[Kept, ...]:
    """Returns the paths that were wanted and not restored; the rest the user's rules decided."""
    return tuple(k for k in kept if not by_policy(k))


def _begin(writer: JournalWriter, plan: Plan, onto: Step, safety: Step) -> Intent:
    transaction = writer.begin()
    for content in plan.contents:
        transaction.add(BLOB, content)
    blob = transaction.add(BLOB, encode_plan(plan))
    intent = Intent(plan.kind, blob, onto.id, safety.id, {"operation": plan.operation})
    summary = f"began {plan.kind} to #{plan.target.seq}"
    transaction.commit("intent", summary, [IntentSet(intent)])
    return intent


def _abandon(writer: JournalWriter, plan: Plan, error: StepwellError) -> None:
    """Withdraws the intent; where that cannot be written either, the error says what follows."""
    summary = f"{plan.kind} to #{plan.target.seq} was given up: {error.message}"
    try:
        writer.begin().commit("abandoned", summary, [IntentSet(None)])
    except FailedError:
        error.hint = (
            f"nothing was changed yet; the next command that writes tries the {plan.kind} again, "
            "`stepwell undo` takes it back"
        )


def _record_safety(writer: JournalWriter, context: Context, plan: Plan) -> tuple[Step, Captured]:
    """Returns the step that holds the disk as it is: the head, when it already does."""
    head = plan.head
    also = [i.path for i in plan.items if i.before is not None and i.before.blob is not None]
    transaction = writer.begin()
    sink = CountingSink(transaction)
    captured = take_with(context, sink, head.snapshot, also)
    if captured.snapshot == head.snapshot:
        transaction.abort()
        context.sight.keep(captured)
        return head, captured
    act = Act(title=f"your disk before the {plan.kind} to #{plan.target.seq}", flags=("safety",))
    step = make_step(writer.view(), context, act, head, captured, sink)
    step = replace(step, raw_bytes=transaction.raw_bytes, stored_bytes=transaction.stored_bytes)
    effects: list[Effect] = [StepRecorded(step), BranchSet(advanced(writer.view(), step))]
    transaction.commit("record", f"saved the disk as #{step.seq}", effects)
    context.sight.keep(captured)
    return step, captured


def _still_true(
    reader: ObjectReader, context: Context, plan: Plan, disk: Snapshot
) -> tuple[Plan, tuple[Kept, ...]]:
    """Returns the plan without the paths that changed since it was made, and those paths.

    A path that has come to be as the plan wants it is dropped without a word.
    """
    ready, moved = [], []
    for item, state in _present(reader, context, plan, disk):
        if state == item.before:
            ready.append(item)
        elif state != item.after:
            moved.append(Kept(item.path, "it changed after the preview"))
    content = disk if plan.partial else plan.snapshot
    return replace(plan, items=tuple(ready), snapshot=content), tuple(moved)


def _present(
    reader: ObjectReader, context: Context, plan: Plan, disk: Snapshot
) -> Iterator[tuple[PlanItem, PathState | None]]:
    """Yields the plan's items with what is on disk now."""
    if disk == plan.disk:
        yield from ((item, item.before) for item in plan.items)
        return
    # Of a whole plan only what still differs is looked up: it may speak of every file there is.
    differ = None if plan.partial else by_path(differing(reader, plan.snapshot, disk))
    for item in plan.items:
        if differ is not None and item.path not in differ:
            yield item, item.after
            continue
        entry = lookup(reader, disk, item.path) if differ is None else differ[item.path][1]
        if entry is None:
            yield item, state_at(context.root, item.path, LayeredObjects(reader))
        else:
            yield item, PathState(entry.mode, entry.oid)
