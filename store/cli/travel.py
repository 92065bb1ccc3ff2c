"""`rollback`, `undo`, `redo` and `operations`: going back and forth, never without a way back."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Output, Styled, padded
from stepwell.store.cli.words import (
    age,
    ago,
    change_line,
    kept_lines,
    named,
    size,
    total,
    widest_path,
)
from stepwell.store.forms import Form, operation_form, text_form, travel_form
from stepwell.store.model.errors import NoTerminalError, NotFoundError, UsageError
from stepwell.store.model.plans import Applied, Kept, Plan, PlannedChanges
from stepwell.store.model.steps import Operation
from stepwell.store.model.text import plural

if TYPE_CHECKING:
    from stepwell.store.engine.history import OperationRow
    from stepwell.store.workspace import Workspace

DECLINED = 1
INCOMPLETE = 7

_MANY = 1 << 30
_SHORTEST_ID = 4


@dataclass(frozen=True, slots=True)
class _Verb:
    """How one of the three verbs reads and works."""

    question: str
    plan: Callable[[Workspace], PlannedChanges | Operation]
    flip: Callable[[Workspace], Applied | Operation]
    """Does it when no file is concerned."""
    back: Callable[[Applied], str]
    """Returns the command that takes it back."""


def _rollback(call: Call) -> int:
    given = call.arguments

    def plan(workspace: Workspace) -> PlannedChanges:
        return workspace.plan_rollback(given.step, side="before" if given.before else "after")

    def apply(workspace: Workspace) -> Applied:
        return workspace.apply(plan(workspace), force=given.force)

    return _travel(
        call, _Verb("put it back?", plan, apply, lambda done: f"stepwell undo {done.operation}")
    )


def _undo(call: Call) -> int:
    def number(workspace: Workspace) -> int | None:
        return _operation_number(workspace, call.arguments.operation)

    return _travel(
        call,
        _Verb(
            "take it back?",
            lambda workspace: workspace.plan_undo(number(workspace)),
            lambda workspace: workspace.undo(number(workspace), force=call.arguments.force),
            lambda _done: "stepwell redo",
        ),
    )


def _redo(call: Call) -> int:
    return _travel(
        call,
        _Verb(
            "do it again?",
            lambda workspace: workspace.plan_redo(),
            lambda workspace: workspace.redo(force=call.arguments.force),
            lambda done: f"stepwell undo {done.plan.operation or done.operation}",
        ),
    )


def _travel(call: Call, verb: _Verb) -> int:
    _check_consent(call)
    with call.open() as workspace:
        if workspace.view().intent is not None and not call.arguments.dry_run:
            # First of all, so that the plan is made from what is there after it.
            workspace.settle()
            call.tell_recovery(workspace)
        planned = verb.plan(workspace)
        if isinstance(planned, PlannedChanges):
            return _with_plan(call, workspace, verb, planned)
        return _without_plan(call, workspace, verb, planned)


def _check_consent(call: Call) -> None:
    given, out = call.arguments, call.out
    if given.yes or given.dry_run or (out.can_ask and not out.json):
        return
    raise NoTerminalError(
        "nothing was changed: this writes the folder, and nobody can be asked",
        hint="give --yes, or --dry-run to look first",
    )


def _with_plan(call: Call, workspace: Workspace, verb: _Verb, planned: PlannedChanges) -> int:
    given, out, plan = call.arguments, call.out, planned.plan
    if not out.json:
        _preview(out, planned)
    if given.dry_run:
        if out.json:
            out.document(travel_form(planned, None))
        else:
            out.line(_dry_end(plan))
        return 0
    # What will be refused is not asked for first.
    refused = (plan.drift or plan.other_sessions) and not given.force
    if not (given.yes or refused or out.ask(verb.question)):
        out.note("nothing was changed")
        return DECLINED
    done = workspace.apply(planned, force=given.force, progress=out.progress)
    call.tell_recovery(workspace)
    failed = tuple(kept for kept in done.not_restored if not _by_policy(kept))
    back = verb.back(done) if done.applied else None
    if out.json:
        form = travel_form(planned, replace(done, not_restored=failed), back and f"{back} --yes")
        out.document(form)
    else:
        _tell_done(out, done, failed, back)
    return INCOMPLETE if failed else 0


def _by_policy(kept: Kept) -> bool:
    from stepwell.store.engine.rollback.plan import by_policy

    return by_policy(kept)


def _dry_end(plan: Plan) -> str:
    if plan.drift or plan.other_sessions:
        return "nothing was changed; it would need --force"
    return "nothing was changed (dry run)"


def _preview(out: Output, planned: PlannedChanges) -> None:
    plan = planned.plan
    side = "to before" if plan.side == "before" else "to"
    what = (
        plan.kind if plan.operation is None else f"{plan.kind} of operation {plan.operation}, back"
    )
    when = ago(plan.target.time_ns, out.now_ns)
    out.line(f"{what} {side} ", *named(plan.target), "  ", Styled(when, "dim"))
    cells = widest_path(planned.changes)
    for change in planned.changes:
        out.line(*change_line(change, cells))
    if planned.changes:
        out.line(*total(planned.changes), f", {size(plan.bytes)} to write")
    else:
        out.line("no file differs")
    _warn(out, plan)


def _warn(out: Output, plan: Plan) -> None:
    if plan.keep:
        out.line("left as it is:")
        for line in kept_lines(plan.keep):
            out.line(*line)
    if plan.drift:
        out.line(Styled("in no step yet; saved first, and written over only with --force:", "bad"))
        for line in kept_lines(plan.drift):
            out.line(*line)
    for other in plan.other_sessions:
        steps = plural(other.steps, "step")
        out.line(Styled(f"takes back {steps} of another session, {other.session}", "bad"))


def _tell_done(out: Output, done: Applied, failed: Sequence[Kept], back: str | None) -> None:
    for line in kept_lines(failed):
        out.note(*line)
    saved = f"your disk is saved as #{done.safety_step.seq}"
    if not done.applied:
        out.line(f"nothing had to change: the folder is as it was at #{done.plan.target.seq}")
        return
    where = f"now at #{done.step.seq}"
    if failed:
        where += f", but {plural(len(failed), 'path')} could not be put back"
    out.line(Styled(where, "bad" if failed else "good"), f"; {saved}; take it back: {back}")


def _without_plan(call: Call, workspace: Workspace, verb: _Verb, planned: Operation) -> int:
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
    done = verb.flip(workspace)
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


def _operation_number(workspace: Workspace, given: str | None) -> int | None:
    """Returns the number that a number, or a prefix of an operation's id, names; None for None."""
    if given is None or given.isdecimal():
        return None if given is None else int(given)
    rows = workspace.operations(_MANY) if len(given) >= _SHORTEST_ID else []
    numbers = [r.operation.number for r in rows if r.operation.id.startswith(given.lower())]
    if len(numbers) == 1:
        return numbers[0]
    problem = "names several operations" if numbers else "is no operation"
    raise NotFoundError(
        f"{given} {problem}", hint="stepwell operations lists their numbers", operation=given
    )


# --- operations ----------------------------------------------------------------------------------


def _operations(call: Call) -> int:
    number = call.arguments.number
    if number < 0:
        raise UsageError("-n takes a number of operations", hint="0 stands for all")
    with call.open() as workspace:
        rows = workspace.operations(number or _MANY)
    if call.out.json:
        call.out.document({"operations": [_row_form(row) for row in rows]})
        return 0
    for row in rows:
        _tell_operation(call.out, row)
    return 0


def _row_form(row: OperationRow) -> Form:
    return operation_form(row.operation, undone=row.undone, undoable=row.undoable)


def _tell_operation(out: Output, row: OperationRow) -> None:
    operation = row.operation
    state = "  undone" if row.undone else "  can be undone" if row.undoable else ""
    out.line(
        Styled(padded(str(operation.number), 5, right=True), "strong"),
        Styled(padded(age(operation.time_ns, out.now_ns), 5, right=True), "dim"),
        "  ",
        Styled(padded(operation.kind, 9), "kind"),
        " ",
        operation.summary,
        f"  {operation.session}" if operation.session else "",
        Styled(state, "dim"),
    )


# --- commands ------------------------------------------------------------------------------------


def _force_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also write over what is in no step (it is saved first) and over another session's work",
    )


def _rollback_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", help="@, @~2, '#12', a branch, a label, an id")
    parser.add_argument("--before", action="store_true", help="as it was before the step")
    _force_options(parser)


def _undo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "operation", nargs="?", metavar="OPERATION", help="a number of stepwell operations"
    )
    _force_options(parser)


def _operations_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", dest="number", metavar="N", type=int, default=20, help="at most N (20); 0 all"
    )


COMMANDS = (
    Command(
        name="rollback",
        summary="Put the folder back as it was after a step.",
        details=(
            "Shows what would change, asks, saves the disk as a step, then writes. The steps since\n"
            "stay, on a branch of their own. stepwell undo takes it back."
        ),
        examples=("stepwell rollback @~1", "stepwell rollback green --dry-run"),
        configure=_rollback_options,
        run=_rollback,
        takes_yes=True,
    ),
    Command(
        name="undo",
        summary="Take back the newest rollback, mark or unmark, or the one named.",
        details="Steps that were captured are never undone.",
        examples=("stepwell undo", "stepwell undo 12 --yes"),
        configure=_undo_options,
        run=_undo,
        takes_yes=True,
    ),
    Command(
        name="redo",
        summary="Do again what was undone last.",
        examples=("stepwell redo",),
        configure=_force_options,
        run=_redo,
        takes_yes=True,
    ),
    Command(
        name="operations",
        summary="List what changed the store, newest first.",
        examples=("stepwell operations -n 5",),
        configure=_operations_options,
        run=_operations,
    ),
)
