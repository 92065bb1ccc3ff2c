"""Serving: the socket, the tokens, uvicorn with our limits, and an end in good order."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from stepwell.store.engine.access import this_process
from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.model.errors import FailedError, StepwellError, UsageError
from stepwell.store.model.ids import RandomBytes
from stepwell.store.service.http.answers import Parts
from stepwell.store.service.http.app import make_app
from stepwell.store.service.http.fragments import Fragments
from stepwell.store.service.http.gate import Gate, Limits
from stepwell.store.service.http.keys import Keys, leave_keys, take_keys
from stepwell.store.service.http.pages import Pages
from stepwell.store.service.http.protocol import Protocol
from stepwell.store.service.http.pulse import Pulse
from stepwell.store.service.http.workers import Workers
from stepwell.store.workspace import Workspace

_log = logging.getLogger("stepwell.http")
# What a client sends wrong is told to the client; without a handler it would go to stderr.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())

_AT_ONCE = 48
"""Connections that are taken before any is looked at, which must not use up what is spare."""
_QUEUE = 1_024
_LOOK_S = 0.1
"""Between two looks, while writes are waited for, whether somebody does not want to wait."""
_SPARE_FILES = 128
"""Descriptors that are not for connections: journal, packs, catalogue, children."""


Tell = Callable[[str], object]


def _nobody(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a server is started with."""

    opened: Callable[[], Workspace]
    """Opens the workspace; called on each thread that works on it."""
    store: Path
    workspace: str
    host: str = "127.0.0.1"
    port: int = 0
    config: Path | None = None
    """The person's settings; None: there are none."""
    randomness: RandomBytes = os.urandom
    limits: Limits = field(default_factory=Limits)
    progress: Progress = no_progress
    """Told, from another thread, how far it is with getting ready."""
    tell: Tell = _nobody
    """Told, for a person, what the end waits for."""


def serve(serving: Serving, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serves until SIGTERM or SIGINT; `ready` is called with the address once it listens.

    Raises:
        UsageError: the address is not of this machine alone.
        FailedError: it cannot be listened on, or the tokens cannot be written.
    """
    keys, parts = Keys.new(serving.randomness), _parts_of(serving)
    with _bound(serving.host, serving.port) as sock:
        leave_keys(serving.store, keys)
        try:
            at_once = _run(serving, parts, keys, sock, ready)
        finally:
            take_keys(serving.store, keys)
    _finish(parts, serving.tell, at_once)


def _parts_of(serving: Serving) -> Parts:
    workers = Workers(serving.opened)
    return Parts(
        workers,
        serving.workspace,
        this_process(),
        serving.config,
        Pulse(workers),
        Pages(serving.store),
        Fragments(),
    )


def _finish(parts: Parts, tell: Tell, at_once: bool) -> None:
    """Waits for what is under way. A signal ends the process then, as a kill would: nothing is lost by it.

    `at_once`: that signal came before.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
    if (what := parts.workers.under_way) is not None:
        if at_once:
            signal.raise_signal(signal.SIGINT)
        tell(
            f"nobody is connected any more; still finishing {what}: Ctrl-C ends without it, and the next command mends what that leaves"
        )
    parts.workers.close()
    parts.pages.close()


def _run(
    serving: Serving,
    parts: Parts,
    keys: Keys,
    sock: socket.socket,
    ready: Callable[[str], object],
) -> bool:
    """Serves; tells whether nothing at all is to be waited for any more."""
    limits = replace(serving.limits, connections=_room(serving.limits.connections))
    port = sock.getsockname()[1]
    gate = Gate(make_app(parts), keys, _hosts(serving.host, port), limits)

    class Limited(Protocol):
        """The protocol with this server's limits."""

    Limited.limits = limits
    Limited.waiting = {}
    config = uvicorn.Config(
        gate,
        http=Limited,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_AT_ONCE,
        timeout_keep_alive=int(limits.idle_s),
        timeout_graceful_shutdown=int(limits.drain_s),
    )
    url = f"http://{_spelled(serving.host)}:{port}"
    server = _Server(config, parts, serving, lambda: ready(url))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])
    return server.ends_at_once


class _Server(uvicorn.Server):
    """A server that tells when it listens, and ends streams before it waits for requests."""

    def __init__(
        self, config: uvicorn.Config, parts: Parts, serving: Serving, ready: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._parts = parts
        self._progress = serving.progress
        self._tell = serving.tell
        self._ready = ready
        self.ends_at_once = False
        """Ctrl-C came again although nobody is waited for any more."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        asyncio.get_running_loop().set_exception_handler(_note)
        await super().startup(sockets)
        await self._get_ready()
        for sock in sockets or ():
            # The kernel may keep more waiting than are taken at once.
            sock.listen(_QUEUE)
        self._ready()

    async def _get_ready(self) -> None:
        """Makes long timelines quick, once for each thousand steps; without that they are slower."""
        fragments = self._parts.fragments

        def work(workspace: Workspace) -> None:
            fragments.make_ready(workspace, self._progress, lambda: self.should_exit)

        try:
            await self._parts.workers.read(work)
        except StepwellError as error:
            _log.warning("%s", error.message)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends in good order; at the second Ctrl-C it hangs up on everybody, and begins nothing more.

        A write under way is finished even then. The signal is not raised again afterwards, as uvicorn
        would: there is still work to do.
        """
        self.ends_at_once |= self.force_exit and sig == signal.SIGINT
        self.force_exit |= self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more, finishes what is under way, and ends.

        A write cannot be broken off, so that its client is told of it however long it takes, unless
        nobody is to be waited for.
        """
        self._parts.ending.set()
        self._parts.pulse.wake()
        for server in self.servers:
            server.close()
        writes = asyncio.create_task(self._parts.workers.end_writes())
        await asyncio.wait((writes,), timeout=_LOOK_S)
        if not writes.done():
            what = self._parts.workers.under_way or "a write"
            self._tell(f"finishing {what} first; Ctrl-C again hangs up on its client")
        while not (writes.done() or self.force_exit):
            await asyncio.wait((writes,), timeout=_LOOK_S)
        if self.force_exit:
            self._hang_up()
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        self._parts.workers.drop_waiting()
        for connection in self.server_state.connections:
            connection.transport.abort()


def _note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs what the loop would print, such as a connection that could not be accepted."""
    _log.warning("%s: %s", context["message"], context.get("exception"))


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    address = _loopback(host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    # asyncio sends small answers at once only over a socket that is said to be TCP.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((str(address), port))
        sock.listen(_QUEUE)
    except OSError as error:
        sock.close()
        raise FailedError(
            f"the server cannot listen on {_spelled(host)}:{port}: {error.strerror}",
            hint="choose another --port; 0 takes a free one",
            errno=error.errno,
        ) from error
    with sock:
        yield sock


def _loopback(host: str) -> Any:
    """Returns the address of a host; raises UsageError unless it is of this machine alone."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise UsageError(
            f"the server listens on this machine alone, not on {host}",
            hint="127.0.0.1 or ::1; reach it from elsewhere through ssh -L",
        )
    return address


def _spelled(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _hosts(host: str, port: int) -> frozenset[bytes]:
    names = {"localhost", "127.0.0.1", "[::1]", _spelled(host)}
    return frozenset(f"{name}:{port}".encode("ascii") for name in names)


def _room(wanted: int) -> int:
    """Returns how many connections there is room for, once the limit of files is as high as may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    best = hard if hard != resource.RLIM_INFINITY else max(soft, wanted + _SPARE_FILES)
    target = max(soft, min(best, wanted + _SPARE_FILES))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = target
    return max(8, min(wanted, soft - _SPARE_FILES))
