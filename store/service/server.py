"""The daemon's ear: any number of clients, each with one request; requests are run one by one.

A client that is slow, silent or too loud costs a connection for a while, and nobody else anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from stepwell.store.link import wire
from stepwell.store.link.client import is_ours

_ROUNDS = 12
"""Turns of the loop from accepting a connection to its task, and from aborting it to its end; and more."""

CONNECTIONS = 200
"""At most so many at once; above that the oldest without a whole request goes."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    kind: str
    words: tuple[str, ...]
    body: bytes


Handler = Callable[["Client"], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may cost; seconds."""

    request_s: float = 10.0
    """Until its request is complete."""
    answer_s: float = 10.0
    """Until it has taken the answer."""
    connections: int = CONNECTIONS


@dataclass(slots=True)
class Client:
    """A greeted client with its request."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, kind: str, body: bytes = b"") -> None:
        """Sends a message; does nothing once the client is gone."""
        if not self.writer.is_closing():
            self.writer.write(wire.Head(kind, len(body)).line() + body)

    async def gone(self) -> None:
        """Returns when the client has closed its side."""
        with contextlib.suppress(OSError):
            while await self.reader.read(wire.LINE_BYTES):
                pass


@dataclass(slots=True)
class Server:
    """Takes requests from a bound socket and hands each to `handle`."""

    greeting: wire.Greeting
    """What it says of itself; `word` is the process id."""
    store: str
    """Identity of the store; a client of another one, such as a copy, is turned away."""
    handle: Handler
    outdated: Callable[[], None]
    """Called when a client of another version comes by."""
    limits: Limits = field(default_factory=Limits)
    _waiting: dict[asyncio.Task[None], None] = field(default_factory=dict)
    """Connections without a whole request, the oldest first."""
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server = field(init=False)
    _socket: socket.socket = field(init=False)

    async def start(self, sock: socket.socket) -> None:
        """Begins to listen."""
        self._socket = sock
        self._server = await asyncio.start_unix_server(self._accept, sock=sock)

    async def stop(self) -> None:
        """Stops listening and returns when every request that was begun is answered."""
        # asyncio forgets, open, what it accepted and has no task yet when its server is closed; so
        # it first stops to accept, and closes when all that was accepted has been hung up on.
        asyncio.get_running_loop().remove_reader(self._socket)
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
            while self._waiting or self._serving:
                for task in [*self._waiting]:
                    task.cancel()
                await asyncio.wait([*self._waiting, *self._serving])
        self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task of its own"
        self._waiting[task] = None
        if len(self._waiting) + len(self._serving) > self.limits.connections:
            next(iter(self._waiting)).cancel()
        try:
            await self._serve(reader, writer, task)
        except (TimeoutError, OSError, EOFError, ValueError, asyncio.CancelledError):
            # Its own fault, or the daemon is ending; either way there is nobody to tell.
            pass
        finally:
            self._waiting.pop(task, None)
            self._serving.discard(task)
            writer.transport.abort()

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[None],
    ) -> None:
        async with asyncio.timeout(self.limits.request_s):
            request = await self._request(reader, writer)
        if request is None:
            return
        self._waiting.pop(task, None)
        self._serving.add(task)
        async with _signs_of_life(writer):
            await self.handle(Client(request, reader, writer))
        async with asyncio.timeout(self.limits.answer_s):
            writer.close()
            await writer.wait_closed()

    async def _request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Request | None:
        if not is_ours(writer.get_extra_info("socket")):
            return None
        said = wire.parse_greeting(await reader.readline())
        if said is None:
            return None
        if said.word != self.store:
            return None
        writer.write(self.greeting.line())
        if not self.greeting.fits(said):
            await writer.drain()
            self.outdated()
            return None
        head = wire.parse_head(await reader.readline())
        if head is None:
            return None
        return Request(head.kind, head.words, await reader.readexactly(head.length))


@asynccontextmanager
async def _signs_of_life(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    async def beat() -> None:
        while not writer.is_closing():
            writer.write(wire.Head("working").line())
            await asyncio.sleep(wire.BEAT_S)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
