"""Running a command without a shell: bounded output, a time limit, and nothing left behind.

Each command has a session and process group of its own, so that whatever it started can be ended
with it. One thread looks after any number of them: a `Child` is asked again and again.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stepwell.store.model.errors import NotFoundError, UsageError

Ended = Literal["exit", "signal", "timeout", "stopped", "not_started"]
"""How a command came to its end: by itself, by a signal, at its time limit, by us, or never began."""

_HEAD = 64 << 10
_PIECE = 64 << 10
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, and within which bounds."""

    words: tuple[str, ...]
    """The program and its arguments; no shell reads them."""
    folder: Path
    environment: Mapping[str, str]
    """All of it; nothing is inherited."""
    limit_s: float | None = None
    """Time after which it is ended; None: none."""
    output_limit: int = 1 << 20
    """Bytes of output that are kept: the first 64 KiB, and the last."""
    grace_s: float = 2.0
    """Time between asking it to end (SIGTERM) and ending it (SIGKILL)."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    ended: Ended
    exit_code: int | None
    """Of `exit`; None otherwise."""
    duration_ms: int
    output: bytes
    """Standard output and error as they came, cut in the middle when there was too much."""
    reason: str = ""
    """Of `not_started`: why. Of `signal`: its name."""

    @property
    def ok(self) -> bool:
        """Tells whether it ended by itself with status 0."""
        return self.ended == "exit" and self.exit_code == 0


def split_words(text: str) -> tuple[str, ...]:
    """Returns the words of a command as a shell splits them; nothing else of a shell is done.

    Raises:
        UsageError: it is empty, or a quote is not closed.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(
            f"the command {text!r} cannot be split into words: {error}",
            hint="close the quote, or escape it",
        ) from error
    if not words:
        raise UsageError("the command is empty", hint='as in "python -m pytest -q"')
    return words


def require_program(command: Command) -> None:
    """Raises NotFoundError unless the command's program is there and can be run."""
    word = command.words[0]
    if _program(command) is None:
        raise NotFoundError(
            f"the command {word} was not found",
            hint="check its spelling and the PATH; shell built-ins need sh -c '...'",
            command=word,
        )


def _program(command: Command) -> str | None:
    import shutil

    word = command.words[0]
    if "/" in word:
        path = os.path.join(command.folder, word)
        return path if os.path.isfile(path) and os.access(path, os.X_OK) else None
    return shutil.which(word, path=command.environment.get("PATH", os.defpath))


@dataclass(slots=True)
class _Kept:
    """Output with its middle left out."""

    limit: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    lost: int = 0

    def add(self, piece: bytes) -> None:
        room = max(0, min(_HEAD, self.limit) - len(self.head))
        self.head += piece[:room]
        self.tail += piece[room:]
        over = len(self.tail) - max(0, self.limit - len(self.head))
        if over > 0:
            del self.tail[:over]
            self.lost += over

    def content(self) -> bytes:
        notice = b"\n... %d bytes left out ...\n" % self.lost if self.lost else b""
        return bytes(self.head) + notice + bytes(self.tail)


class Child:
    """A running command. Ask `poll` until it gives the end; `stop` ends it early."""

    def __init__(self, command: Command, now: Callable[[], float] = time.monotonic) -> None:
        self._command = command
        self._now = now
        self._began = now()
        self._kept = _Kept(command.output_limit)
        self._asked: float | None = None
        self._why: Ended | None = None
        self._ran: Ran | None = None
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes] | None:
        try:
            process = subprocess.Popen(
                self._command.words,
                cwd=self._command.folder,
                env=dict(self._command.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._ran = Ran("not_started", None, 0, b"", f"{self._command.words[0]}: {reason}")
            return None
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        return process

    def fileno(self) -> int | None:
        """Returns the descriptor that becomes readable with output; None when it never began."""
        out = self._process.stdout if self._process else None
        return None if out is None or out.closed else out.fileno()

    def poll(self) -> Ran | None:
        """Takes in output, keeps the time limit, and returns the end once it has come."""
        if self._ran is not None or self._process is None:
            return self._ran
        self._read()
        # Looked at, not reaped: until it is, no other group can have its number.
        if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            self._hurry()
            return None
        self._signal(signal.SIGKILL)
        self._read()
        self._close()
        self._ran = self._result(self._process.wait())
        return self._ran

    def stop(self) -> None:
        """Asks the command to end, as one that is not wanted any more; `poll` sees it through."""
        self._ask("stopped")

    def kill(self) -> Ran:
        """Ends the command at once and returns its end."""
        if self._ran is None and self._process is not None:
            self._why = self._why or "stopped"
            self._signal(signal.SIGKILL)
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        ran = self.poll()
        assert ran is not None, "a process that was waited for has ended"
        return ran

    def _read(self) -> None:
        fd = self.fileno()
        # Bounded, so that a command that never stops writing cannot keep us here.
        for _ in range(64):
            if fd is None:
                return
            try:
                piece = os.read(fd, _PIECE)
            except BlockingIOError:
                return
            if not piece:
                self._close()
                return
            self._kept.add(piece)

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _hurry(self) -> None:
        limit, now = self._command.limit_s, self._now()
        if limit is not None and now - self._began > limit:
            self._ask("timeout")
        if self._asked is not None and now - self._asked > self._command.grace_s:
            self._signal(signal.SIGKILL)

    def _ask(self, why: Ended) -> None:
        if self._asked is None:
            self._asked, self._why = self._now(), why
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        """Sends a signal to the command and to whatever it started in its group."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _result(self, status: int) -> Ran:
        took = round(1000 * (self._now() - self._began))
        output = self._kept.content()
        if self._why is not None:
            return Ran(self._why, None, took, output)
        if status < 0:
            return Ran("signal", None, took, output, _signal_name(-status))
        return Ran("exit", status, took, output)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def wait_for(children: Sequence[Child], seconds: float) -> None:
    """Waits until a child says something, or for so long at most; ends are noticed by polling."""
    with selectors.DefaultSelector() as selector:
        for fd in (child.fileno() for child in children):
            if fd is not None:
                selector.register(fd, selectors.EVENT_READ)
        if selector.get_map():
            selector.select(seconds)
        else:
            time.sleep(seconds)


def run(command: Command, is_stopped: Callable[[], bool] = lambda: False) -> Ran:
    """Runs a command to its end and returns that; as `run_all`."""
    return run_all([command], is_stopped)[0]


def run_all(
    commands: Sequence[Command], is_stopped: Callable[[], bool] = lambda: False
) -> list[Ran]:
    """Runs commands beside each other and returns their ends, in order.

    They are asked to end once `is_stopped` says so, which is asked often. Whatever interrupts it
    ends them, too.
    """
    children: list[Child] = []
    try:
        children.extend(map(Child, commands))
        while waiting := [child for child in children if child.poll() is None]:
            if is_stopped():
                for child in waiting:
                    child.stop()
            wait_for(waiting, _LOOK_S)
        return [child.kill() for child in children]
    except BaseException:
        for child in children:
            child.kill()
        raise
