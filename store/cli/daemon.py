"""`daemon`: the process that looks after a workspace in the background."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, seconds
from stepwell.store.forms import Form
from stepwell.store.model.errors import BusyError, FailedError

if TYPE_CHECKING:
    from stepwell.store.link.client import DaemonInfo
    from stepwell.store.workspace import Workspace

_START_S = 15.0
_STOP_S = 60.0
_PAUSE_S = 0.02


def daemon_form(workspace: Workspace) -> Form:
    """Returns what `status --json` says of the daemon; `answers` is false of one that is stuck."""
    try:
        found = workspace.daemon()
    except BusyError as error:
        return {"running": True, "pid": error.facts.get("pid"), "version": None, "answers": False}
    return _form(found)


def _form(found: DaemonInfo | None) -> Form:
    if found is None:
        return {"running": False, "pid": None, "version": None, "answers": False}
    return {"running": True, "pid": found.pid, "version": found.version, "answers": True}


def _daemon(call: Call) -> int:
    given = call.arguments
    with call.open() as workspace:
        if given.act == "start":
            start_daemon(workspace, given.idle)
        elif given.act == "stop":
            _stop(workspace)
        form = daemon_form(workspace)
    if call.out.json:
        call.out.document(form)
    elif not form["running"]:
        call.out.line("no daemon runs: commands do their work themselves")
    elif form["answers"]:
        call.out.line(f"the daemon runs: process {form['pid']}, version {form['version']}")
    else:
        call.out.line(f"the daemon runs, but does not answer: process {form['pid']}")
    return 0


def start_daemon(workspace: Workspace, idle_s: float | None = None) -> None:
    """Starts the workspace's daemon unless one runs, and returns when it answers.

    Raises:
        FailedError: it does not come.
        BusyError: one runs and does not answer.
    """
    if workspace.daemon() is not None:
        return
    from stepwell.store.agents.hookclient import launch
    from stepwell.store.service.log import NAME

    idle = "" if idle_s is None else str(idle_s)
    launch(os.fspath(workspace.store), os.fsdecode(workspace.root), idle)
    deadline = time.monotonic() + _START_S
    while workspace.daemon() is None:
        if time.monotonic() > deadline:
            raise FailedError(
                "the daemon did not start",
                hint=f"{workspace.store / NAME} says why, if it got there",
            )
        time.sleep(_PAUSE_S)


def _stop(workspace: Workspace) -> None:
    link = workspace.link()
    if link is None or not link.stop():
        return
    deadline = time.monotonic() + _STOP_S
    while workspace.daemon() is not None:
        if time.monotonic() > deadline:
            raise BusyError("the daemon has not ended yet: it finishes what it was doing first")
        time.sleep(_PAUSE_S)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "act", metavar="ACTION", choices=("start", "stop", "status"), help="start, stop, status"
    )
    parser.add_argument(
        "--idle", metavar="SECONDS", type=seconds, help="end when so long unused (900)"
    )


COMMANDS = (
    Command(
        name="daemon",
        summary="Start, stop or ask about the process that looks after the workspace.",
        details=(
            "While it runs, every command does its work through it, faster and with the same\n"
            "results. An agent's first hook starts it; it seals what has gathered,\n"
            "removing nothing, and ends when it is not used."
        ),
        examples=("stepwell daemon start", "stepwell daemon status --json"),
        configure=_options,
        run=_daemon,
    ),
)
