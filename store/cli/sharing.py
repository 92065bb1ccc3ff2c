"""`remote`, `push` and `pull`: timelines shared through any git server."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stepwell.store.cli.bundles import loaded_form, tell_loaded
from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.going import DECLINED
from stepwell.store.cli.output import Styled
from stepwell.store.cli.shown import show
from stepwell.store.cli.signals import ended_alike
from stepwell.store.engine.sharing.remotes import Remote
from stepwell.store.forms import text_form
from stepwell.store.model.errors import UsageError
from stepwell.store.model.text import plural
from stepwell.store.shareverbs import Pushed

_REPLACES = "replace for good what was pushed for this workspace elsewhere? there is no undo"


def _remote(call: Call) -> int:
    given = call.arguments
    _check_count(given.verb, given.words)
    with call.open() as workspace:
        if given.verb == "add":
            name, url = given.words
            workspace.add_remote(name, url, folder=Path(os.fsdecode(call.folder)))
        elif given.verb == "remove":
            workspace.remove_remote(given.words[0])
        found = workspace.remotes()
    if call.out.json:
        call.out.document({"remotes": list(map(_form, found))})
    else:
        _tell_remotes(call, found)
    return 0


def _check_count(verb: str, words: list[str]) -> None:
    wanted = {"list": (), "add": ("NAME", "URL"), "remove": ("NAME",)}[verb]
    if len(words) != len(wanted):
        raise UsageError(
            f"stepwell remote {verb} takes {' and '.join(wanted) or 'no more words'}",
            hint="see stepwell remote --help",
        )


def _form(remote: Remote) -> dict[str, object]:
    return {
        "name": remote.name,
        "url": text_form(remote.url),
        "pushed": remote.pushed,
    }


def _tell_remotes(call: Call, found: list[Remote]) -> None:
    width = max((len(remote.name) for remote in found), default=0)
    for remote in found:
        pushed = "" if remote.pushed else Styled("  nothing was pushed yet", "dim")
        call.out.line(Styled(remote.name.ljust(width), "name"), "  ", remote.url, pushed)
    if not found:
        call.out.note("no remotes; `stepwell remote add NAME URL` adds one")


def _push(call: Call) -> int:
    given = call.arguments

    def agree(going: Pushed) -> None:
        show(call.out, [f"operation {going.number} and all before, to {going.url}"], "pushed")

    with ended_alike(), call.open() as workspace:
        if given.force and call.asks:
            going = workspace.push(given.remote, dry_run=True)
            agree(going)
            call.out.line(Styled("would push", "mark"), f" {_what(going)}")
            if not call.out.ask(_REPLACES):
                call.out.note("nothing was pushed")
                return DECLINED
        done = workspace.push(
            given.remote,
            force=given.force,
            dry_run=given.dry_run,
            agree=agree,
            progress=call.out.progress,
        )
    if given.dry_run:
        agree(done)
    if call.out.json:
        facts = {"remote": done.remote, "url": text_form(done.url), "steps": done.steps}
        call.out.document({**facts, "branches": done.branches, "changed": done.changed})
        return 0
    if given.dry_run:
        call.out.line(f"would push {_what(done)}; nothing was sent")
    elif done.changed:
        call.out.line(f"pushed {_what(done)}")
    else:
        call.out.line(f"{done.remote} has it all already: {_many(done)}")
    return 0


def _many(done: Pushed) -> str:
    return f"{plural(done.steps, 'step')} on {plural(done.branches, 'branch')}"


def _what(done: Pushed) -> str:
    return f"{_many(done)}, with their files, prompts and results, to {done.remote} ({done.url})"


def _pull(call: Call) -> int:
    with ended_alike(), call.open() as workspace:
        given = call.arguments
        loaded = workspace.pull(given.remote, accept=given.accept, progress=call.out.progress)
        call.tell_recovery(workspace)
    if call.out.json:
        call.out.document({"remote": call.arguments.remote, **loaded_form(loaded)})
    else:
        tell_loaded(call, loaded, "pulled")
    return 0


def _remote_options(parser: argparse.ArgumentParser) -> None:
    verbs = ("list", "add", "remove")
    parser.add_argument("verb", nargs="?", default="list", choices=verbs, help="default: list")
    parser.add_argument("words", nargs="*", metavar="NAME [URL]", help="the remote; where it is")


def _push_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("remote", metavar="REMOTE", help="as `stepwell remote` lists it")
    parser.add_argument("--dry-run", action="store_true", help="say what would go; send nothing")
    parser.add_argument(
        "--force", action="store_true", help="replace what was pushed for this workspace elsewhere"
    )


def _pull_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("remote", metavar="REMOTE", help="as `stepwell remote` lists it")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="WORKSPACE",
        help="take its timeline as it is now, though it is not what came before (repeatable)",
    )


COMMANDS = (
    Command(
        name="remote",
        summary="List, add or remove places to share timelines through.",
        details="Any git repository that you may push to will do, also that of the project: timelines\n"
        "lie in refs of their own there, which no clone fetches. Removing a remote sends\n"
        "nothing, and keeps the steps that were pulled.",
        examples=(
            "stepwell remote add origin git@example.org:team/app.git",
            "stepwell remote",
            "stepwell remote remove origin",
        ),
        configure=_remote_options,
        run=_remote,
    ),
    Command(
        name="push",
        summary="Send this workspace's timeline to a remote, whole.",
        takes_yes=True,
        details="Everything is sealed first, then goes to refs/stepwell/WORKSPACE/ of the remote. Files,\n"
        "prompts, inputs and results go along: look through `stepwell search` for what should\n"
        "not leave this machine. git signs in as it does elsewhere, but asks for no password.\n"
        "--force asks first, on a terminal: what it replaces is gone for good.",
        examples=("stepwell push origin --dry-run", "stepwell push origin"),
        configure=_push_options,
        run=_push,
    ),
    Command(
        name="pull",
        summary="Add the timelines that others pushed to a remote, on branches of their own.",
        details="They come as branches REMOTE/BRANCH, to browse, compare, merge or go to. All is checked\n"
        "first. Your files and branches stay as they are; pulling again adds what is new.",
        examples=("stepwell pull origin", "stepwell pull team --json"),
        configure=_pull_options,
        run=_pull,
    ),
)
