"""Nobody comes in without the token, by another name, or from another site; on no route."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from support.daemons import until
from support.httpserver import Served, http_server

from stepwell.store import Workspace
from stepwell.store.service.http.gate import Gate, Limits, Send
from stepwell.store.service.http.keys import Keys

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def _paths(server: Served) -> list[str]:
    """Every route of the document, filled in, and some that there are not."""
    names = {"{name}": "claude:s1", "{client_id}": "x", "{snapshot}": "@", "{seq}": "2"}
    names |= {"{step}": "@", "{agent}": "claude"}
    found = []
    for path in server.ask("GET", "/openapi.json").json["paths"]:
        for name, value in names.items():
            path = path.replace(name, value)
        assert "{" not in path
        found.append(path)
    return [*found, "/openapi.json", "/", "/docs", "/nothing", "//healthz", "/%2e%2e/healthz", "*"]


def test_the_matrix_of_routes_methods_hosts_origins_and_tokens(server: Served) -> None:
    """Each wrong thing alone is refused, everywhere, before anything is looked at."""
    port, good = server.port, f"Bearer {server.token}"
    wrong = [
        ({}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Bearer {'0' * 64}"}, 401),
        ({"Authorization": good, "Host": f"evil.example:{port}"}, 403),
        ({"Authorization": good, "Origin": "http://evil.example"}, 403),
        ({"Authorization": good, "Origin": "null"}, 403),
        ({"Authorization": good, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Authorization": good, "Sec-Fetch-Site": "same-site"}, 403),
    ]
    before = _number(server)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for path, method in itertools.product(_paths(server), METHODS):
        for headers, status in wrong:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == status, (method, path, headers, said)
            assert answer.getheader("access-control-allow-origin") is None
            if method != "HEAD":
                assert answer.getheader("content-type") == "application/problem+json"
    connection.close()
    assert _number(server) == before


def _number(server: Served) -> int:
    with Workspace.open(server.root, home=server.home) as ws:
        return ws.view().number


def test_methods_that_a_route_has_not_are_refused_with_the_token(server: Served) -> None:
    """OPTIONS is answered nowhere: there is no CORS. The answer says which methods there are."""
    document = server.ask("GET", "/openapi.json").json["paths"]
    assert len(document) >= 20
    for path in ("/sessions", "/snapshots", "/rollback"):
        for method in METHODS:
            if method.lower() in document[path]:
                continue
            refused = server.ask(method, path)
            assert refused.status == 405, (method, path)
            assert refused.headers["allow"].lower().split(", ") == sorted(document[path])
            if method != "HEAD":
                assert refused.json["code"] == "method_not_allowed"
    refused = server.ask("POST", "/openapi.json", {})
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


HOSTS = [
    "",
    "localhost",
    "127.0.0.1",
    "localhost.:{port}",
    "127.1:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "0.0.0.0:{port}",
    "127.0.0.1:{other}",
    "evil.example",
    "evil.example:{port}",
    "localhost:{port}@evil.example",
    "user@localhost:{port}",
    "localhost:{port}.evil.example",
    "localhost:{port}, evil.example",
    "localhost:0{port}",
]


@pytest.mark.parametrize("host", HOSTS)
def test_every_other_host_is_refused(server: Served, host: str) -> None:
    """Whatever a name was made to point to this machine."""
    named = host.format(port=server.port, other=server.port + 1)
    request = f"GET /healthz HTTP/1.1\r\nHost: {named}\r\n{_shown(server)}\r\n".encode()
    assert server.raw(request).split()[1] in (b"400", b"403")


def test_no_answer_may_be_kept(server: Served) -> None:
    """By a browser or a proxy, whether it was refused or not."""
    for token in (server.token, "wrong"):
        headers = server.ask("GET", "/sessions", token=token).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_no_host_and_two_hosts_are_refused(server: Served) -> None:
    """One of them might be looked at, and the other meant."""
    host = f"Host: localhost:{server.port}\r\n"
    for hosts in ("", host * 2, f"{host}Host: evil.example\r\n"):
        request = f"GET /healthz HTTP/1.1\r\n{hosts}{_shown(server)}\r\n".encode()
        assert server.raw(request).split()[1] == b"400"
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]"):
        headers = {"Host": f"{name}:{server.port}", "Origin": f"http://localhost:{server.port}"}
        assert server.ask("GET", "/healthz", headers=headers).status == 200


def _shown(server: Served) -> str:
    return f"Authorization: Bearer {server.token}\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "shown",
    [
        "Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n",
        "Authorization: Bearer {token}\r\nAuthorization: Bearer x\r\n",
        "Authorization: Basic {token}\r\n",
        "Authorization: {token}\r\n",
        "Authorization: Bearer  {token}\r\n",
        "Authorization: Bearer {token}x\r\n",
        "Authorization: Bearer {prefix}\r\n",
        "Authorization: Bearer {upper}\r\n",
        "Authorization: Bearer \xc3\xbc\xf0\x9f\x98\x80\r\n",
        "Cookie: token={token}\r\n",
        "X-Token: {token}\r\n",
    ],
)
def test_nothing_but_one_bearer_token_is_taken(server: Served, shown: str) -> None:
    """No part of it, no second header, no cookie."""
    token = server.token
    text = shown.format(token=token, prefix=token[:-1], upper=token.upper())
    host = f"Host: localhost:{server.port}\r\nConnection: close\r\n"
    for path in ("/healthz", f"/healthz?token={token}&access_token={token}"):
        request = f"GET {path} HTTP/1.1\r\n{host}{text}\r\n".encode("latin-1")
        assert server.raw(request).split()[1] == b"401"


def test_the_reading_token_only_looks(server: Served) -> None:
    """On every route that does more it is refused."""
    document = server.ask("GET", "/openapi.json").json["paths"]
    for path, methods in document.items():
        for method in methods:
            if method != "get":
                asked = server.ask(method.upper(), path, {}, token=server.reading)
                assert (asked.status, asked.json["code"]) == (403, "read_only")
    assert server.ask("GET", "/sessions", token=server.reading).status == 200


def test_the_tokens_are_their_owners_alone_and_new_with_each_start(
    server: Served, tmp_path: Path
) -> None:
    """0600 whatever the umask, gone at the end, and never told."""
    before = os.umask(0)
    try:
        with http_server(server.root, server.home) as second:
            for name in ("http.token", "http-read.token"):
                state = os.stat(second.store / name)
                assert stat.S_IMODE(state.st_mode) == 0o600
            assert len({server.token, server.reading, second.token, second.reading}) == 4
            assert len(second.token) == 64
            assert second.ask("GET", "/healthz", token=server.token).status == 401
            second.acquire("x:y")
            assert second.stop() == 0
            assert second.process.stdout is not None
            assert second.token not in second.process.stdout.read()
    finally:
        os.umask(before)
    assert not (server.store / "http.token").exists()
    for path in server.store.rglob("*"):
        if path.is_file():
            assert second.token.encode() not in path.read_bytes()


def test_a_planted_token_is_not_believed(server: Served) -> None:
    """A link in the token's place is replaced, and what it leads to is left alone."""
    target = server.home / "precious"
    target.write_text("precious")
    (server.store / "http.token").unlink(missing_ok=True)
    (server.store / "http.token").symlink_to(target)
    with http_server(server.root, server.home) as second:
        assert not (second.store / "http.token").is_symlink()
    assert target.read_text() == "precious"


def test_a_body_that_is_too_large_or_no_json_is_refused(server: Served) -> None:
    """Told at once when it is announced, and not read to its end."""
    path = "/sessions/x/access"
    assert server.ask("POST", path, b"{").status == 400
    assert server.ask("POST", path, b"\xff\xfe").status == 400
    assert server.ask("POST", path, b"[" * 100_000).status == 400
    nested = b'{"client_id": ' + b"[" * 300 + b"]" * 300 + b"}"
    assert server.ask("POST", path, nested).json["code"] == "too_deep"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{server.port}\r\n{_shown(server)}"
    kind_of_json = "Content-Type: application/json\r\n"
    large = f"{head}{kind_of_json}Content-Length: 99999999999\r\n\r\n".encode()
    assert server.raw(large).split()[1] == b"413"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        named = f"Content-Type: {kind}\r\n" if kind else ""
        form = f"{head}{named}Content-Length: 2\r\n\r\n{{}}".encode()
        assert server.raw(form).split()[1] == b"415"


def test_headers_without_end_are_cut_off(server: Served) -> None:
    """A request line, or headers, of more than 32 KiB."""
    for content in (
        b"GET /" + b"a" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"X-A: " + b"b" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 40_000,
    ):
        try:
            assert server.raw(content)[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400", b"")
        except ConnectionError:
            continue


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"x" * 100,
    ],
)
def test_what_is_no_http_is_hung_up_on(server: Served, content: bytes) -> None:
    """And the next client is served."""
    answer = server.raw(content)
    assert answer == b"" or (answer.split()[1] == b"400" and b"problem+json" in answer)
    assert server.ask("GET", "/healthz").status == 200


def test_websockets_and_upgrades_are_not_spoken(server: Served) -> None:
    """The answer is an ordinary one, or none; with and without the token."""
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    host = f"Host: localhost:{server.port}\r\n"
    request = f"GET /events HTTP/1.1\r\n{host}{upgrade}{key}\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.connect()
    connection.sock.sendall(request)
    assert connection.sock.recv(100).split()[1] in (b"400", b"401", b"426")
    connection.close()


def test_slow_and_many_connections_keep_nobody_out(server: Served) -> None:
    """With room for 64 files: hundreds of half requests, and a whole one is answered."""
    import socket

    with http_server(server.root, server.home, files=160) as small:
        idle = []
        for number in range(300):
            sock = socket.create_connection(("127.0.0.1", small.port), timeout=20)
            if number % 2:
                sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
            idle.append(sock)
        until(lambda: _answers(small))
        for sock in idle:
            sock.close()
        until(lambda: _answers(small))
        assert small.stop() == 0


def _answers(server: Served) -> bool:
    try:
        return server.ask("GET", "/healthz").status == 200
    except OSError:
        return False


def test_a_request_that_is_broken_off_at_the_end_is_told_so() -> None:
    """A problem document, where nothing was answered yet; what was begun is only cut off."""
    assert asyncio.run(_broken_off(begun=False)) == [503, b"ending"]
    assert asyncio.run(_broken_off(begun=True)) == [200]
    assert asyncio.run(_broken_off(begun=False, whole=False)) == [503, b"ending"]


async def _broken_off(*, begun: bool, whole: bool = True) -> list[object]:
    sent: list[MutableMapping[str, Any]] = []

    async def app(_: object, __: object, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        ready.set()
        await asyncio.Event().wait()

    async def receive() -> MutableMapping[str, Any]:
        if not whole:
            ready.set()
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    ready = asyncio.Event()
    headers = [(b"host", b"localhost:1"), (b"authorization", b"Bearer w")]
    scope = {"type": "http", "method": "GET", "path": "/x", "headers": headers}
    gate = Gate(app, Keys(b"w", b"r"), frozenset({b"localhost:1"}), Limits())
    task = asyncio.create_task(gate(scope, receive, send))
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return [
        one["status"] if "status" in one else json.loads(one["body"])["code"].encode()
        for one in sent
    ]
