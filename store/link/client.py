"""One request to a daemon: connecting, asking, waiting for the answer while the daemon works."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from stepwell.store.link import wire
from stepwell.store.link.address import identity, read_link
from stepwell.store.model.errors import BusyError

_GONE = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError, PermissionError)


class LostError(Exception):
    """The daemon went away before it answered; what it had done by then is not known."""


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """A daemon that answers."""

    pid: int
    version: str


class Connection:
    """A greeted daemon; good for one request. Use it as a context."""

    def __init__(self, sock: socket.socket, stream: BinaryIO, daemon: DaemonInfo) -> None:
        self.daemon = daemon
        self._socket = sock
        self._stream = stream

    def close(self) -> None:
        """Lets the daemon go, whether it has answered or not."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, head: wire.Head, body: bytes = b"") -> None:
        """Sends the request.

        Raises:
            BusyError: the daemon does not take it.
            LostError: the daemon is gone.
        """
        try:
            self._socket.sendall(head.line() + body)
        except TimeoutError:
            raise silent(self.daemon.pid) from None
        except OSError as error:
            raise LostError from error

    def receive(self) -> tuple[wire.Head, bytes]:
        """Returns the next message that is more than a sign of life.

        Raises:
            BusyError: not even that came for `wire.PATIENCE_S`.
            LostError: the daemon is gone.
        """
        while True:
            try:
                head = wire.parse_head(self._stream.readline(wire.LINE_BYTES))
                body = self._stream.read(head.length) if head else b""
            except TimeoutError:
                raise silent(self.daemon.pid) from None
            except OSError as error:
                raise LostError from error
            if head is None or len(body) != head.length:
                raise LostError
            if head.kind != "working":
                return head, body


def connect(store: Path, version: str, patience_s: float) -> Connection | None:
    """Returns a connection to the daemon of a store; None when none runs that understands us.

    Raises:
        BusyError: one runs and does not answer for `patience_s`.
    """
    target = read_link(store)
    if target is None:
        return None
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(patience_s)
        sock.connect(target)
        connection = _greet(sock, wire.Greeting(wire.PROTOCOL, version, identity(store)))
        sock.settimeout(wire.PATIENCE_S)
    except (TimeoutError, BlockingIOError):
        sock.close()
        raise silent(_holder(store)) from None
    except (*_GONE, ConnectionError):
        connection = None
    except BaseException:
        sock.close()
        raise
    if connection is None:
        sock.close()
    return connection


def _greet(sock: socket.socket, greeting: wire.Greeting) -> Connection | None:
    if not is_ours(sock):
        return None
    sock.sendall(greeting.line())
    stream = sock.makefile("rb")
    try:
        answer = wire.parse_greeting(stream.readline(wire.LINE_BYTES))
    except BaseException:
        stream.close()
        raise
    if answer is None or not answer.fits(greeting) or not answer.word.isdecimal():
        stream.close()
        return None
    return Connection(sock, stream, DaemonInfo(int(answer.word), answer.version))


def is_ours(sock: socket.socket) -> bool:
    """Tells whether the other side is a process of this user, or of root.

    Where the system does not say, the folder of the socket, which is closed to others, has to do.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, 12))
    return uid in (os.geteuid(), 0)


def silent(pid: int | None) -> BusyError:
    """Returns the error for a daemon that runs and does not answer."""
    who = f"its daemon, process {pid}," if pid else "its daemon"
    return BusyError(
        f"the store cannot be written: {who} does not answer",
        hint="see what that process is doing, or end it: the next command works without it",
        pid=pid,
    )


def _holder(store: Path) -> int | None:
    from stepwell.store.engine.lock import holder

    return holder(store)
