"""`watch` and `run`: capturing whatever has no hooks."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, seconds
from stepwell.store.cli.daemon import start_daemon
from stepwell.store.cli.output import Styled
from stepwell.store.cli.words import counts, named
from stepwell.store.engine.recording import Act, Recorded
from stepwell.store.environment import default_config
from stepwell.store.model.errors import StepwellError, UsageError
from stepwell.store.model.text import plural
from stepwell.store.settings import keeps_text

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

_QUIET_MS = 1_000
_NOT_FOUND = 127
_NOT_RUNNABLE = 126


def _watch(call: Call) -> int:
    from stepwell.store.agents.watching import watch

    given = call.arguments
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with call.open() as workspace:
        _with_daemon(call, workspace)
        call.out.note("watching; end it with Ctrl-C")
        watch(
            workspace,
            Act(kind="capture"),
            pause=stop.wait,
            quiet_s=given.quiet / 1_000,
            interval_s=given.interval,
            tell=lambda recorded: _tell(call, recorded),
        )
        call.tell_recovery(workspace)
    return 0


def _with_daemon(call: Call, workspace: Workspace) -> None:
    """Starts a daemon, which looks faster; without one it works, too."""
    try:
        start_daemon(workspace)
    except StepwellError as error:
        call.out.note(Styled("no daemon: ", "dim"), error.message)


def _tell(call: Call, recorded: Recorded) -> None:
    step = recorded.step
    size = counts(step.changes.added, step.changes.deleted)
    files = plural(step.changes.files, "file")
    call.out.line("captured ", *named(step), "  ", files, *([" ", *size] if size else []))
    call.out.out.flush()


def _run(call: Call) -> int:
    from stepwell.store.agents.watching import run

    command = list(call.arguments.command)
    if not command:
        raise UsageError("run needs a command", hint="as in stepwell run -- make test")
    session, signals = f"run:{os.urandom(4).hex()}", _Passing()
    with call.open() as workspace:
        try:
            return run(
                workspace,
                command,
                folder=call.folder,
                session=session,
                quiet_s=call.arguments.quiet / 1_000,
                started=signals.begin,
                keep_text=keeps_text(default_config()),
            )
        except FileNotFoundError:
            call.out.note(Styled("stepwell: ", "bad"), f"{command[0]}: no such command")
            return _NOT_FOUND
        except OSError as error:
            call.out.note(Styled("stepwell: ", "bad"), f"{command[0]}: {error.strerror}")
            return _NOT_RUNNABLE


class _Passing:
    """Passes on what is sent to us alone; the terminal sends its own signals to both of us."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda number, _: self._pass_on(number))
        # Handled, not ignored: what is ignored here would be ignored in the command, too.
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: None)

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """Passes signals on to the process from now on, and those that came before it."""
        self._process = process
        for number in self._early:
            self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        if self._process is None:
            self._early.append(number)
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


def _milliseconds(text: str) -> int:
    if not text.isdecimal() or len(text) > 8:
        raise UsageError(f"{text} is no number of milliseconds", hint="as in 500")
    return int(text)


def _quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quiet",
        metavar="MS",
        type=_milliseconds,
        default=_QUIET_MS,
        help="capture when nothing changed for so long (1000)",
    )


def _watch_options(parser: argparse.ArgumentParser) -> None:
    _quiet(parser)
    parser.add_argument(
        "--interval", metavar="S", type=seconds, help="capture each S seconds instead"
    )


def _run_options(parser: argparse.ArgumentParser) -> None:
    _quiet(parser)


COMMANDS = (
    Command(
        name="watch",
        summary="Capture whenever the folder has changed and come to rest, until Ctrl-C.",
        details="For editors and tools without hooks. It starts the daemon, which looks faster.",
        examples=("stepwell watch", "stepwell watch --interval 60"),
        configure=_watch_options,
        run=_watch,
        takes_json=False,
    ),
    Command(
        name="run",
        summary="Run a command, and capture before, during and after it.",
        details=(
            "The command has the terminal, signals reach it, and its exit status is ours. Each time\n"
            "the folder comes to rest meanwhile is a step."
        ),
        examples=("stepwell run -- make test", "stepwell run --quiet 300 -- aider app.py"),
        configure=_run_options,
        run=_run,
        takes_json=False,
        after_dashes="command",
    ),
)
