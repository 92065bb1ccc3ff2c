"""A command that we started, as `Popen` does not tell of it: with the memory that it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from stepwell.store.engine.lock import peak_memory

_LONGEST_S = 0.05
"""Between two looks whether it has ended."""
_ROUGH_BYTES = 1 << 20
"""The kernel counts pages in batches."""


class Child:
    """A process that was just started; nobody else waits for it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.peak_memory: int | None = None
        """Largest resident size of it, or of a process that it waited for, in bytes; known at the end.

        None: it is not known. On Linux a new process counts as large as the one that started it until
        it runs its own program, so that what stays below that cannot be told.
        """
        self._process = process
        self._ours = peak_memory(os.getpid()) or 0

    def ended(self, seconds: float) -> bool:
        """Waits until it ends, at most so long; tells whether it has."""
        until, pause = time.monotonic() + seconds, 0.0005
        while not self._has_ended():
            left = until - time.monotonic()
            if left <= 0:
                return False
            pause = min(2 * pause, left, _LONGEST_S)
            time.sleep(pause)
        return True

    def wait(self) -> int:
        """Waits until it ends, and returns its status as `Popen` has it."""
        while not self.ended(60):
            pass
        return self._process.wait()

    def _has_ended(self) -> bool:
        process = self._process
        if process.returncode is None:
            try:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            except ChildProcessError:
                # Whoever sent it a signal through `Popen` came first, and kept its status.
                return process.poll() is not None
            if not pid:
                return False
            process.returncode = os.waitstatus_to_exitcode(status)
            self.peak_memory = self._told(usage.ru_maxrss)
        return True

    def _told(self, peak: int) -> int | None:
        # getrusage(2): kilobytes, but for macOS.
        size = peak if sys.platform == "darwin" else peak << 10
        return size if size > self._ours + _ROUGH_BYTES else None
