"""HTTP/1.1 as uvicorn speaks it, with limits on how slowly and how much a client may ask."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stepwell.store.service.http.gate import Limits
from stepwell.store.service.http.problems import TYPE, problem


def _refusal(status: int, code: str, detail: str) -> bytes:
    """Returns an answer to what never became a request."""
    _, body = problem(status, code, detail)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
    )
    return "\r\n".join((*head, "", "")).encode("ascii") + body


_TOO_LONG = _refusal(431, "headers_too_large", "the request's headers are too large")
_NO_HTTP = _refusal(400, "bad_request", "this is no HTTP/1.1 request")


class Protocol(HttpToolsProtocol):
    """One connection. Beyond the limit of connections, the one that has us wait longest goes."""

    limits: ClassVar[Limits] = Limits()
    waiting: ClassVar[dict[Protocol, None]] = {}
    """Those that have no whole request, the one that has none longest first."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int | None = None
    """Of the request whose headers are coming; None between requests and in a body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for the first request, for a while."""
        super().connection_made(transport)
        self._rest()
        if len(self.connections) > self.limits.connections:
            longest = next(iter(self.waiting))
            del self.waiting[longest]
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._wait(None)
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes in bytes; too many before the end of the headers end the connection."""
        if self._head_bytes is None and self in self.waiting:
            self._head_bytes = 0
            self._wait(self.limits.head_s)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > self.limits.head_bytes:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuses what cannot be read as a request."""
        self.transport.write(_NO_HTTP)
        self.transport.close()

    def on_headers_complete(self) -> None:
        """Begins the answer; the body has a limit of its own, behind the gate."""
        self._head_bytes = None
        self.waiting.pop(self, None)
        self._wait(None)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        super().on_response_complete()
        if not self.transport.is_closing() and not self.pipeline and self._is_done():
            self._rest()

    def _is_done(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _rest(self) -> None:
        self.waiting[self] = None
        self._wait(self.limits.idle_s)

    def _wait(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        loop: Any = self.loop
        self._deadline = None if seconds is None else loop.call_later(seconds, self._hang_up)

    def _hang_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
