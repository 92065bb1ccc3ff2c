"""Taking the writer lock when a daemon may hold it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from stepwell.store.engine.context import Context
from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.errors import BusyError

if TYPE_CHECKING:
    from stepwell.store.link.link import Link

_LOOK_S = 0.05
"""How often whoever waits for the lock looks whether a daemon has come to hold it."""


@contextmanager
def write_turn(context: Context, link: Callable[[], Link | None]) -> Iterator[WriterLock]:
    """Gives the writer lock for the time of the context, borrowed from the daemon if that has it.

    Raises:
        BusyError: another process holds it for `context.wait_s`, or the daemon does not answer.
    """
    deadline = time.monotonic() + context.wait_s
    while True:
        way = link()
        loan = way.borrow() if way else None
        with loan or nullcontext():
            lock = _try(context, deadline, patient=loan is not None)
            if lock is not None:
                with lock:
                    yield lock
                return


def _try(context: Context, deadline: float, *, patient: bool) -> WriterLock | None:
    """Returns the lock, or None when it is worth another look at the daemon."""
    left = max(0.0, deadline - time.monotonic())
    try:
        wait_s = left if patient else min(left, _LOOK_S)
        return WriterLock.acquire(context.store, wait_s=wait_s, clock=context.clock)
    except BusyError:
        if time.monotonic() >= deadline:
            raise
        return None
