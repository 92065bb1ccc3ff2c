"""The facts of a report, gathered from a workspace; nothing here knows a form to tell them in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepwell.store.model.changes import Change
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.ids import StepId
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.reader import WorkspaceReader

_PAGE = 500
_BYSTANDERS = frozenset({"outside", "rollback", "merge"})
"""Kinds that belong to the story of a session although they carry no session."""


@dataclass(frozen=True, slots=True)
class Told:
    """A step of the report."""

    step: Step
    kept: bool
    """It is on the current branch's line, so the files still come from it."""
    tier: str
    """Where its content lies now: L1, L2 or L3."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one prompt led to; the steps before the first prompt make a turn without one."""

    number: int | None
    prompt: str | None
    steps: tuple[Told, ...]
    """Oldest first; the prompt's own step is among them."""

    @property
    def commands(self) -> int:
        """Steps that ended with a result."""
        return sum(told.step.result is not None for told in self.steps)

    @property
    def failed(self) -> tuple[Step, ...]:
        """Steps whose result was a failure."""
        return tuple(t.step for t in self.steps if t.step.result and not t.step.result.ok)

    @property
    def took_ns(self) -> int:
        """From its first step to its last."""
        return self.steps[-1].step.time_ns - self.steps[0].step.time_ns

    @property
    def churn(self) -> tuple[int, int]:
        """Lines added and deleted by all its steps together."""
        return churn(told.step for told in self.steps)


@dataclass(frozen=True, slots=True)
class Report:
    """A session as it went."""

    session: str
    agent: str | None
    workspace: str
    turns: tuple[Turn, ...]
    verdicts: tuple[RuleVerdict, ...]
    """What rules found at its steps, oldest first, of the newest 200 of the workspace."""
    net: tuple[Change, ...]
    """What of it is left: from before its first step to its newest kept one, without hunks."""

    @property
    def steps(self) -> tuple[Told, ...]:
        """All steps, oldest first."""
        return tuple(told for turn in self.turns for told in turn.steps)

    @property
    def left(self) -> tuple[Step, ...]:
        """Steps that lead to nothing that is still there."""
        return tuple(told.step for told in self.steps if not told.kept)

    def seq_of(self, verdict: RuleVerdict) -> int:
        """Returns the number of the step that a verdict is about."""
        return next(told.step.seq for told in self.steps if told.step.id == verdict.step)

    @property
    def checkpoints(self) -> tuple[Step, ...]:
        """Marked steps."""
        return tuple(t.step for t in self.steps if t.step.checkpoint is not None)


def churn(steps: Iterable[Step]) -> tuple[int, int]:
    """Returns lines added and deleted by steps together, whatever became of them."""
    counts = [s.changes for s in steps if s.kind not in ("rollback", "merge")]
    return sum(c.added for c in counts), sum(c.deleted for c in counts)


def gather(workspace: WorkspaceReader, session: str) -> Report:
    """Returns the report of a session.

    Raises:
        NotFoundError: no step is of that session.
    """
    own = _own_steps(workspace, session)
    if not own:
        names = ", ".join(row.name for row in workspace.sessions()[:5])
        raise NotFoundError(
            f"there is no session {session}",
            hint=f"the newest are {names}" if names else "no session was recorded yet",
            session=session,
        )
    kept = _kept(workspace)
    found = _with_bystanders(workspace, own)
    tiers = zip(found, workspace.tiers_of(found), strict=True)
    steps = [Told(step, step.id in kept, tier) for step, tier in tiers]
    return Report(
        session,
        own[-1].agent,
        workspace.root.decode("utf-8", "backslashreplace"),
        tuple(_turns(workspace, steps)),
        _verdicts(workspace, {told.step.id for told in steps}),
        _net(workspace, [told for told in steps if told.step.session == session]),
    )


def _own_steps(workspace: WorkspaceReader, session: str) -> list[Step]:
    found: list[Step] = []
    before = None
    while page := workspace.steps(before_seq=before, limit=_PAGE, session=session):
        found += page
        before = page[-1].seq
    return found[::-1]


def _with_bystanders(workspace: WorkspaceReader, own: Sequence[Step]) -> list[Step]:
    """Returns the session's steps with what happened to its files in between, oldest first."""
    first, last = own[0].seq, own[-1].seq
    found = {step.seq: step for step in own}
    before = last + 1
    while page := workspace.steps(before_seq=before, limit=_PAGE, all_branches=True):
        for step in page:
            if step.seq > first and step.session is None and step.kind in _BYSTANDERS:
                found[step.seq] = step
        before = page[-1].seq
        if before <= first:
            break
    return [found[seq] for seq in sorted(found)]


def _verdicts(workspace: WorkspaceReader, steps: set[StepId]) -> tuple[RuleVerdict, ...]:
    return tuple(one for one in workspace.view().verdicts if one.step in steps)


def _kept(workspace: WorkspaceReader) -> set[StepId]:
    graph = workspace.graph()
    head = graph.row_of(workspace.head().seq)
    return set() if head is None else {graph.id_of(row) for row in graph.chain(head)}


def _turns(workspace: WorkspaceReader, steps: Sequence[Told]) -> Iterable[Turn]:
    waiting: list[Told] = []
    for told in steps:
        if told.step.kind == "prompt" and waiting:
            yield _turn(workspace, waiting)
            waiting = []
        waiting.append(told)
    if waiting:
        yield _turn(workspace, waiting)


def _turn(workspace: WorkspaceReader, steps: Sequence[Told]) -> Turn:
    first = steps[0].step
    if first.kind != "prompt":
        return Turn(None, None, tuple(steps))
    return Turn(first.turn, workspace.text(first.prompt) or first.title, tuple(steps))


def _net(workspace: WorkspaceReader, own: Sequence[Told]) -> tuple[Change, ...]:
    newest = next((told.step for told in reversed(own) if told.kept), None)
    if newest is None:
        return ()
    first = own[0].step
    base = workspace.get_step(first.parents[0]) if first.parents else first
    return workspace.diff(base, newest, hunks=False)
