"""Sealing in the background: `python -m stepwell.store.service.sealer HOME ROOT`, a process of its own.

It gives way to everything else (niced), borrows the lock for moments only, and may be killed at any
time, as any sealing may.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.model.errors import StepwellError
from stepwell.store.service.log import Log
from stepwell.store.workspace import Workspace

_NICE = 10
_AFTER_S, _AFTER_FAILED_S, _LONGEST_S = 60.0, 600.0, 86_400.0
"""Until the next one, twice as long after each that failed: what keeps it back is seldom gone at once."""
_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """How much waits to be sealed before it is; bytes of live segments."""

    most: int = 32 << 20
    """From here on it is sealed, however busy the daemon is."""
    quiet: int = 2 << 20
    """From here on when nobody asked for anything in `quiet_s`."""
    quiet_s: float = 60.0

    def is_enough(self, size: int, unused_s: float) -> bool:
        """Tells whether so much is to be sealed now."""
        return size >= (self.quiet if unused_s >= self.quiet_s else self.most)


class Sealer:
    """Starts such processes for a daemon, one at a time."""

    def __init__(self, log: Log, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._now = now
        self._process: subprocess.Popen[bytes] | None = None
        self._next = 0.0
        self._failures = 0

    @property
    def is_under_way(self) -> bool:
        """Tells whether a sealing was started whose end was not seen yet."""
        return self._process is not None

    def look(self) -> None:
        """Takes in how a sealing ended, if one did; one that failed is told in the log."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return
        self._process = None
        self._failures = self._failures + 1 if status else 0
        rest_s = _AFTER_FAILED_S * 2**self._failures / 2 if status else _AFTER_S
        self._next = self._now() + min(rest_s, _LONGEST_S)
        if status:
            self._log.write("error", {"message": f"sealing ended with exit status {status}"})

    def start(self, workspace: Workspace) -> None:
        """Starts a sealing unless one is under way, or the last one was a short while ago.

        What keeps it from starting is in the log.
        """
        self.look()
        if self.is_under_way or self._now() < self._next:
            return
        place = (os.fspath(workspace.home), os.fsdecode(workspace.root))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "stepwell.store.service.sealer", *place],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            self._next = self._now() + _AFTER_FAILED_S
            self._log.write("error", {"message": f"sealing could not be started: {error}"})
            return
        self._log.write("sealing", {"pid": self._process.pid})

    def close(self) -> None:
        """Breaks off a sealing that is under way, with the git that it runs; the next one finishes it."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main(arguments: list[str]) -> int:
    """Seals; the exit status says how it ended, and the next sealing finishes what this one left."""
    home, root = arguments
    os.umask(0o077)
    os.nice(_NICE)
    try:
        with Workspace.open(root, home=Path(home)) as workspace:
            workspace.seal()
    except StepwellError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
