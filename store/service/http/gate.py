"""The gate before every route: who may come in, by which name, with how much.

Host, Origin and token are judged for every path and method, before anything knows of routes: a page
in a browser can reach loopback, too, by a name that it made point there (DNS rebinding) or by a form
that is sent without asking (CSRF).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from stepwell.store.service.http.keys import Keys
from stepwell.store.service.http.problems import TYPE, problem
from stepwell.store.service.http.segments import routed

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_LOOKING = frozenset({b"GET", b"HEAD", b"OPTIONS"})
"""Methods that change nothing; no route has OPTIONS: there is no CORS."""
_DRAINED_BYTES = 256 << 10
_DRAINED_S = 1.0
_CAUTION = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_SAFE_SITES = frozenset({b"none", b"same-origin"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send, and how long it may take."""

    body_bytes: int = 24 << 20
    """State of 16 MiB may come with its characters escaped."""
    depth: int = 200
    """Nesting of JSON."""
    head_bytes: int = 32 << 10
    head_s: float = 10.0
    """From the first byte of a request to the end of its headers."""
    body_s: float = 30.0
    idle_s: float = 75.0
    """Between two requests, and before the first."""
    connections: int = 4_096
    drain_s: float = 5.0
    """How long requests under way may take when the server ends."""


class _Refused(Exception):
    def __init__(self, status: int, code: str, detail: str, hint: str = "") -> None:
        self.answer = problem(status, code, detail, hint=hint)


class Gate:
    """An ASGI application around another one. `hosts` are the names that we go by, with the port."""

    def __init__(self, app: App, keys: Keys, hosts: frozenset[bytes], limits: Limits) -> None:
        self._app = app
        self._keys = keys
        self._hosts = hosts
        self._origins = frozenset(b"http://" + host for host in hosts)
        self._limits = limits

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers a request, itself or through the application."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        sender = _Unkept(send)
        try:
            await self._admit(scope, receive, sender)
        except asyncio.CancelledError:
            # The server ends, and this took longer than it waits.
            if not sender.begun:
                hint = "ask again once it runs"
                await _answer(sender, *problem(503, "ending", "the server is ending", hint=hint))
            raise

    async def _admit(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            self._judge(scope)
            body = await self._body(scope, receive)
        except _Refused as refused:
            await _drain(receive)
            await _answer(send, *refused.answer)
            return
        if b"%" in (raw := scope.get("raw_path") or b""):
            scope["path"] = routed(raw)
        await self._app(scope, _replayed(body, receive), send)

    def _judge(self, scope: MutableMapping[str, Any]) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._judge_names(headers)
        scope["stepwell.scope"] = held = self._keys.scope_of(_token(headers))
        if held is None:
            raise _Refused(
                401,
                "unauthorized",
                "the request shows no token of this server",
                "send the content of the token file: Authorization: Bearer TOKEN",
            )
        method = scope["method"].encode("ascii")
        if held == "read" and method not in _LOOKING:
            raise _Refused(403, "read_only", "this token lets its holder look only")

    def _judge_names(self, headers: list[tuple[bytes, bytes]]) -> None:
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            raise _Refused(400, "bad_host", "the request does not name one host")
        if hosts[0].lower() not in self._hosts:
            raise _Refused(403, "foreign_host", "the request is for a host that this server is not")
        for name, value in headers:
            foreign = name == b"origin" and value not in self._origins
            if foreign or (name == b"sec-fetch-site" and value not in _SAFE_SITES):
                raise _Refused(403, "foreign_origin", "the request comes from another site's page")

    async def _body(self, scope: MutableMapping[str, Any], receive: Receive) -> bytes:
        """Reads the whole body, so that nothing behind the gate waits for a client."""
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limits.body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_s):
                body = await self._whole(receive)
        except TimeoutError:
            raise _Refused(408, "too_slow", "the request's body did not come in time") from None
        if body:
            if headers.get(b"content-type", b"").partition(b";")[0].strip() != b"application/json":
                raise _Refused(415, "not_json", "a body has to be application/json")
            self._check(body)
        return body

    async def _whole(self, receive: Receive) -> bytes:
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refused(400, "gone", "the client is gone")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limits.body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> _Refused:
        most = self._limits.body_bytes
        return _Refused(413, "too_large", f"the request's body is larger than {most:,} bytes")

    def _check(self, body: bytes) -> None:
        try:
            shallow = _is_shallow(json.loads(body), self._limits.depth)
        except RecursionError:
            shallow = False
        except ValueError:
            raise _Refused(400, "bad_json", "the request's body is no JSON") from None
        if not shallow:
            raise _Refused(400, "too_deep", "the request's body is nested too deeply")


def _token(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Returns the token that one Authorization header shows; empty for none, or several."""
    shown = [value for name, value in headers if name == b"authorization"]
    if len(shown) != 1:
        return b""
    scheme, _, token = shown[0].partition(b" ")
    return token if scheme.lower() == b"bearer" else b""


def _is_shallow(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = (
            [
                inner
                for outer in level
                for inner in (outer.values() if isinstance(outer, dict) else outer)
                if isinstance(inner, dict | list)
            ]
            if all(isinstance(one, dict | list) for one in level)
            else []
        )
        if not level:
            return True
    return False


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Returns a receiver that gives the body once, then what still comes: that the client left."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class _Unkept:
    """A sender that tells browsers and proxies to keep nothing and to guess at nothing."""

    def __init__(self, send: Send) -> None:
        self.begun = False
        self._send = send

    async def __call__(self, message: Message) -> None:
        """Passes a message on."""
        if message["type"] == "http.response.start":
            self.begun = True
            message["headers"] = [*message.get("headers", ()), *_CAUTION]
        await self._send(message)


async def _drain(receive: Receive) -> None:
    """Takes what is left of a small body: a client that is hung up on in mid-sentence hears nothing."""
    left = _DRAINED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAINED_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", TYPE.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        # What is left of a refused request is not read.
        (b"connection", b"close"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
