"""A prune: gathering what the choice needs, telling what would go, and taking it out of sight.

Nothing is removed here. The steps are hidden by one operation, which undo takes back until `gc` has
removed what they alone need (engine/pruning/sweep.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial

from stepwell.store.engine.checkpoints import DEPENDENCIES, is_automatic
from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.diff import is_binary
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.pruning.choose import DAY_NS, choose, counted, over_limit
from stepwell.store.engine.pruning.due import undo_needs
from stepwell.store.engine.pruning.fold import Edit, FoldFacts, fold_steps
from stepwell.store.engine.pruning.needed import kept_steps
from stepwell.store.engine.pruning.reach import Reach, stored_bytes
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.snapshots import differing
from stepwell.store.engine.view import TRAVEL_KINDS
from stepwell.store.model.errors import IntegrityError, NotFoundError, RefusedError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.retention import Policy, Prune, PruneStep, StepFacts, Verdict
from stepwell.store.model.seqs import holds, seqs_of
from stepwell.store.model.steps import Step, StepRecorded, StepsDropped, View
from stepwell.store.model.text import plural

_MOST_EDITS = 20
"""Paths of a step that folding looks at."""
_LARGEST_TEXT = 1 << 20
_TEXTS = 32
"""Texts that are remembered while folding looks at a turn."""


def plan_prune(
    journal: Journal, policy: Policy, clock_ns: int, *, progress: Progress = no_progress
) -> Prune:
    """Returns what a prune would drop, and why; changes nothing.

    Raises:
        RefusedError: the clock is more than a day behind the newest step, so that one of them
            cannot be right.
        IntegrityError: steps cannot be read, so that it is not known what they need.
    """
    steps = {step.id: step for step in shown_steps(journal)}
    now = _latest(steps.values(), clock_ns)
    held = _held(journal, steps, now, now - policy.safety_days * DAY_NS)
    if policy.fold:
        return _folded(journal, steps, held, policy)
    verdicts = choose([_facts(step, held) for step in steps.values()], policy, now)
    return _sized(journal, steps, verdicts, policy, progress)


def drop(writer: JournalWriter, plan: Prune, policy: Policy, clock_ns: int) -> Prune:
    """Takes the steps that a plan names out of sight; raises when writing fails.

    The plan was made without the lock: what something holds since then stays, and what is dropped
    already does not count.
    """
    view = writer.view()
    held = _held(writer, {}, clock_ns, clock_ns - policy.safety_days * DAY_NS)
    going = tuple(
        one for one in plan.dropped if one.step not in held and not holds(view.dropped, one.seq)
    )
    if not going:
        return replace(plan, dropped=())
    seqs = seqs_of(one.seq for one in going)
    operation = writer.begin().commit(
        "prune",
        f"{'folded' if policy.fold else 'dropped'} {plural(len(going), 'step')}",
        [StepsDropped(seqs, True)],
        inverse=[StepsDropped(seqs, False)],
        details={
            "steps": len(going),
            "bytes": plan.bytes_freed,
            "folded": [list(pair) for pair in plan.folded],
        },
    )
    return replace(plan, dropped=going, operation=operation.number)


def shown_steps(journal: Journal) -> Iterator[Step]:
    """Yields the steps that are not dropped, as they are shown, in the order of their recording."""
    shown = Shown(journal, journal.view().dropped)
    for operation in journal.operations():
        for effect in operation.effects:
            if isinstance(effect, StepRecorded):
                if shown.is_dropped(effect.step):
                    shown.pass_over(effect.step)
                else:
                    yield shown.linked(effect.step)


def _latest(steps: Iterable[Step], clock_ns: int) -> int:
    """Returns the time that ages are counted from: that of the latest step, not that of the clock.

    A clock that leapt ahead makes nothing old before work is recorded under it; once it is put
    right, its steps are ahead of it.
    """
    latest = max(steps, key=lambda step: step.time_ns, default=None)
    if latest is None:
        return clock_ns
    ahead = latest.time_ns - clock_ns
    if ahead > DAY_NS:
        raise RefusedError(
            f"nothing was pruned: the clock is {plural(ahead // DAY_NS, 'day')} behind step "
            f"#{latest.seq}, so that ages cannot be trusted",
            hint="set the clock right; if that step's time is wrong, wait until its date is reached",
            step=latest.id,
        )
    return latest.time_ns


def _held(
    journal: Journal, steps: Mapping[StepId, Step], now: int, since_ns: int
) -> dict[StepId, str]:
    """Returns why steps must stay; of several reasons the one a person would name first."""
    view = journal.view()
    held: dict[StepId, str] = {}
    for step in steps.values():
        if len(step.parents) > 1:
            held[step.id] = "a merge"
    for seen in _undo_needs(journal, view, since_ns):
        held[seen] = "undo needs it"
    for point in _branch_points(steps, view):
        held[point] = "a branch point"
    for name, newest in view.sessions.items():
        held[newest] = f"the newest of session {name}"
    held |= _under_way(view)
    held |= _of_branches(view)
    held |= _marked(steps, view, now)
    return held


def _marked(steps: Mapping[StepId, Step], view: View, now: int) -> dict[StepId, str]:
    """Returns what marks hold; one that was made before a large change holds as long as its session."""
    after = {step.parents[0]: step for step in steps.values() if step.parents}
    held: dict[StepId, str] = {}
    for marked, mark in view.marks.items():
        if mark.milestone is not None:
            held[marked] = "a milestone"
        elif not is_automatic(mark) or DEPENDENCIES in mark.tags:
            held[marked] = "marked"
        elif marked in after and _goes_on(after[marked], steps, view, now):
            held[marked] = "marked for as long as its session goes on"
    return held


def _goes_on(step: Step, steps: Mapping[StepId, Step], view: View, now: int) -> bool:
    """Tells whether a step's session recorded anything within a day of the latest work."""
    newest = steps.get(view.sessions.get(step.session or "", step.id), step)
    return now - newest.time_ns < DAY_NS


def _of_branches(view: View) -> dict[StepId, str]:
    held: dict[StepId, str] = {}
    for one in view.experiments.values():
        held |= {c.head: f"a candidate of experiment {one.name}" for c in one.candidates}
        held[one.base] = f"the base of experiment {one.name}"
    branches = view.branches.values()
    held |= {b.base: f"where branch {b.name} began" for b in branches if b.base is not None}
    return held | {b.head: f"the tip of branch {b.name}" for b in branches}


def _under_way(view: View) -> dict[StepId, str]:
    found: dict[StepId, str] = {}
    if view.intent is not None:
        found |= dict.fromkeys((view.intent.target, view.intent.safety), "a rollback is under way")
    if view.merging is not None:
        found |= dict.fromkeys((view.merging.ours, view.merging.theirs), "a merge is under way")
    return found


def _undo_needs(journal: Journal, view: View, since_ns: int) -> Iterator[StepId]:
    """Yields the steps that undo or redo of a travel since then would go to."""
    for entry in view.undoables:
        if entry.kind not in TRAVEL_KINDS:
            continue
        for number in {entry.number, entry.done_by or entry.number}:
            with suppress(IntegrityError, NotFoundError):
                done = journal.operation(number)
                if done.time_ns >= since_ns:
                    yield from undo_needs(journal, done)


def _branch_points(steps: Mapping[StepId, Step], view: View) -> Iterator[StepId]:
    """Yields the steps at which the pasts of two branches meet."""
    children: Counter[StepId] = Counter()
    reached: set[StepId] = set()
    stack = [branch.head for branch in view.branches.values()]
    while stack:
        identity = stack.pop()
        step = steps.get(identity)
        if step is None or identity in reached:
            continue
        reached.add(identity)
        children.update(step.parents)
        stack.extend(step.parents)
    yield from (step for step, count in children.items() if count > 1)


def _facts(step: Step, held: Mapping[StepId, str]) -> StepFacts:
    flags = step.flags
    return StepFacts(
        step.id,
        step.seq,
        step.time_ns,
        step.session,
        "safety" in flags,
        "imported" in flags,
        held.get(step.id, ""),
    )


def _folded(
    journal: Journal, steps: Mapping[StepId, Step], held: Mapping[StepId, str], policy: Policy
) -> Prune:
    facts = [_fold_facts(journal, step, held) for step in steps.values()]
    gone = {one.step: one for one in fold_steps(facts, lru_cache(_TEXTS)(partial(_text, journal)))}
    verdicts = [
        Verdict(step.id, step.seq, False, gone[step.id].reason)
        if step.id in gone
        else Verdict(step.id, step.seq, True, held.get(step.id) or "nothing to fold", True)
        for step in steps.values()
    ]
    counts = Counter(one.into for one in gone.values())
    told = _told(journal, steps, verdicts, policy)
    dropped = tuple(replace(one, into=gone[one.step].into) for one in told.dropped)
    return replace(told, dropped=dropped, folded=tuple(sorted(counts.items())))


def _fold_facts(journal: Journal, step: Step, held: Mapping[StepId, str]) -> FoldFacts:
    turn = None if step.session is None or step.turn is None else (step.session, step.turn)
    foldable = step.kind in ("tool", "capture") and "safety" not in step.flags
    return FoldFacts(
        step.id,
        step.seq,
        step.parents[0] if len(step.parents) == 1 else None,
        step.time_ns,
        turn,
        step.snapshot,
        _edits(journal, step) if turn is not None else None,
        not foldable or step.id in held,
    )


def _edits(journal: Journal, step: Step) -> tuple[Edit, ...] | None:
    """Returns what a step did to which paths; None when that is much, or cannot be told."""
    if len(step.parents) != 1 or step.changes.files > _MOST_EDITS:
        return None
    before = journal.step(step.parents[0]).snapshot
    pairs = differing(journal, before, step.snapshot)
    if len(pairs) > _MOST_EDITS:
        return None
    return tuple(
        Edit(entry.path, a.oid if a else None, b.oid if b else None)
        for a, b in pairs
        if (entry := b or a)
    )


def _text(journal: Journal, blob: Oid) -> bytes | None:
    """Returns a blob when it is a text of moderate size that can be read."""
    try:
        content = journal.read(blob)[1]
    except IntegrityError:
        return None
    return None if len(content) > _LARGEST_TEXT or is_binary(content) else content


def _sized(
    journal: Journal,
    steps: Mapping[StepId, Step],
    verdicts: list[Verdict],
    policy: Policy,
    progress: Progress,
) -> Prune:
    """Counts what the steps that stay need, and takes more of them while that is over the limit."""
    other = 0 if policy.max_bytes is None else _bytes_beside_content(journal)
    reach, size, total = Reach(journal, strict=False), other, len(verdicts)
    decided: list[Verdict] = []
    full = False
    for done, one in enumerate(sorted(verdicts, key=lambda v: not v.pinned)):
        progress("measuring", done, total)
        if one.keep:
            new = stored_bytes(journal, reach.add(steps[one.step]))
            full = full or (_is_over(size + new, policy) and not one.pinned)
            if full and not one.pinned:
                one = over_limit(one)
            else:
                size += new
        decided.append(one)
    return replace(_told(journal, steps, decided, policy), bytes_other=other)


def _bytes_beside_content(journal: Journal) -> int:
    """Returns what operations, commits, indexes and frames take; most of it stays for ever."""
    reach = Reach(journal, strict=False)
    content = sum(
        stored_bytes(journal, reach.add(step)) for step in kept_steps(journal.operations(), ())
    )
    segments = sum(segment.size() for segment in journal.segments())
    packs = journal.sealed.packs.file_bytes() if journal.sealed.last else 0
    return max(0, segments + packs - content)


def _is_over(size: int, policy: Policy) -> bool:
    return policy.max_bytes is not None and size > policy.max_bytes


def _told(
    journal: Journal, steps: Mapping[StepId, Step], decided: list[Verdict], policy: Policy
) -> Prune:
    reach = Reach(journal, strict=False)
    kept = sum(stored_bytes(journal, reach.add(steps[one.step])) for one in decided if one.keep)
    gone = sorted((one for one in decided if not one.keep), key=lambda one: one.seq)
    freed = sum(stored_bytes(journal, reach.add(steps[one.step])) for one in gone)
    dropped = tuple(
        PruneStep(one.step, one.seq, steps[one.step].time_ns, steps[one.step].title, one.reason)
        for one in gone
    )
    return Prune(dropped, counted(decided), freed, kept, policy.max_bytes, policy.grace_minutes)
