"""How every verb that changes the folder runs: plan, consent, preview, question, deed, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call
from stepwell.store.cli.output import Output, Styled
from stepwell.store.cli.planned import dry_end, tell_done, tell_hunks, tell_plan
from stepwell.store.forms import Form, error_form, text_form, travel_form
from stepwell.store.model.access import Fence
from stepwell.store.model.errors import NoTerminalError, UsageError
from stepwell.store.model.plans import Applied, Kept, PlannedChanges
from stepwell.store.model.steps import Operation

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

DECLINED = 1
CONFLICTS = 4
INCOMPLETE = 7


def _undo_of(done: Applied) -> str:
    return f"stepwell undo {done.operation}"


@dataclass(frozen=True, slots=True)
class Verb:
    """How one of the verbs reads and works."""

    question: str
    plan: Callable[[Workspace], PlannedChanges | Operation]
    flip: Callable[[Workspace, Operation], Applied | Operation] | None = None
    """Does the planned operation when no file is concerned; None: one always is."""
    back: Callable[[Applied], str] = _undo_of
    """Returns the command that takes it back."""
    form: Callable[[PlannedChanges | None, Applied | None, str | None], Form] = travel_form
    """Makes the JSON document."""
    open: Callable[[Call], Workspace] = Call.open
    fence: Fence | None = None
    """What must hold when it is done."""


def travel(call: Call, verb: Verb) -> int:
    """Runs a verb and returns the exit code."""
    if call.take is not None:
        call.take(verb)
        return DECLINED
    with verb.open(call) as workspace:
        workspace.fence = None if call.arguments.dry_run else verb.fence
        if workspace.view().intent is not None and not call.arguments.dry_run:
            # First of all, so that the plan is made from what is there after it. It writes.
            _check_consent(call)
            workspace.settle()
            call.tell_recovery(workspace)
        planned = verb.plan(workspace)
        _check_consent(call)
        if isinstance(planned, PlannedChanges):
            return _with_plan(call, workspace, verb, planned)
        return _without_plan(call, workspace, verb, planned)


def refuse_dry_run(call: Call, verb: str) -> None:
    """Refuses --dry-run for a verb that shows no plan: it would just be done."""
    if call.arguments.dry_run:
        raise UsageError(
            f"{verb} does not take --dry-run",
            hint=f"leave --dry-run away; stepwell {verb.split()[0]} --help names what takes it",
        )


def _check_consent(call: Call) -> None:
    given, out = call.arguments, call.out
    if given.yes or given.dry_run or (out.can_ask and not out.json):
        return
    raise NoTerminalError(
        "nothing was changed: this writes the folder, and nobody can be asked",
        hint="give --yes, or --dry-run to look first",
    )


def _with_plan(call: Call, workspace: Workspace, verb: Verb, planned: PlannedChanges) -> int:
    given, out, plan = call.arguments, call.out, planned.plan
    if not out.json:
        tell_plan(out, planned)
    if plan.conflicts and not plan.leaves_conflicts:
        return _stopped(out, verb, planned)
    if given.dry_run:
        return _only_shown(out, verb, planned)
    # What will be refused is not asked for first.
    refused = (plan.drift or plan.other_sessions) and not given.force
    if not (given.yes or refused or out.ask(verb.question)):
        out.note("nothing was changed")
        return DECLINED
    done = _applied(call, workspace, planned)
    call.tell_recovery(workspace)
    failed = tuple(kept for kept in done.not_restored if not _by_policy(kept))
    back = verb.back(done) if done.applied else None
    if out.json:
        told = replace(done, not_restored=failed)
        out.document(verb.form(planned, told, back and f"{back} --yes"))
    else:
        tell_done(out, done, failed, back)
    if done.applied and plan.leaves_conflicts:
        return CONFLICTS
    return INCOMPLETE if failed else 0


def _only_shown(out: Output, verb: Verb, planned: PlannedChanges) -> int:
    plan = planned.plan
    if out.json:
        out.document(verb.form(planned, None, None))
    else:
        if plan.paths:
            tell_hunks(out, planned)
        out.line(dry_end(plan))
    return CONFLICTS if plan.conflicts else 0


def _stopped(out: Output, verb: Verb, planned: PlannedChanges) -> int:
    """Tells why a plan with conflicts is not carried out; the document is plan and error in one."""
    from stepwell.store.engine.refusing import conflict

    error = conflict(planned.plan)
    if out.json:
        out.document({**verb.form(planned, None, None), **error_form(error)})
    out.note(Styled("stepwell: ", "bad"), error.message)
    out.note(Styled("hint: ", "dim"), error.hint)
    return error.exit_code


def _applied(call: Call, workspace: Workspace, planned: PlannedChanges) -> Applied:
    out = call.out
    try:
        return workspace.apply(planned, force=call.arguments.force, progress=out.progress)
    except KeyboardInterrupt:
        workspace.refresh()
        if workspace.view().intent is not None:
            out.note(f"stopped in the middle of the {planned.plan.kind}: some files are changed")
            out.note(Styled("hint: ", "dim"), "stepwell undo finishes it first and takes it back")
        raise


def _by_policy(kept: Kept) -> bool:
    from stepwell.store.engine.rollback.plan import by_policy

    return by_policy(kept)


def _without_plan(call: Call, workspace: Workspace, verb: Verb, planned: Operation) -> int:
    given, out = call.arguments, call.out
    if not out.json:
        out.line(f"operation {planned.number}: {planned.summary}; no file changes")
    if given.dry_run:
        if out.json:
            out.document(_flip_form(planned, None, workspace))
        else:
            out.line("nothing was changed (dry run)")
        return 0
    if not (given.yes or out.ask(verb.question)):
        out.note("nothing was changed")
        return DECLINED
    assert verb.flip is not None, "only undo and redo plan an operation without files"
    done = verb.flip(workspace, planned)
    call.tell_recovery(workspace)
    assert isinstance(done, Operation), "the same operation was planned without files"
    if out.json:
        out.document(_flip_form(planned, done, workspace))
    else:
        out.line(Styled(done.summary, "good"))
    return 0


def _flip_form(planned: Operation, done: Operation | None, workspace: Workspace) -> Form:
    head = workspace.head()
    undoing = done is not None and done.kind == "undo"
    back = "stepwell redo --yes" if undoing else f"stepwell undo {planned.number} --yes"
    return {
        **travel_form(None, None),
        "applied": done is not None,
        "step": head.id if done else None,
        "step_seq": head.seq if done else None,
        "operation": done.number if done else None,
        "undo": back if done else None,
        "summary": text_form(planned.summary),
    }
