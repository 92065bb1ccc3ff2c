"""`demo`: plays a real session over a small project, then opens the timeline on it."""

from __future__ import annotations

import argparse
import os
import shlex
import tempfile
from pathlib import Path

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Styled
from stepwell.store.cli.words import named
from stepwell.store.forms import path_form, step_form
from stepwell.store.model.errors import NoTerminalError

_NEWEST = 10


def _demo(call: Call) -> int:
    from stepwell.store.demo import build

    given, out = call.arguments, call.out
    can_open = out.out.is_terminal and out.can_ask and not out.json
    if given.open and not can_open:
        raise NoTerminalError(
            "the demo cannot be opened: there is no terminal", hint="give --no-open"
        )
    folder = build(
        _folder(call),
        call.home,
        say=lambda text: out.note(Styled(text, "dim")),
        rules=given.rules,
    )
    if can_open and given.open is not False:
        from stepwell.store.cli.screens import open_timeline

        # It is read when the screen is left.
        out.note(f"open it again: {_at(folder)}")
        out.close()
        return open_timeline(os.fsencode(folder), call.home)
    return _tell(call, folder)


def _folder(call: Call) -> Path:
    given = call.arguments.where
    if given is None:
        # The screens call a workspace by its folder's name.
        return Path(tempfile.mkdtemp(prefix="stepwell-demo-"), "hop")
    return Path(os.fsdecode(os.path.join(call.folder, os.fsencode(given))))


def _tell(call: Call, folder: Path) -> int:
    from stepwell.store.workspace import Workspace

    with Workspace.open(folder, home=call.home) as workspace:
        steps = workspace.steps(limit=_NEWEST)
        count = workspace.view().step_count
    if call.out.json:
        form = {**path_form(os.fsencode(folder), "folder"), "step_count": count}
        call.out.document({**form, "steps": [step_form(step) for step in steps]})
        return 0
    for step in steps:
        call.out.line(*named(step))
    call.out.line(f"{count} steps in ", Styled(str(folder), "strong"))
    call.out.line(f"browse them: {_at(folder)}")
    if call.arguments.rules:
        call.out.line(f"what the rule found: {_at(folder)} rules, or V in the timeline")
    return 0


def _at(folder: Path) -> str:
    return shlex.join(["stepwell", "-C", str(folder)])


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "where", nargs="?", metavar="DIR", help="an empty or new folder (a temporary one)"
    )
    parser.add_argument(
        "--rules", action="store_true", help="go on with a rule, while the agent breaks the tests"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--open", action="store_true", default=None, help="browse it, on a terminal the default"
    )
    how.add_argument("--no-open", dest="open", action="store_false", help="only build it")


COMMANDS = (
    Command(
        name="demo",
        summary="Build a small project with a real history of about 75 steps, and browse it.",
        examples=(
            "stepwell demo",
            "stepwell demo --no-open ~/stepwell-demo",
            "stepwell demo --rules",
        ),
        configure=_demo_options,
        run=_demo,
    ),
)
