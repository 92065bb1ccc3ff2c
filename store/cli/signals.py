"""Ending long work of a command, and all that it started, in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Gives what Ctrl-C, a closed terminal and a supervisor set: all children are to end first."""
    stopped = threading.Event()
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
