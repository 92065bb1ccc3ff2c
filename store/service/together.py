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
from typing import Any, Generic, TypeVar, cast

from stepwell.store.service.held import HeldWorkspace

T = TypeVar("T")

Work = Callable[[], Callable[[], T]]
"""Records, and returns what makes the answer once that is on disk."""


class Waiting(Generic[T]):
    """One capture that waits for its turn, for its company's sync, and for its answer."""

    def __init__(self, work: Work[T], answered: asyncio.Future[T]) -> None:
        self.answered = answered
        self._work = work
        self._recorded: Callable[[], T] | None = None
        self._answer: T | None = None
        self._failed: Exception | None = None
        self._finished = False

    def run(self) -> None:
        """Records; what goes wrong is the answer."""
        try:
            self._recorded = self._work()
        except Exception as error:
            self._failed = error

    def finish(self, lost: Exception | None) -> None:
        """Makes the answer; `lost` says why what was recorded is not on disk."""
        self._failed = lost or self._failed
        try:
            if self._failed is None and self._recorded is not None:
                self._answer = self._recorded()
        except Exception as error:
            self._failed = error
        self._finished = True

    def give_up(self, why: Exception) -> None:
        """Makes that the answer, unless there is one."""
        if not self._finished:
            self.finish(self._failed or why)

    def answer(self) -> None:
        """Gives the answer, on the loop, unless whoever waited is gone."""
        if self.answered.done():
            return
        if not self._finished:
            self.answered.cancel()
        elif self._failed is not None:
            self.answered.set_exception(self._failed)
        else:
            self.answered.set_result(cast("T", self._answer))


def run_together(
    workspace: HeldWorkspace,
    waiting: deque[Waiting[Any]],
    begun: list[Waiting[Any]],
    lost: Callable[[Exception], None],
) -> None:
    """Runs those that wait, the first one in any case; each goes over to `begun`, to be answered.

    What has to be synced earlier ends the company, so that all who are begun depend on one sync. If
    that fails it is the answer of all, and `lost` is told.
    """
    why: Exception | None = None
    try:
        with workspace.one_sync():
            until = math.inf
            while waiting and workspace.shares and time.monotonic() < until:
                begun.append(waiting.popleft())
                begun[-1].run()
                until = min(until, time.monotonic() + workspace.sync_s)
    except Exception as error:
        why = error
        lost(error)
    for one in begun:
        one.finish(why)
