"""Ending long work of a command, and all that it started, in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop(threading.Event):
    """Set by whoever runs a command without signals, when it is to end."""

    heeded = False
    """The command looks at it itself, and ends in good order."""


@contextmanager
def stopping(given: Stop | None = None) -> Iterator[threading.Event]:
    """Gives what Ctrl-C, a closed terminal and a supervisor set: all children are to end first.

    `given` is what is set instead where signals are somebody else's business.
    """
    stopped = given or Stop()
    stopped.heeded = True
    if threading.current_thread() is not threading.main_thread():
        # Signals are the business of whoever runs this command on a thread.
        yield stopped
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: stopped.set()) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def ended_alike() -> Iterator[None]:
    """Has a closed terminal and a supervisor end a command as Ctrl-C does.

    What it started in a session of its own would outlive it otherwise.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
