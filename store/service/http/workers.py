"""Threads that work on the workspace for requests: each has an opening of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stepwell.store.engine.journal import Moment
from stepwell.store.model.errors import BusyError
from stepwell.store.workspace import Workspace

T = TypeVar("T")

READERS = 2
MOST_WAITING = 512
"""Requests that wait for one thread."""


class _Worker:
    def __init__(self, opened: Callable[[], Workspace], name: str) -> None:
        self.waiting = 0
        self.drops = False
        """Set when nothing more is begun, of what waits either."""
        self.idle = asyncio.Event()
        """Set while nobody waits."""
        self.idle.set()
        self.doing: str | None = None
        """What the thread works on."""
        self._opened = opened
        self._held = threading.Lock()
        """By whoever works on the workspace."""
        self._workspace: Workspace | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[[Workspace], T], what: str) -> T:
        if self.waiting >= MOST_WAITING:
            raise BusyError("too many requests wait already", hint="try again in a while")
        self.waiting += 1
        self.idle.clear()
        try:
            loop = asyncio.get_running_loop()
            # What was begun is finished, whoever waits for it or does not any more.
            return await asyncio.shield(loop.run_in_executor(self._thread, self._do, work, what))
        finally:
            self.waiting -= 1
            if not self.waiting:
                self.idle.set()

    def _do(self, work: Callable[[Workspace], T], what: str) -> T:
        with self._held:
            if self.drops:
                raise _ending()
            self.doing = what
            try:
                if self._workspace is None:
                    self._workspace = self._opened()
                self._workspace.refresh()
                return work(self._workspace)
            finally:
                self.doing = None

    def at_once(self, work: Callable[[Workspace], T | None], now: Moment) -> T | None:
        if not self._held.acquire(blocking=False):
            return None
        try:
            if self._workspace is None or self._workspace.moment != now:
                return None
            return work(self._workspace)
        finally:
            self._held.release()

    def close(self) -> None:
        self._thread.submit(self._let_go)
        self._thread.shutdown()

    def _let_go(self) -> None:
        with self._held:
            workspace, self._workspace = self._workspace, None
            if workspace is not None:
                workspace.close()


def _ending() -> BusyError:
    return BusyError("the server is ending", hint="start it again")


class Workers:
    """One thread that writes and some that read, so that no long write holds up a look.

    `opened` opens the workspace; it is called once on each thread.
    """

    def __init__(self, opened: Callable[[], Workspace]) -> None:
        self._writer = _Worker(opened, "http-writes")
        self._ending = False
        self._readers = [_Worker(opened, f"http-reads-{n}") for n in range(READERS)]

    async def read(self, work: Callable[[Workspace], T]) -> T:
        """Runs what only reads, on the thread with the least to do, and returns its result."""
        return await min(self._readers, key=lambda one: one.waiting).run(
            work, "a request that reads"
        )

    def read_at_once(self, work: Callable[[Workspace], T | None], now: Moment) -> T | None:
        """Runs, without a thread, what only looks at memory, on an opening that no thread works on.

        The opening is one that sees the store as of `now`; none is brought there, which would read.
        None: there is no such opening, or `work` returned that of each: it needs a thread.
        """
        found = (reader.at_once(work, now) for reader in self._readers)
        return next((one for one in found if one is not None), None)

    async def write(self, work: Callable[[Workspace], T], what: str) -> T:
        """Runs what may write, one at a time in the order of coming; it is never broken off.

        `what` tells a person what it is, while somebody waits for it.

        Raises:
            BusyError: too many wait already, or the server ends.
        """
        if self._ending:
            raise _ending()
        return await self._writer.run(work, what)

    @property
    def under_way(self) -> str | None:
        """What is being done, a write before what only reads; None: nothing."""
        every = (worker.doing for worker in (self._writer, *self._readers))
        return next((doing for doing in every if doing), None)

    async def end_writes(self) -> None:
        """Takes no more writes, and waits for those that were taken."""
        self._ending = True
        await self._writer.idle.wait()

    def drop_waiting(self) -> None:
        """Begins nothing more: whoever waits, or comes, hears that the server ends (BusyError)."""
        for worker in (*self._readers, self._writer):
            worker.drops = True

    def close(self) -> None:
        """Waits for what is under way, and for nothing else, and closes everything."""
        self.drop_waiting()
        for worker in (*self._readers, self._writer):
            worker.close()
