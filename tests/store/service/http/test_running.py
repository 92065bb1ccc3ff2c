"""The end of a server, as signals ask for it; what clients see of it is in test_routes.py."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from pathlib import Path

import uvicorn

from stepwell.store import Workspace
from stepwell.store.engine.access import this_process
from stepwell.store.engine.context import no_progress
from stepwell.store.service.http.answers import Parts
from stepwell.store.service.http.app import make_app
from stepwell.store.service.http.fragments import Fragments
from stepwell.store.service.http.pages import Pages
from stepwell.store.service.http.pulse import Pulse
from stepwell.store.service.http.running import _Server
from stepwell.store.service.http.workers import Workers


def test_nobody_comes_in_while_a_write_ends_and_the_second_ctrl_c_does_not_wait_for_it(
    tmp_path: Path,
) -> None:
    """The write is finished all the same."""
    (tmp_path / "project").mkdir()
    with Workspace.init(tmp_path / "project", home=tmp_path / "home") as ws:
        store = ws.store
    workers = Workers(lambda: Workspace.open(tmp_path / "project", home=tmp_path / "home"))
    pulse, pages = Pulse(workers), Pages(store)
    parts = Parts(workers, "w", this_process(), None, pulse, pages, Fragments())
    asyncio.run(_end_twice(parts))
    workers.close()


async def _end_twice(parts: Parts) -> None:
    begun, go_on, listening = threading.Event(), threading.Event(), asyncio.Event()

    def work(_: Workspace) -> bool:
        begun.set()
        return go_on.wait(60)

    config = uvicorn.Config(make_app(parts), lifespan="on", ws="none", log_config=None)
    server = _Server(config, parts, no_progress, listening.set)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        await listening.wait()
        write = asyncio.create_task(parts.workers.write(work))
        assert await asyncio.to_thread(begun.wait, 20)
        server.handle_exit(signal.SIGINT, None)
        async with asyncio.timeout(20):
            while await _answers(port):
                pass
        assert not serving.done()
        server.handle_exit(signal.SIGINT, None)
        await asyncio.wait_for(serving, 20)
    assert not write.done()
    go_on.set()
    assert await write


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
