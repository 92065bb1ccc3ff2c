"""One look at the journal for all who wait for it to grow."""

from __future__ import annotations

import asyncio

from stepwell.store.service.http.workers import Workers

_LOOK_S = 0.1


class Pulse:
    """Wakes waiters when there is a new operation; looks only while somebody waits."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._newest = 0
        self._grown = asyncio.Event()
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None

    async def beyond(self, number: int, seconds: float) -> bool:
        """Waits until there are operations above `number`, at most so long; tells whether there are."""
        self._waiting += 1
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            async with asyncio.timeout(seconds):
                while self._newest <= number:
                    await self._grown.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def wake(self) -> None:
        """Lets nobody wait any longer: the server ends."""
        self._newest = 1 << 62
        self._grown.set()

    async def _look(self) -> None:
        while self._waiting and self._newest < 1 << 62:
            newest = await self._workers.read(lambda workspace: workspace.view().number)
            if newest > self._newest:
                self._newest = newest
                grown, self._grown = self._grown, asyncio.Event()
                grown.set()
            await asyncio.sleep(_LOOK_S)
