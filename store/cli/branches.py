"""`branch`: lists branches, and makes, renames and deletes them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.output import Output, Piece, Styled, padded, width
from stepwell.store.cli.words import named, way_back
from stepwell.store.forms import branch_form
from stepwell.store.model.errors import UsageError
from stepwell.store.model.reports import BranchRow
from stepwell.store.model.steps import Step
from stepwell.store.model.text import printable

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

_NAMES: Mapping[str, tuple[str, ...]] = {
    "list": (),
    "create": ("NAME",),
    "delete": ("NAME",),
    "rename": ("A", "B"),
}
"""What each action is given."""

_WIDEST = 40


def _branch(call: Call) -> int:
    given = call.arguments
    names = [plain_text(name) or "" for name in given.names]
    _check(given.action, names, given.at)
    with call.open() as workspace:
        said = _change(workspace, given.action, names, plain_text(given.at))
        call.tell_recovery(workspace)
        rows = workspace.branches()
        if call.out.json:
            call.out.document({"branches": [branch_form(row) for row in rows]})
        elif said is None:
            _tell(call.out, rows, {row.head: workspace.get_step(row.head) for row in rows})
        else:
            call.out.line(*said)
    return 0


def _check(action: str, names: list[str], at: str | None) -> None:
    wanted = _NAMES[action]
    if len(names) != len(wanted):
        usage = " ".join(["stepwell branch", action, *wanted])
        raise UsageError(
            f"branch {action} takes {len(wanted) or 'no'} name{'s' * (len(wanted) != 1)}, "
            f"not {len(names)}",
            hint=f"write {usage}",
        )
    if at is not None and action != "create":
        raise UsageError("--at goes with branch create only", hint="see stepwell branch --help")


def _change(
    workspace: Workspace, action: str, names: list[str], at: str | None
) -> list[Piece] | None:
    """Carries the action out; returns what to say of it, None for a list."""
    before = workspace.view()
    if action == "create":
        made = workspace.create_branch(names[0], at=at)
        step = workspace.get_step(made.head)
        return [
            "made ",
            Styled(made.name, "name"),
            " at ",
            *named(step),
            *way_back(before, workspace.view()),
        ]
    if action == "delete":
        gone = workspace.delete_branch(names[0])
        step = workspace.get_step(gone.head)
        was = [Styled(gone.name, "name"), "; it was at ", *named(step)]
        return ["deleted ", *was, "; bring it back: stepwell undo"]
    if action == "rename":
        new = workspace.rename_branch(names[0], names[1])
        return [
            f"renamed {names[0]} to ",
            Styled(new.name, "name"),
            *way_back(before, workspace.view()),
        ]
    return None


def _tell(out: Output, rows: list[BranchRow], heads: Mapping[str, Step]) -> None:
    cells = min(max((width(printable(row.name)) for row in rows), default=0), _WIDEST)
    for row in rows:
        sign = Styled("◉ ", "good") if row.current else "  "
        name = Styled(padded(row.name, cells), "strong" if row.current else "name")
        facts = [f"{row.ahead} ahead"] if row.ahead else []
        facts += [f"{row.behind} behind"] if row.behind else []
        facts += ["kept"] if row.kept else []
        said = f"  ({', '.join(facts)})" if facts else ""
        out.line(sign, name, "  ", *named(heads[row.head]), Styled(said, "dim"))


def _branch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=tuple(_NAMES),
        metavar="ACTION",
        help="list (if left out), create, delete, rename",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="of create and delete one, of rename old and new"
    )
    parser.add_argument("--at", metavar="STEP", help="of create: where it begins (@)")


COMMANDS = (
    Command(
        name="branch",
        summary="List the branches, or make, rename or delete one.",
        details=(
            "ahead and behind count steps against the current branch. Kept branches, NAME.1 and so\n"
            "on, hold what a rollback left behind. No file changes, and stepwell undo takes each\n"
            "change of branches back; the steps of a deleted branch stay in log --all."
        ),
        examples=(
            "stepwell branch",
            "stepwell branch create try-lru --at '#12'",
            "stepwell branch rename main.1 old-parser",
            "stepwell branch delete try-lru",
        ),
        configure=_branch_options,
        run=_branch,
        after_dashes="names",
    ),
)
