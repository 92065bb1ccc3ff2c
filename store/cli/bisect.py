"""`bisect`: the step with which a command began to fail."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command, plain_text, seconds
from stepwell.store.cli.output import Piece, Styled
from stepwell.store.cli.signals import stopping
from stepwell.store.cli.words import change_line, named, total, widest_path
from stepwell.store.forms import change_form
from stepwell.store.model.errors import UsageError
from stepwell.store.model.reports import Bisected
from stepwell.store.model.steps import Step
from stepwell.store.model.text import plural
from stepwell.store.ruleforms import bisected_form

if TYPE_CHECKING:
    from stepwell.store.sdk import Workspace


def _bisect(call: Call) -> int:
    given = call.arguments
    if not given.command:
        raise UsageError("bisect needs a command after --", hint="as in -- python -m pytest -q")
    with call.open_whole() as workspace, stopping(call.stop) as stopped:
        found = workspace.bisect(
            plain_text(given.good) or "",
            plain_text(given.bad) or "",
            given.command,
            jobs=given.jobs,
            limit_s=given.timeout,
            extras=[call.path(workspace, path) for path in given.extras or ()],
            environment=environment.process_environment(),
            report=lambda step, good: _report(call, step, good),
            is_stopped=stopped.is_set,
        )
        if call.out.json:
            changes = workspace.step_changes(found.first_bad)
            forms = [change_form(change) for change in changes]
            call.out.document({**bisected_form(found, workspace.tiers_of), "diff": forms})
        else:
            _tell(call, workspace, found)
    return 0


def _report(call: Call, step: Step, good: bool | None) -> None:
    if call.out.json:
        return
    words: dict[bool | None, Piece] = {
        True: Styled("good", "good"),
        False: Styled("bad ", "bad"),
        None: "?   ",
    }
    call.out.note(words[good], "  ", *named(step))


def _tell(call: Call, workspace: Workspace, found: Bisected) -> None:
    out, step = call.out, found.first_bad
    out.line(Styled("the first bad step is ", "strong"), *named(step))
    if found.suspects:
        words = f"or one of {plural(len(found.suspects), 'step')} before it that could not be tried"
        out.line(Styled(words, "dim"))
    if found.prompt is not None:
        out.line(Styled("asked for: ", "dim"), found.prompt)
    changes = workspace.step_changes(step, hunks=False)
    cells = widest_path(changes)
    for change in changes:
        out.line(*change_line(change, cells))
    out.line(*total(changes))
    out.exact(workspace.patch(found.last_good, step))
    counted = f"tried {plural(found.tried, 'time')}, {found.skipped} skipped"
    out.line(Styled(f"{counted}; #{found.last_good.seq} before it is good", "dim"))


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--good", metavar="STEP", required=True, help="a step at which the command succeeds")
    add("--bad", metavar="STEP", default="@", help="a later one at which it fails (@)")
    add("--jobs", metavar="N", type=int, default=1, help="so many at once: fewer rounds (1)")
    add("--timeout", metavar="S", type=seconds, help="a try that takes longer counts as skipped")
    add(
        "--with",
        dest="extras",
        metavar="FOLDER",
        action="append",
        help="an ignored folder that each copy gets, such as .venv",
    )
    add("command", nargs="*", metavar="COMMAND", help="after --: what tells good from bad")


COMMANDS = (
    Command(
        name="bisect",
        summary="Find the step with which a command began to fail.",
        details=(
            "The command runs in scratch copies of steps, never in your folder, and without a shell.\n"
            "Exit status 0 is good, 125 or no end of its own is skipped, anything else is bad."
        ),
        examples=(
            "stepwell bisect --good '#12' --bad @ -- python -m pytest -q",
            "stepwell bisect --good green --jobs 4 -- sh -c 'make && ./smoke'",
        ),
        configure=_options,
        run=_bisect,
        after_dashes="command",
    ),
)
