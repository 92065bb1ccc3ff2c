"""Ending a change of the workspace: the done record, and recovery of what a crash interrupted.

`conclude` builds the done record for an undisturbed run and for a recovered one, so that the two
cannot differ. It captures the disk as it is then: the record says what is there, not what was
meant. After an undisturbed run only what the plan speaks of is looked at once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stepwell.store.engine import wording
from stepwell.store.engine.capture import Captured
from stepwell.store.engine.context import Context
from stepwell.store.engine.counting import CountingSink
from stepwell.store.engine.files import Placed
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.parents import first_parent
from stepwell.store.engine.recording import Act, make_step, take_with
from stepwell.store.engine.rollback import decode_plan, recover_plan
from stepwell.store.engine.rollback.staging import abandon
from stepwell.store.engine.sight import NONE_PLACED
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import StepId
from stepwell.store.model.paths import ROOT, escape
from stepwell.store.model.plans import Kept, Plan, Recovery
from stepwell.store.model.steps import (
    Branch,
    BranchDropped,
    BranchSet,
    CurrentSet,
    Effect,
    Intent,
    IntentSet,
    Merging,
    MergingSet,
    Operation,
    OperationUndone,
    Step,
    StepRecorded,
    View,
)


def recover(writer: JournalWriter, context: Context) -> Recovery | None:
    """Finishes, or takes back, the change that the View's intent names; None without one."""
    intent = writer.view().intent
    if intent is None:
        return None
    try:
        plan = decode_plan(writer.read(intent.plan)[1], writer.step)
    except IntegrityError:
        return _give_up(writer, context, intent)
    done = recover_plan(context.root, plan, writer, store=context.store)
    if done.finished:
        _, operation = conclude(writer, context, intent, plan, lambda: done.kept, recovered=True)
        return Recovery(intent.kind, True, done.kept, operation.number)
    operation = writer.begin().commit(
        "recover", f"took back an interrupted {intent.kind}", [IntentSet(None)]
    )
    return Recovery(intent.kind, False, done.kept, operation.number)


def _give_up(writer: JournalWriter, context: Context, intent: Intent) -> Recovery:
    """Leaves the disk as it is when the plan itself cannot be read; the safety step has the rest.

    Failing here instead would stop every later command on damage that none of them can mend.
    """
    seq = writer.step(intent.safety).seq
    why = f"the plan of an interrupted {intent.kind} is damaged; your disk before it is step #{seq}"
    rest = abandon(context.store, writer.has)
    operation = writer.begin().commit("recover", why, [IntentSet(None)])
    saved = (f"somebody may have saved what is in {escape(where)}" for where in rest)
    kept = (Kept(ROOT, reason) for reason in (why, *saved))
    return Recovery(intent.kind, False, tuple(kept), operation.number)


def conclude(
    writer: JournalWriter,
    context: Context,
    intent: Intent,
    plan: Plan,
    settle: Callable[[], tuple[Kept, ...]],
    *,
    placed: Mapping[bytes, Placed] = NONE_PLACED,
    recovered: bool = False,
) -> tuple[Step, Operation]:
    """Commits the done record and returns the branch's new tip and the operation.

    `settle` returns what was not restored, once all changes are durable: it is called after the
    disk was looked at and before the record is written. `placed` are files as they were put in place.
    """
    base = writer.step(intent.safety if plan.partial else intent.target)
    transaction = writer.begin()
    sink = CountingSink(transaction)
    # What was written counts as captured even where rules that had to stay ignore it: otherwise
    # the step would lack what it restored, and a redo could not bring it.
    written = [i.path for i in plan.items if i.after is not None and i.after.blob is not None]
    among = None if recovered else [i.path for i in plan.items]
    captured = take_with(context, sink, base.snapshot, written, among=among, placed=placed)
    kept = settle()
    view = writer.view()
    tip = base
    effects: list[Effect] = []
    if _is_new(intent, plan, base, captured):
        act = Act(title=wording.title(plan), kind=wording.step_kind(plan))
        tip = make_step(view, context, act, base, captured, sink)
        tip = replace(tip, branch=plan.branch or view.current)
        if plan.is_whole_merge and not plan.conflicts:
            tip = replace(tip, parents=(base.id, plan.target.id))
        tip = replace(tip, raw_bytes=transaction.raw_bytes, stored_bytes=transaction.stored_bytes)
        effects.append(StepRecorded(tip))
    moved = _moved(writer, view, plan, tip, intent.safety)
    effects += [*moved.effects, *_undone(plan), *_merging(writer, plan, intent), IntentSet(None)]
    operation = transaction.commit(
        intent.kind,
        wording.summary(plan, recovered),
        effects,
        details={
            "before": intent.safety,
            "after": tip.id,
            "target": plan.target.id,
            "branch": view.current,
            "to": plan.branch or view.current,
            "kept_branch": moved.kept,
            "operation": plan.operation,
            "plan": intent.plan.hex(),
            "partial": plan.partial,
            "recovered": recovered,
            "not_restored": len(kept),
        },
    )
    context.sight.keep(captured)
    if tip is not base:
        context.tiers.note(tip)
    return tip, operation


def _is_new(intent: Intent, plan: Plan, base: Step, captured: Captured) -> bool:
    """Tells whether a step is recorded: always of a rollback, of a switch when something stayed."""
    if intent.kind == "switch":
        return captured.snapshot != base.snapshot
    return intent.kind == "rollback" or plan.partial


@dataclass(frozen=True, slots=True)
class _Moved:
    """How branches move; `kept` is the name of the branch that keeps the old tip, if any."""

    kept: str | None
    effects: tuple[Effect, ...]


def _moved(journal: Journal, view: View, plan: Plan, tip: Step, old_tip: StepId) -> _Moved:
    if plan.branch is not None and plan.branch != view.current:
        to = replace(view.branches[plan.branch], head=tip.id)
        return _Moved(None, (BranchSet(to), CurrentSet(to.name)))
    if plan.partial:
        return _Moved(None, (BranchSet(replace(view.branches[view.current], head=tip.id)),))
    return _keep_future(journal, view, tip, old_tip)


def _undone(plan: Plan) -> list[Effect]:
    if plan.operation is None:
        return []
    return [OperationUndone(plan.operation, plan.kind == "undo")]


def _merging(journal: Journal, plan: Plan, intent: Intent) -> list[Effect]:
    """Returns what becomes of a merge under way: begun, taken back, or begun again."""
    if plan.leaves_conflicts:
        begun = Merging(plan.merged or "", intent.safety, plan.target.id, intent.plan)
        return [MergingSet(begun)]
    if plan.operation is None:
        return []
    was = journal.view().merging
    if plan.kind == "undo":
        return [MergingSet(None)] if was and was.operation == plan.operation else []
    effects = journal.operation(plan.operation).effects
    return [
        MergingSet(replace(e.merging, operation=plan.operation))
        for e in effects
        if isinstance(e, MergingSet) and e.merging is not None
    ]


def _keep_future(journal: Journal, view: View, tip: Step, old_tip: StepId) -> _Moved:
    """Moves the current branch to `tip` and keeps the old tip as `NAME.N` unless it is reached.

    Kept branches that the new tip reaches are dropped: they would name nothing of their own. The
    old tip reached none of them, so that only steps which it did not reach either are looked at.
    """
    name = view.current
    kept = [b for b in view.branches.values() if b.kept and b.name.startswith(name + ".")]
    reached = _newly_reached(journal, tip, journal.step(old_tip))
    effects: list[Effect] = [BranchDropped(b.name) for b in kept if b.head in reached]
    branch = replace(view.branches[name], head=tip.id)
    effects += [BranchSet(branch), CurrentSet(name)]
    if old_tip in reached:
        return _Moved(None, tuple(effects))
    future = Branch(
        _free_name(view, name),
        old_tip,
        tip.parents[0] if tip.parents else tip.id,
        True,
    )
    return _Moved(future.name, (*effects, BranchSet(future)))


def _free_name(view: View, name: str) -> str:
    """Returns `NAME.N`, above all numbers in use: by kept branches and by those that people made."""
    taken = (other[len(name) + 1 :] for other in view.branches if other.startswith(name + "."))
    numbers = (part for rest in taken if (part := rest.partition("/")[0]).isdecimal())
    return f"{name}.{max(map(int, numbers), default=0) + 1}"


def _newly_reached(journal: Journal, tip: Step, old_tip: Step) -> set[StepId]:
    """Returns the steps from `tip` back to the first one that `old_tip` reaches, too, or is."""
    reached: set[StepId] = set()
    mine: Step | None = tip
    other: Step | None = old_tip
    while mine is not None:
        reached.add(mine.id)
        while other is not None and other.seq > mine.seq:
            other = first_parent(journal, other)
        if other is not None and other.id == mine.id:
            break
        mine = first_parent(journal, mine)
    return reached
