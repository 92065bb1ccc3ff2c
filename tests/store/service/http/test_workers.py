"""Threads for requests: what waits when the server ends is not begun any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.store import BusyError, Workspace
from stepwell.store.engine.journal import Moment
from stepwell.store.service.http.workers import READERS, Workers


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    """Workers on a workspace of one step; the test closes them."""
    (tmp_path / "project").mkdir()
    Workspace.init(tmp_path / "project", home=tmp_path / "home").close()
    return Workers(lambda: Workspace.open(tmp_path / "project", home=tmp_path / "home"))


def test_what_is_done_at_once_is_done_here_and_never_beside_a_thread(workers: Workers) -> None:
    """On an opening that a thread made before, works on no more, and brought to where it is now."""
    asyncio.run(_at_once(workers))


async def _at_once(workers: Workers) -> None:
    def look(_: Workspace) -> threading.Thread:
        return threading.current_thread()

    def moment(workspace: Workspace) -> Moment:
        return workspace.moment

    begun, go_on = threading.Event(), threading.Event()

    def wait(_: Workspace) -> bool:
        begun.set()
        return go_on.wait(20)

    now = await workers.write(moment, "a look")
    assert workers.read_at_once(look, now) is None
    assert await workers.read(moment) == now
    assert workers.read_at_once(look, now) is threading.current_thread()
    assert workers.read_at_once(lambda _: None, now) is None
    under_way = asyncio.create_task(workers.read(wait))
    assert await asyncio.to_thread(begun.wait, 20)
    under_way.cancel()
    await asyncio.wait((under_way,))
    assert workers.read_at_once(look, now) is None
    go_on.set()
    changes: list[Callable[[Workspace], object]] = [
        lambda workspace: workspace.mark(workspace.head(), label="new"),
        lambda workspace: workspace.seal(),
    ]
    for change in changes:
        await workers.write(change, "a change")
        before, now = now, await workers.write(moment, "a look")
        assert now != before
        assert workers.read_at_once(look, now) is None
        assert await workers.read(moment) == now
        assert workers.read_at_once(moment, now) == now
    workers.close()
    assert workers.read_at_once(look, now) is None


def test_at_the_end_only_what_is_under_way_is_waited_for(workers: Workers) -> None:
    """What waits hears of it, and so does what comes afterwards."""
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
