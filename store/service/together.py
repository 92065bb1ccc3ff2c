"""Captures that wait at the same time share one sync of the journal (group commit).

Nobody waits for company. While one capture is at work others may come; they are run one after the
other, as long as that holds up the first of them by less than a sync takes. So where syncs are
quick next to the work hardly anybody is held up, and where they are slow most are saved.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from stepwell.store.service.held import HeldWorkspace

T = TypeVar("T")

Work = Callable[[], Callable[[], T]]
"""Records, and returns what makes the answer once that is on disk."""


class Waiting(Generic[T]):
    """One capture that waits for its turn, for its company's sync, and for its answer."""

    def __init__(self, work: Work[T], loop: asyncio.AbstractEventLoop) -> None:
        self.answered: asyncio.Future[T] = loop.create_future()
        self._work = work
        self._loop = loop
        self._outcome: Callable[[], T] | Exception | None = None

    def run(self) -> None:
        """Records; what goes wrong is the answer."""
        try:
            self._outcome = self._work()
        except Exception as error:
            self._outcome = error

    def end(self, lost: Exception | None) -> None:
        """Answers, on the loop; `lost` says why what was recorded is not on disk."""
        outcome = lost or self._outcome
        assert outcome is not None, "it ends after it was run"
        try:
            if isinstance(outcome, Exception):
                raise outcome
            self._loop.call_soon_threadsafe(_set, self.answered.set_result, outcome())
        except Exception as error:
            self._loop.call_soon_threadsafe(_set, self.answered.set_exception, error)


def _set(answer: Callable[[Any], None], outcome: object) -> None:
    # Whoever waited may be gone.
    with suppress(asyncio.InvalidStateError):
        answer(outcome)


def run_together(
    workspace: HeldWorkspace, waiting: deque[Waiting[Any]], lost: Callable[[Exception], None]
) -> int:
    """Runs those that wait, the first one in any case, and answers them; returns how many.

    When their sync fails none of them is recorded: all are told, and `lost` is.
    """
    begun: list[Waiting[Any]] = []
    why: Exception | None = None
    try:
        with workspace.one_sync():
            until = math.inf
            while waiting and workspace.syncs and time.monotonic() < until:
                begun.append(waiting.popleft())
                begun[-1].run()
                until = min(until, time.monotonic() + workspace.sync_s)
    except Exception as error:
        why = error
        lost(error)
    for one in begun:
        one.end(why)
    return len(begun)
