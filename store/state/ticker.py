"""Doing something at an interval, in a thread of its own, by the monotonic clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Ticker:
    """Calls `action` every `interval_s` seconds from `start` to `stop`; the action must not raise.

    Beats that a slow action misses are left out.
    """

    def __init__(self, interval_s: float, action: Callable[[], object], name: str) -> None:
        self._interval_s = interval_s
        self._action = action
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins; the first call comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it, and waits for a call that is under way unless it is the caller's own."""
        self._ended.set()
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        due = time.monotonic() + self._interval_s
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._action()
            late = max(0.0, time.monotonic() - due)
            due += self._interval_s * (1 + late // self._interval_s)
