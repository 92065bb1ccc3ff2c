"""`rollback`, `switch`, `undo`, `redo`, `operations`: going about, never without a way back."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.going import Verb, travel
from stepwell.store.cli.output import Output, Styled, padded
from stepwell.store.cli.words import age
from stepwell.store.forms import Form, operation_form
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.paths import TrackedPath, unescape
from stepwell.store.model.plans import PlannedChanges

if TYPE_CHECKING:
    from stepwell.store.engine.history import OperationRow
    from stepwell.store.workspace import Workspace

_MANY = 1 << 30
_SHORTEST_ID = 4
_LONGEST_NUMBER = 18


def _rollback(call: Call) -> int:
    given = call.arguments

    def plan(workspace: Workspace) -> PlannedChanges:
        return workspace.plan_rollback(
            given.step,
            side="before" if given.before else "after",
            paths=[_path(call, workspace, path) for path in given.paths or ()],
            hunks=given.hunks or (),
            only=given.only,
            files_only=given.files_only,
        )

    return travel(call, Verb("put it back?", plan))


def _path(call: Call, workspace: Workspace, argument: str) -> TrackedPath:
    """Returns a path as typed, or as the JSON forms spell it when nothing is there."""
    path = call.path(workspace, argument)
    typed = os.path.lexists(os.path.join(workspace.root, path))
    return path if typed else unescape(os.fsdecode(path))


def _switch(call: Call) -> int:
    name = plain_text(call.arguments.name) or ""
    return travel(call, Verb("switch?", lambda workspace: workspace.plan_switch(name)))


def _undo(call: Call) -> int:
    def number(workspace: Workspace) -> int | None:
        return _operation_number(workspace, call.arguments.operation)

    return travel(
        call,
        Verb(
            "take it back?",
            lambda workspace: workspace.plan_undo(number(workspace)),
            lambda workspace, shown: workspace.undo(shown.number, force=call.arguments.force),
            lambda _done: "stepwell redo",
        ),
    )


def _redo(call: Call) -> int:
    return travel(
        call,
        Verb(
            "do it again?",
            lambda workspace: workspace.plan_redo(),
            lambda workspace, _shown: workspace.redo(force=call.arguments.force),
            lambda done: f"stepwell undo {done.plan.operation or done.operation}",
        ),
    )


def _operation_number(workspace: Workspace, given: str | None) -> int | None:
    """Returns the number that a number, or a prefix of an operation's id, names; None for None."""
    if given is None:
        return None
    if given.isdecimal() and len(given) <= _LONGEST_NUMBER:
        return int(given)
    rows = workspace.operations(_MANY) if len(given) >= _SHORTEST_ID else []
    numbers = [r.operation.number for r in rows if r.operation.id.startswith(given.lower())]
    if len(numbers) == 1:
        return numbers[0]
    problem = "names several operations" if numbers else "is no operation"
    raise NotFoundError(
        f"{given} {problem}", hint="stepwell operations lists their numbers", operation=given
    )


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
    parser.add_argument(
        "--path",
        dest="paths",
        metavar="P",
        action="append",
        help="only this file, or all below this folder; may be repeated",
    )
    parser.add_argument(
        "--hunk",
        dest="hunks",
        metavar="ID[:LINES]",
        action="append",
        help="only this hunk, or with :1,3-5 these of its changed lines, as --path P --dry-run shows and counts them; may be repeated",
    )
    parser.add_argument(
        "--only",
        action="store_true",
        help="take back what this one step did, and keep what was done later",
    )
    parser.add_argument(
        "--files-only", action="store_true", help="put all files back, but stay at the branch's tip"
    )
    _force_options(parser)


def _switch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a branch of stepwell branch")
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
            "stay, on a branch of their own. With --path, --hunk, --only or --files-only the branch\n"
            "stays where it is and gets a new step. stepwell undo takes it back."
        ),
        examples=(
            "stepwell rollback @~1",
            "stepwell rollback green --dry-run",
            "stepwell rollback '#12' --path src/app.py",
            "stepwell rollback '#12' --only",
        ),
        configure=_rollback_options,
        run=_rollback,
        takes_yes=True,
    ),
    Command(
        name="switch",
        summary="Go to the tip of another branch, and stay on it.",
        details=(
            "Shows what would change, asks, saves the disk as a step of the branch that you leave,\n"
            "then writes. stepwell undo switches back."
        ),
        examples=("stepwell switch try-lru", "stepwell switch main.1 --dry-run"),
        configure=_switch_options,
        run=_switch,
        takes_yes=True,
    ),
    Command(
        name="undo",
        summary="Take back the newest rollback, switch, mark or change of branches, or the one named.",
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
