"""One background thread that runs calls one at a time, the newest first.

An errand has a key; a newer one with the same key takes the place of one that has not begun. The
thread is a daemon: leaving never waits for a reading errand, only for one that `must_finish`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Errand:
    work: Callable[[], None]
    must_finish: bool


class Errands:
    """A queue and its thread, which starts with the first errand."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: dict[Hashable, _Errand] = {}
        self._change = threading.Condition()
        self._running: _Errand | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing runs."""
        with self._change:
            return not self._waiting and self._running is None

    def ask(self, key: Hashable, work: Callable[[], None], *, must_finish: bool = False) -> None:
        """Puts an errand on top of the queue. `work` must deal with its own errors."""
        with self._change:
            if self._stopped:
                return
            self._waiting.pop(key, None)
            self._waiting[key] = _Errand(work, must_finish)
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, patience_s: float = 30.0) -> None:
        """Drops what waits; returns at once, unless an errand runs that must finish."""
        with self._change:
            self._stopped = True
            self._waiting.clear()
            self._change.notify_all()
            self._change.wait_for(self._may_leave, patience_s)

    def _may_leave(self) -> bool:
        return self._running is None or not self._running.must_finish

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: bool(self._waiting) or self._stopped)
                if self._stopped:
                    return
                _, self._running = self._waiting.popitem()
            try:
                self._running.work()
            finally:
                with self._change:
                    self._running = None
                    self._change.notify_all()
