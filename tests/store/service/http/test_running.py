"""The end of a server, as signals ask for it; what clients see of it is in test_routes.py."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn
from support.daemons import until
from support.httpserver import Served, http_server

from stepwell.store import Workspace
from stepwell.store.engine.access import this_process
from stepwell.store.service.http.answers import Parts
from stepwell.store.service.http.app import make_app
from stepwell.store.service.http.fragments import Fragments
from stepwell.store.service.http.pages import Pages
from stepwell.store.service.http.pulse import Pulse
from stepwell.store.service.http.running import Serving, _Server
from stepwell.store.service.http.workers import Workers


def test_nobody_comes_in_while_a_write_ends_and_the_second_ctrl_c_does_not_wait_for_it(
    tmp_path: Path,
) -> None:
    """The write is finished all the same."""
    (tmp_path / "project").mkdir()
    with Workspace.init(tmp_path / "project", home=tmp_path / "home") as ws:
        store = ws.store

    def opened() -> Workspace:
        return Workspace.open(tmp_path / "project", home=tmp_path / "home")

    workers, told = Workers(opened), list[str]()
    pulse, pages = Pulse(workers), Pages(store)
    parts = Parts(workers, "w", this_process(), None, pulse, pages, Fragments())
    asyncio.run(_end_twice(parts, Serving(opened, store, "w", tell=told.append)))
    assert told == ["finishing a long write first; Ctrl-C again hangs up on its client"]
    workers.close()


async def _end_twice(parts: Parts, serving: Serving) -> None:
    begun, go_on, listening = threading.Event(), threading.Event(), asyncio.Event()

    def work(_: Workspace) -> bool:
        begun.set()
        return go_on.wait(60)

    config = uvicorn.Config(make_app(parts), lifespan="off", ws="none", log_config=None)
    server = _Server(config, parts, serving, listening.set)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        running = asyncio.create_task(server.serve(sockets=[sock]))
        await listening.wait()
        write = asyncio.create_task(parts.workers.write(work, "a long write"))
        assert await asyncio.to_thread(begun.wait, 20)
        server.handle_exit(signal.SIGINT, None)
        async with asyncio.timeout(20):
            while await _answers(port):
                pass
        assert not running.done()
        server.handle_exit(signal.SIGINT, None)
        await asyncio.wait_for(running, 20)
    assert not write.done()
    go_on.set()
    assert await write


def test_ctrl_c_says_what_it_waits_for_and_the_third_loses_nothing_that_was_answered(
    tmp_path: Path,
) -> None:
    """The second hangs up on the client; the third ends the process in the middle of the write, in silence."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    Workspace.init(root, home=home).close()
    with http_server(root, home, stderr=subprocess.PIPE) as server, ThreadPoolExecutor(1) as client:
        lease, at, said = server.acquire("a/b"), "/sessions/a%2Fb/snapshots", server.process.stderr
        kept = server.ask("POST", at, {"description": "kept"}, lease=lease).json["id"]
        for number in range(2):
            (root / f"large{number}").write_bytes(os.urandom(45 << 20))
        before = _journal_bytes(server)
        asked = client.submit(server.ask, "POST", at, {"description": "late"}, lease=lease)
        until(lambda: _journal_bytes(server) > before + (1 << 20))
        assert said is not None
        for told in (f"finishing POST {at} first; ", "nobody is connected any more; "):
            server.process.send_signal(signal.SIGINT)
            assert said.readline().startswith(told)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == -signal.SIGINT
        assert said.read() == ""
        with pytest.raises(http.client.RemoteDisconnected):
            asked.result(20)
    for path in root.glob("large*"):
        path.unlink()
    with Workspace.open(root, home=home) as ws:
        assert [step.title for step in ws.steps(limit=1)] == ["kept"]
        assert ws.head().id == kept
        (root / "small").touch()
        assert ws.capture("after").parents == (kept,)
        assert not ws.verify().damaged


def _journal_bytes(server: Served) -> int:
    return sum(one.stat().st_size for one in (server.store / "journal").glob("*.segment"))


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
