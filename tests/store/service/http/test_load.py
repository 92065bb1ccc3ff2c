"""Many clients at once, idle ones, dying ones: nothing lost, doubled or torn."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import Any

import pytest
from support.httpserver import Served

from stepwell.store import Workspace

WRITERS, READERS = 8, 16


class _Client(threading.Thread):
    """Keeps one connection and asks over it until the time is over."""

    def __init__(self, server: Served, until: float) -> None:
        super().__init__()
        self.server, self.until = server, until
        self.failure: BaseException | None = None
        self.done = 0
        self.took_s: list[float] = []

    def run(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            while time.monotonic() < self.until:
                self.turn()
                self.done += 1
        except BaseException as error:
            self.failure = error
        finally:
            self._connection.close()

    def turn(self) -> None:
        raise NotImplementedError

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.server.token}", **headers}
        content = None if body is None else json.dumps(body)
        if content is not None:
            sent["Content-Type"] = "application/json"
        begun = time.monotonic()
        self._connection.request(method, path, content, sent)
        answer = self._connection.getresponse()
        text = answer.read()
        self.took_s.append(time.monotonic() - begun)
        assert answer.status in (200, 201), (method, path, answer.status, text)
        return json.loads(text)


class _Writer(_Client):
    """Has a session of its own, and takes snapshots of it with a state that says which it is."""

    def __init__(self, server: Served, until: float, number: int) -> None:
        super().__init__(server, until)
        self.session = f"load:{number}"
        self.acknowledged: list[tuple[str, int]] = []
        self._file = server.root / f"file-{number}"

    def turn(self) -> None:
        asked = {"client_id": self.session, "mode": "write", "ttl_ms": 60_000}
        lease = self.ask("POST", f"/sessions/{self.session}/access", asked)["lease"]
        self._file.write_text(f"{self.done}\n" * 50)
        body = {"description": f"{self.done}", "state": {"n": self.done}}
        path = f"/sessions/{self.session}/snapshots"
        made = self.ask("POST", path, body, **{"Stepwell-Lease": str(lease)})
        self.acknowledged.append((made["id"], self.done))


class _Reader(_Client):
    """Reads timelines, which must be whole whenever they are read."""

    def __init__(self, server: Served, until: float, number: int) -> None:
        super().__init__(server, until)
        self._number = number
        self._seen = 0

    def turn(self) -> None:
        rows = self.ask("GET", "/sessions")["sessions"]
        names = [row["name"] for row in rows if row["name"].startswith("load:")]
        if not names:
            return
        name = names[self._number % len(names)]
        steps = self.ask("GET", f"/sessions/{name}/timeline?limit=50")["steps"]
        said = [int(step["title"]) for step in steps]
        assert said == list(range(said[0], said[-1] - 1, -1)), said
        shown = self.ask("GET", f"/sessions/{name}/snapshots/{steps[0]['id']}")
        assert shown["state"] == {"n": said[0]}


def _load(server: Served, seconds: float) -> tuple[list[_Writer], list[_Reader]]:
    until = time.monotonic() + seconds
    writers = [_Writer(server, until, number) for number in range(WRITERS)]
    readers = [_Reader(server, until, number) for number in range(READERS)]
    for client in (*writers, *readers):
        client.start()
    for client in (*writers, *readers):
        client.join(120)
    failures = [client.failure for client in (*writers, *readers) if client.failure is not None]
    assert failures == []
    return writers, readers


def _check(server: Served, writers: list[_Writer]) -> None:
    """What was acknowledged is there, once, with its own state and file."""
    with Workspace.open(server.root, home=server.home) as ws:
        for writer in writers:
            steps = ws.steps(session=writer.session, limit=1_000_000)[::-1]
            assert [(step.id, int(step.title)) for step in steps] == writer.acknowledged
            assert [step.seq for step in steps] == sorted({step.seq for step in steps})
            for step in steps[:: max(1, len(steps) // 20)]:
                content = ws.read_file(step, writer._file.name.encode()).decode()
                assert content == f"{int(step.title)}\n" * 50
                assert ws.state(writer.session, at=step) == {"n": int(step.title)}
        assert ws.verify(full=True).ok


def _figures(seconds: float, writers: list[_Writer], readers: list[_Reader]) -> str:
    reads = sorted(took for reader in readers for took in reader.took_s)
    writes = sorted(took for writer in writers for took in writer.took_s)
    lines = [
        f"{name}: {len(took)} requests in {seconds:.0f} s, "
        f"median {took[len(took) // 2] * 1000:.1f} ms, "
        f"99th of 100 {took[int(len(took) * 0.99)] * 1000:.1f} ms"
        for name, took in (("reading", reads), ("writing", writes))
    ]
    return "; ".join(lines)


def test_eight_writers_and_sixteen_readers_lose_double_and_tear_nothing(server: Served) -> None:
    """For three seconds, through one server."""
    writers, readers = _load(server, 3)
    assert all(writer.done for writer in writers) and all(reader.done for reader in readers)
    _check(server, writers)


@pytest.mark.long
def test_eight_writers_and_sixteen_readers_for_a_minute(
    fresh: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same, and with figures."""
    writers, readers = _load(fresh, 60)
    _check(fresh, writers)
    with capsys.disabled():
        print(f"\n{_figures(60, writers, readers)}")  # noqa: T201


def test_a_thousand_idle_connections_keep_nobody_waiting(server: Served) -> None:
    """Each can still be used afterwards, and a new one is answered meanwhile."""
    request = f"GET /healthz HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
    request += f"Authorization: Bearer {server.token}\r\n\r\n"
    idle = [socket.create_connection(("127.0.0.1", server.port), 20) for _ in range(1_000)]
    try:
        assert server.ask("GET", "/sessions").status == 200
        server.acquire("idle:x")
        for sock in (idle[0], idle[500], idle[-1]):
            sock.sendall(request.encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for sock in idle:
            sock.close()
    assert server.ask("GET", "/healthz").status == 200


def test_clients_that_die_in_mid_request_leave_nothing_half_done(server: Served) -> None:
    """Cut after any part of a snapshot's request: it is whole, or it is not there."""
    lease = server.acquire("dying:x")
    head = f"POST /sessions/dying:x/snapshots HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
    head += f"Authorization: Bearer {server.token}\r\nStepwell-Lease: {lease}\r\n"
    body = json.dumps({"description": "dying", "state": {"n": 1}}).encode()
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    for cut in [*range(1, len(whole), 37), len(whole)]:
        sock = socket.create_connection(("127.0.0.1", server.port), 20)
        sock.sendall(whole[:cut])
        _reset(sock)
    assert server.ask("GET", "/healthz").status == 200
    with Workspace.open(server.root, home=server.home) as ws:
        for step in ws.steps(session="dying:x"):
            assert "snapshot" in step.flags and step.checkpoint is not None
            assert ws.state("dying:x", at=step) == {"n": 1}
        assert ws.verify(full=True).ok


def _reset(sock: socket.socket) -> None:
    """Closes a connection as a killed client's machine does: with a reset."""
    import struct

    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
