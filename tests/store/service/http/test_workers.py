"""Threads for requests: what waits when the server ends is not begun any more."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from stepwell.store import BusyError, Workspace
from stepwell.store.service.http.workers import READERS, Workers


def test_at_the_end_only_what_is_under_way_is_waited_for(tmp_path: Path) -> None:
    """What waits hears of it, and so does what comes afterwards."""
    (tmp_path / "project").mkdir()
    Workspace.init(tmp_path / "project", home=tmp_path / "home").close()
    workers = Workers(lambda: Workspace.open(tmp_path / "project", home=tmp_path / "home"))
    asyncio.run(_end(workers))


async def _end(workers: Workers) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work(_: Workspace) -> str:
        begun.release()
        return "done" if go_on.wait(20) else "forgotten"

    under_way = [asyncio.create_task(workers.read(work)) for _ in range(READERS)]
    for _ in under_way:
        assert await asyncio.to_thread(begun.acquire, timeout=20)
    waiting = [asyncio.create_task(workers.read(work)) for _ in range(5)]
    await asyncio.sleep(0)
    workers.drop_waiting()
    go_on.set()
    assert await asyncio.gather(*under_way) == ["done"] * READERS
    for one in waiting:
        with pytest.raises(BusyError):
            await one
    workers.close()
    assert not begun.acquire(blocking=False)
