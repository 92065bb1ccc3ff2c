"""One background thread that runs calls one at a time: changes in their order, then what reads.

Of what reads the newest comes first, and takes the place of one with the same key that has not
begun. A change, which `must_finish`, is never replaced nor dropped. The thread is a daemon: leaving
waits for changes alone.
"""

from __future__ import annotations

import threading
from collections import deque
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
        self._owed: deque[_Errand] = deque()
        """Those that wait and must finish, the oldest first."""
        self._change = threading.Condition()
        self._running: _Errand | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing runs."""
        with self._change:
            return not self._waiting and not self._owed and self._running is None

    def ask(self, key: Hashable, work: Callable[[], None], *, must_finish: bool = False) -> None:
        """Puts an errand into the queue. `work` must deal with its own errors."""
        with self._change:
            if self._stopped:
                return
            errand = _Errand(work, must_finish)
            if must_finish:
                self._owed.append(errand)
            else:
                self._waiting.pop(key, None)
                self._waiting[key] = errand
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, patience_s: float = 30.0) -> None:
        """Drops what reads and waits; returns once all that must finish is done."""
        with self._change:
            self._stopped = True
            self._waiting.clear()
            self._change.notify_all()
            self._change.wait_for(self._may_leave, patience_s)

    def _may_leave(self) -> bool:
        return not self._owed and (self._running is None or not self._running.must_finish)

    def _next(self) -> _Errand:
        return self._owed.popleft() if self._owed else self._waiting.popitem()[1]

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._owed or self._waiting or self._stopped)
                if self._stopped and not self._owed:
                    return
                self._running = self._next()
            try:
                self._running.work()
            finally:
                with self._change:
                    self._running = None
                    self._change.notify_all()
