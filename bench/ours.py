"""Stepwell's forms, as contestants: in the daemon, through an agent's hook, and without a daemon."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trees import clean_environment

from stepwell.store import Step, Workspace
from stepwell.store.agents import hookclient

INSIDE = "Stepwell, inside the daemon"
DAEMON = "Stepwell, daemon"
HOOK = "Stepwell, hook"
SCAN = "Stepwell, no daemon"
SESSION = "claude:bench"

_START_S = 60.0
# It is a program, which runs and ends when it is imported.
_HOOK = str(Path(hookclient.__file__).with_name("hook.py"))
_IDLE_S = "86400"


class Scanning:
    """The library in process, without a daemon: every capture looks at every file."""

    name = SCAN
    repeats = 3
    guests: Sequence[Hooking] = ()

    def __init__(self, root: Path, store: Path) -> None:
        self.root, self.store = root, store
        self.workspace: Workspace | None = None

    def prepare(self) -> None:
        """Nothing: the first capture registers the workspace."""

    def capture(self) -> float | None:
        """Captures; returns the milliseconds of it that are known to be spent in the daemon."""
        if self.workspace is None:
            self.workspace = Workspace.init(self.root, home=self.store)
            self._newest = self.workspace.head()
        else:
            self._newest = self.workspace.capture()
        return None

    def token(self) -> Step:
        return self._newest

    def restore(self, token: Step, changed: list[str]) -> float | None:
        """A whole rollback: safety step, plan, intent, files, comparison, record."""
        assert self.workspace is not None
        self.workspace.apply(self.workspace.plan_rollback(token))
        return None

    def tree(self, token: Step) -> str:
        return token.snapshot.tree.hex()

    def stop_after(self, patience_s: float) -> None:
        """Nothing: what is in process is not stopped at the cap."""

    def heal(self) -> None:
        """Nothing, as it is never stopped."""

    def close(self) -> None:
        if self.workspace is not None:
            self.workspace.close()
            self.workspace = None
        shutil.rmtree(self.store, ignore_errors=True)


class Served(Scanning):
    """The same calls with a daemon running, which follows the workspace in memory."""

    name = DAEMON
    repeats = 20

    def __init__(self, root: Path, store: Path) -> None:
        super().__init__(root, store)
        self.guests = (Hooking(self),)
        self._took_us: list[int] = []

    def capture(self) -> float | None:
        """The first time also starts the daemon, and captures through it."""
        if self.workspace is None:
            super().capture()
            assert self.workspace is not None
            self.daemon = start_daemon(self.workspace, self.store)
            self.workspace = _Noting.over(self.workspace, self.store, self._took_us)
        self._took_us.clear()
        super().capture()
        return self._inside()

    def restore(self, token: Step, changed: list[str]) -> float | None:
        self._took_us.clear()
        super().restore(token, changed)
        return self._inside()

    def _inside(self) -> float:
        if not self._took_us:
            raise RuntimeError("the daemon was not asked")
        return sum(self._took_us) / 1000

    def close(self) -> None:
        if self.workspace is not None:
            stop_daemon(self.workspace, self.daemon)
        super().close()


class _Noting(Workspace):
    """A Workspace that notes how long the daemon worked on each call."""

    _noted: list[int]

    @classmethod
    def over(cls, workspace: Workspace, home: Path, noted: list[int]) -> _Noting:
        workspace.close()
        opened = cls.open(os.fsdecode(workspace.root), home=home)
        opened._noted = noted
        return opened

    def link(self) -> Any:
        found = super().link()
        return None if found is None else _NotingLink(found, self._noted)


class _NotingLink:
    def __init__(self, link: Any, noted: list[int]) -> None:
        self._link, self._noted = link, noted

    def call(self, *arguments: Any) -> Any:
        reply = self._link.call(*arguments)
        if reply is not None:
            self._noted.append(reply.took_us)
        return reply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)


class Hooking:
    """What an agent waits for: the process of its hook, from start to exit, after an edit."""

    name = HOOK
    repeats = 10
    guests: tuple[()] = ()

    def __init__(self, host: Served) -> None:
        self.root, self.store = host.root, host.store
        self.sent = 0
        self._words = [sys.executable, "-I", "-S", _HOOK, "claude", "PostToolUse"]
        self._environment = clean_environment() | {"STEPWELL_HOME": str(self.store)}
        self._patience_s: float | None = None

    def capture(self) -> None:
        self.sent += 1
        form = {
            "session_id": SESSION.partition(":")[2],
            "cwd": str(self.root),
            "hook_event_name": "PostToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": "make"},
            "tool_response": {"stdout": ""},
            "tool_use_id": f"toolu_{self.sent}",
        }
        payload = json.dumps(form).encode()
        subprocess.run(self._words, env=self._environment, input=payload, check=True)

    def stop_after(self, patience_s: float) -> None:
        """Nothing: a hook stops by itself."""

    def heal(self) -> None:
        """Nothing, as it is never stopped."""

    def lost(self, workspace: Workspace) -> int:
        """Returns how many of its events are no step."""
        workspace.refresh()
        return self.sent - sum(s.steps for s in workspace.sessions() if s.name == SESSION)


def start_daemon(workspace: Workspace, home: Path) -> subprocess.Popen[bytes]:
    """Starts the daemon as the first hook does, and waits until it answers."""
    words = ["-m", "stepwell.store.service", str(home), os.fsdecode(workspace.root), _IDLE_S]
    process = subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL)
    end = time.monotonic() + _START_S
    while workspace.daemon() is None:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the daemon did not start")
        time.sleep(0.005)
    return process


def stop_daemon(workspace: Workspace, process: subprocess.Popen[bytes]) -> None:
    """Has it finish and end."""
    link = workspace.link()
    if link is not None:
        link.stop()
    process.wait(_START_S)


class Disk:
    """No snapshot at all: an append of the same size and one `fdatasync`, the floor for durable."""

    name = "append + fdatasync"
    repeats = 40

    def __init__(self, path: Path, size: int) -> None:
        self._bytes = os.urandom(size)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self) -> None:
        if os.write(self._fd, self._bytes) != len(self._bytes):
            raise OSError("short write")
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def store_bytes(store: Path) -> int:
    """Returns the bytes of all files below a folder."""
    return sum(p.stat().st_size for p in store.rglob("*") if p.is_file() and not p.is_symlink())
