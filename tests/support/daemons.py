"""Daemons for tests: as a thread of this process, or as the process that users get."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stepwell.store import BusyError, Workspace
from stepwell.store.model.version import VERSION
from stepwell.store.service.daemon import Settings, serve
from stepwell.store.service.server import Limits


def until(
    condition: Callable[[], object], seconds: float = 20.0, *, pause_s: float = 0.005
) -> None:
    """Waits for a condition, and fails when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(pause_s)


@contextmanager
def daemon_thread(
    root: Path, home: Path, runtime: Path, *, version: str = VERSION, limits: Limits | None = None
) -> Iterator[None]:
    """Runs a daemon in this process."""
    settings = Settings(root, home, runtime, version, limits=limits or Limits())
    thread = threading.Thread(target=serve, args=(settings,), daemon=True)
    thread.start()
    with Workspace.open(root, home=home) as ws:
        until(lambda: ws.link() is not None)
        try:
            yield
        finally:
            link = ws.link()
            if link is not None:
                link.stop()
            thread.join(20)
            assert not thread.is_alive(), "the daemon did not end"


def daemon_process(root: Path, home: Path, *more: str) -> subprocess.Popen[bytes]:
    """Starts a daemon as users get it, and returns when it listens."""
    command = [sys.executable, "-m", "stepwell.store.service", str(home), str(root), *more]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    with Workspace.open(root, home=home) as ws:
        until(lambda: process.poll() is not None or answers(ws))
    return process


def answers(ws: Workspace) -> bool:
    """Tells whether the workspace has a daemon that answers."""
    try:
        return ws.daemon() is not None
    except BusyError:
        return False
