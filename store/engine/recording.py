"""Recording a step: capture the workspace, then commit the step as one operation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from stepwell.store.engine.branching import named_branch
from stepwell.store.engine.capture import Captured
from stepwell.store.engine.checkpoints import before_step
from stepwell.store.engine.context import Context
from stepwell.store.engine.counting import CountingSink, count_changes, pairs_since
from stepwell.store.engine.files import Placed, state_at
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.objects import BLOB, MemoryObjects, ObjectReader, ObjectSink
from stepwell.store.engine.sight import NONE_PLACED
from stepwell.store.engine.snapshots import Entry
from stepwell.store.engine.statedocs import documents_of, state_text, with_state
from stepwell.store.model.errors import IntegrityError, StepwellError
from stepwell.store.model.ids import Oid, mint_step_id
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.plans import PathState
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    CoverageCounts,
    Covered,
    Effect,
    Mark,
    MarkSet,
    Note,
    Snapshot,
    Step,
    StepKind,
    StepRecorded,
    StepResult,
    View,
)
from stepwell.store.model.text import one_line, plural

FIRST_BRANCH = "main"

_LOST = frozenset({"unreadable", "too_long", "unstable"})


@dataclass(frozen=True, slots=True)
class Act:
    """What a step says besides what the files hold."""

    title: str = ""
    """Empty: made from the names of the changed files."""
    kind: StepKind = "capture"
    session: str | None = None
    turn: int | None = None
    tool: str | None = None
    model: str | None = None
    prompt: str | None = None
    input: str | None = None
    result_text: str | None = None
    result: StepResult | None = None
    flags: tuple[str, ...] = ()
    mark: Mark | None = None
    """The step is a checkpoint from the start."""
    call: str | None = None
    """The agent's own id of the call or turn."""
    state: str | None = None
    """The session's state documents from now on (`statedocs.state_text`); None: as before."""


def plain_act(
    title: str = "",
    session: str | None = None,
    tags: Sequence[str] = (),
    label: str | None = None,
    state: Mapping[str, Any] | None = None,
    note: Note | None = None,
) -> Act:
    """Returns a plain capture, a checkpoint with label, tags or note, with a session's state documents.

    Raises:
        UsageError: the state is no JSON, or too large.
    """
    notes = () if note is None else (note,)
    mark = Mark(label, notes, tuple(dict.fromkeys(tags))) if label or tags or notes else None
    text = None if state is None else state_text(state)
    return Act(title, session=session, mark=mark, state=text)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a capture led to."""

    step: Step
    """The new step, or the head when nothing differed."""
    unchanged: bool = False
    covered: tuple[Covered, ...] = ()

    @property
    def lost(self) -> tuple[Covered, ...]:
        """Paths that policy wanted and that were not stored, or not surely."""
        return tuple(c for c in self.covered if c.reason in _LOST)


def head_step(writer: JournalWriter, view: View) -> Step | None:
    """Returns the tip of the current branch; None in a store without steps."""
    branch = view.branches.get(view.current)
    return None if branch is None else writer.step(branch.head)


def take_with(
    context: Context,
    sink: ObjectSink,
    base: Snapshot,
    also: Collection[TrackedPath],
    *,
    among: Collection[TrackedPath] | None = None,
    placed: Mapping[bytes, Placed] = NONE_PLACED,
) -> Captured:
    """Captures the workspace as its Sight does, with what rules ignore and `base` has just as it is.

    A change of the workspace must not make a step forget what it did not touch.
    """
    captured = context.sight.take(sink, base, also, among=among, placed=placed)
    pairs = pairs_since(sink, base, captured.snapshot, captured.since)
    gone = [was for was, now in pairs if now is None and was is not None]
    same = [e.path for e in gone if e.oid is not None and _lies_there(context, e)]
    if not same:
        return captured
    return context.sight.take(sink, base, [*also, *same], among=among, placed=placed)


def _lies_there(context: Context, entry: Entry) -> bool:
    found = state_at(context.root, entry.path, MemoryObjects())
    return found == PathState(entry.mode, entry.oid)


def record(
    writer: JournalWriter,
    context: Context,
    act: Act,
    *,
    only_changes: bool = False,
    branch: str | None = None,
    also: Collection[TrackedPath] = (),
) -> Recorded:
    """Captures and records one step on the current branch, or on another one of another root.

    `also` names files that are stored although ignored.

    Nothing is recorded when nothing differs from the head and the act is a plain capture without a
    mark, or `only_changes` is asked for. When the capture itself fails, a gap is recorded with the reason and the
    error goes on to the caller.

    Raises:
        NotFoundError: there is no such branch.
    """
    view = writer.view()
    if branch is not None:
        named_branch(view, branch)
        view = replace(view, current=branch)
    head = head_step(writer, view)
    transaction = writer.begin()
    sink = CountingSink(transaction)
    try:
        captured = context.sight.take(sink, head.snapshot if head else None, also)
    except StepwellError as error:
        transaction.abort()
        _record_gap(writer, context, act, None if branch else head, error)
        raise
    plain = act.kind == "capture" and act.mark is None
    if head is not None and (plain or only_changes) and _same(transaction, captured, act, head):
        transaction.abort()
        context.sight.keep(captured)
        marked = replace(head, checkpoint=view.marks.get(head.id))
        return Recorded(marked, True, captured.covered)
    step = make_step(view, context, act, head, captured, sink)
    step = replace(step, raw_bytes=transaction.raw_bytes, stored_bytes=transaction.stored_bytes)
    effects: list[Effect] = [StepRecorded(step), BranchSet(advanced(view, step))]
    mark = act.mark and replace(act.mark, created_ns=step.time_ns)
    if mark is not None:
        effects.append(MarkSet(step.id, mark))
    if branch is None and step.changes.files:
        old = head.snapshot if head else None
        pairs = pairs_since(sink, old, captured.snapshot, captured.since)
        effects.extend(before_step(context, view, head, step, pairs))
    transaction.commit("record", f"recorded #{step.seq} {step.title}", effects, session=act.session)
    context.sight.keep(captured)
    context.tiers.note(step)
    return Recorded(replace(step, checkpoint=mark), False, captured.covered)


def _same(reader: ObjectReader, captured: Captured, act: Act, head: Step) -> bool:
    """Tells whether neither files nor state differ from the head's."""
    if captured.snapshot != head.snapshot:
        return False
    if act.state is None:
        return True
    return state_text(documents_of(reader, head.state, act.session)) == act.state


def advanced(view: View, step: Step) -> Branch:
    """Returns the step's branch with the step as its head."""
    branch = view.branches.get(step.branch)
    if branch is None:
        return Branch(step.branch, step.id)
    return replace(branch, head=step.id)


def make_step(
    view: View,
    context: Context,
    act: Act,
    parent: Step | None,
    captured: Captured,
    sink: CountingSink,
) -> Step:
    """Returns the next step with `parent` as its only parent; texts are added to the sink."""
    old = parent.snapshot if parent else None
    counts = count_changes(sink, old, captured.snapshot, captured.since)
    return Step(
        id=mint_step_id(context.randomness),
        seq=view.last_seq + 1,
        branch=view.current if view.branches else FIRST_BRANCH,
        parents=(parent.id,) if parent else (),
        kind=act.kind,
        title=one_line(act.title) or _title(sink, old, captured),
        time_ns=context.clock(),
        snapshot=captured.snapshot,
        session=act.session,
        agent=act.session.partition(":")[0] if act.session else None,
        turn=act.turn,
        tool=act.tool,
        changes=counts,
        coverage=captured.counts,
        coverage_blob=captured.coverage_blob,
        rules_blob=captured.rules_blob,
        prompt=_text(sink, act.prompt),
        input=_text(sink, act.input),
        result_text=_text(sink, act.result_text),
        state=with_state(sink, parent.state if parent else None, act.session, act.state),
        result=act.result,
        model=act.model,
        call=act.call,
        flags=act.flags + (("unstable",) if captured.counts.unstable else ()),
    )


def _text(sink: ObjectSink, text: str | None) -> Oid | None:
    if text is None:
        return None
    try:
        return sink.add(BLOB, text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        # JSON may hold halves of surrogate pairs, which no encoding has.
        return sink.add(BLOB, text.encode("utf-8", "backslashreplace"))


def _title(sink: ObjectSink, old: Snapshot | None, captured: Captured) -> str:
    if old is None:
        return "first capture"
    pairs = pairs_since(sink, old, captured.snapshot, captured.since)
    paths = [(b or a) for a, b in pairs]
    files = [e.path for e in paths if e is not None and e.oid is not None]
    if not files:
        return "folders and modes" if paths else "no change"
    names = [escape(p.rpartition(b"/")[2]) for p in files[:2]]
    rest = f" and {plural(len(files) - 2, 'more file')}" if len(files) > 2 else ""
    return one_line(", ".join(names) + rest)


def _record_gap(
    writer: JournalWriter, context: Context, act: Act, head: Step | None, error: StepwellError
) -> None:
    """Leaves a visible gap; when even that cannot be written the first error is the one to see."""
    if head is not None:
        with suppress(StepwellError):
            note_gap(writer, context, act, error.message)


def note_gap(writer: JournalWriter, context: Context, act: Act, reason: str) -> Step:
    """Records that a step is missing, and why; its snapshot is the head's.

    Raises:
        FailedError: it cannot be written, or the store has no step yet.
    """
    view = writer.view()
    head = require_head(head_step(writer, view), context.root)
    step = Step(
        id=mint_step_id(context.randomness),
        seq=view.last_seq + 1,
        branch=view.current,
        parents=(head.id,),
        kind="gap",
        title=one_line(act.title) or "not captured",
        state=head.state,
        time_ns=context.clock(),
        snapshot=head.snapshot,
        session=act.session,
        agent=act.session.partition(":")[0] if act.session else None,
        turn=act.turn,
        tool=act.tool,
        call=act.call,
        coverage=CoverageCounts(),
        reason=one_line(reason, 300),
        flags=("gap",),
    )
    with writer.begin() as transaction:
        transaction.commit(
            "gap",
            f"could not capture: {step.reason}",
            [StepRecorded(step), BranchSet(advanced(view, step))],
            session=act.session,
        )
    return step


def require_head(head: Step | None, root: bytes) -> Step:
    """Returns the head; raises IntegrityError without one: every finished store has a step."""
    if head is None:
        raise IntegrityError(
            f"the history of {escape(root)} cannot be read: no step of it is left",
            hint="`stepwell verify` names what is damaged; put it back from a backup",
            path=escape(root),
        )
    return head
