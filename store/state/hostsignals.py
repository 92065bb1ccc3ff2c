"""Doing something before a signal ends the program, and then whatever the program does itself."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)

_LOG = logging.getLogger("stepwell.persistence")


class HostSignals:
    """Handlers in front of the host's own; install and remove them in the main thread.

    `first` gets the signal's number and a function that does what the host does on it, which it is
    to call at its end.
    """

    def __init__(self, first: Callable[[int, Callable[[], None]], object]) -> None:
        self._first = first
        self._before: dict[int, Any] = {}
        self._pid = os.getpid()

    def install(self) -> None:
        """Puts the handlers in place; only says so where that cannot be."""
        if threading.current_thread() is not threading.main_thread():
            _LOG.warning("signals are left alone: only the main thread may handle them")
            return
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before is None:
                _LOG.warning("signal %d is left alone: its handler is not of Python", number)
                continue
            self._before[number] = before
            signal.signal(number, self._handle)

    def remove(self) -> None:
        """Gives the host its handlers back; leaves alone what it has put in place since."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number, before in self._before.items():
            # Each look at a bound method makes another object, so they are equal, not the same.
            if signal.getsignal(number) == self._handle:
                signal.signal(number, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # a child that was forked off has nothing to save
            self._pass_on(number, frame)
        else:
            self._first(number, lambda: self._pass_on(number, frame))

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        before = self._before[number]
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
