"""`merge`: takes another branch, or a part of it, into this one; concludes it, or takes it back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.going import Verb, refuse_dry_run, travel
from stepwell.store.cli.output import Styled
from stepwell.store.cli.settling import settle
from stepwell.store.cli.words import named
from stepwell.store.forms import error_form
from stepwell.store.mergeforms import merge_form
from stepwell.store.model.errors import ConflictError, UsageError
from stepwell.store.model.plans import PlannedChanges

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace


def _merge(call: Call) -> int:
    given = call.arguments
    _check(given)
    if given.conclude:
        refuse_dry_run(call, "merge --continue")
        return _continue(call)
    if given.abort:
        # Whoever takes a merge back wants to lose what was settled so far; it is in a step.
        given.force = True
        back = Verb("take the merge back?", lambda workspace: workspace.plan_abort())
        return travel(call, back)
    if given.resolve:
        return settle(call)
    return travel(call, Verb("merge?", lambda ws: _planned(call, ws), form=merge_form))


def _check(given: argparse.Namespace) -> None:
    ways = [given.name is not None, given.conclude, given.abort, bool(given.resolve)]
    if sum(ways) != 1:
        raise UsageError(
            "merge takes the name of one branch, or --resolve, --continue or --abort",
            hint="stepwell branch lists the branches",
        )
    if given.name is None and (given.prefer or given.hunks or given.paths):
        raise UsageError(
            "--prefer, --path and --hunk go with the name of a branch",
            hint="as in stepwell merge NAME --prefer ours",
        )
    if bool(given.resolve) != (given.take is not None):
        raise UsageError(
            "--resolve and --take go together",
            hint="as in stepwell merge --resolve app.py --take theirs",
        )


def _planned(call: Call, workspace: Workspace) -> PlannedChanges:
    given = call.arguments
    return workspace.plan_merge(
        plain_text(given.name) or "",
        prefer=given.prefer,
        paths=[call.path(workspace, path) for path in given.paths or ()],
        hunks=given.hunks or (),
    )


def _continue(call: Call) -> int:
    out = call.out
    with call.open() as workspace:
        try:
            done = workspace.continue_merge(force=call.arguments.force)
        except ConflictError as error:
            if out.json:
                left = {"conflicts": error_form(error)["error"]["conflicts"]}
                out.document({**merge_form(None, None), **left, **error_form(error)})
            out.note(Styled("stepwell: ", "bad"), error.message)
            out.note(Styled("hint: ", "dim"), error.hint)
            return error.exit_code
        call.tell_recovery(workspace)
    back = f"stepwell undo {done.operation}"
    if out.json:
        out.document(merge_form(None, done, f"{back} --yes"))
    else:
        out.line(
            Styled("merged", "good"), ": now at ", *named(done.step), f"; take it back: {back}"
        )
    return 0


def _merge_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="a branch of stepwell branch")
    parser.add_argument(
        "--continue",
        dest="conclude",
        action="store_true",
        help="conclude the merge under way with the files as they are now",
    )
    parser.add_argument(
        "--resolve",
        metavar="PATH",
        action="append",
        help="settle the conflict at PATH, or all below it, with what --take names",
    )
    parser.add_argument(
        "--take",
        metavar="SIDE",
        help="ours, theirs, base (what the side has, or has not), or a file with the settled text",
    )
    parser.add_argument("--abort", action="store_true", help="take back the merge under way")
    parser.add_argument(
        "--prefer",
        choices=("ours", "theirs"),
        help="settle conflicts in favour of this branch (ours), or of NAME (theirs)",
    )
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
        help="only this hunk, by its id, which --dry-run --json shows, or with :1,3-5 these of its changed lines; may be repeated",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also merge into what is in no step (it is saved first); with --continue, keep markers",
    )


COMMANDS = (
    Command(
        name="merge",
        summary="Merge a branch, or picked parts of it, into the current one.",
        details=(
            "Shows what would change, asks, saves the disk as a step, then writes. Files that both\n"
            "sides changed are merged line by line, as git does; where that cannot be, the files hold\n"
            "conflict markers and the exit status is 4: settle them, by hand or with --resolve, then\n"
            "merge --continue. What is\n"
            "picked with --path or --hunk becomes a step of this branch; the rest can be merged\n"
            "later. stepwell undo takes a merge back."
        ),
        examples=(
            "stepwell merge try-lru --dry-run",
            "stepwell merge try-lru",
            "stepwell merge try-lru --prefer theirs",
            "stepwell merge --resolve app.py --take theirs",
            "stepwell merge --continue",
            "stepwell merge --abort",
        ),
        configure=_merge_options,
        run=_merge,
        takes_yes=True,
    ),
)
