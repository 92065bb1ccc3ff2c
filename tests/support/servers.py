"""Git servers on this machine: git's own daemon, and connections to it that break."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.daemons import until

_LIMITED = 'trap \'\' XFSZ; ulimit -f "$0"; exec "$@"'
"""Has a program and its children find files beyond so many blocks of 512 bytes too large."""


@contextmanager
def git_daemon(above: Path, *, blocks: int | None = None) -> Iterator[int]:
    """Serves the repositories in a folder to everybody; gives the port.

    With `blocks` no file there may grow beyond so many times 512 bytes, as on a full disk.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    limit = [] if blocks is None else ["sh", "-c", _LIMITED, str(blocks)]
    listen = ["--reuseaddr", "--listen=127.0.0.1", f"--port={port}"]
    served = ["--export-all", "--enable=receive-pack", f"--base-path={above}", str(above)]
    with subprocess.Popen(
        [*limit, "git", "daemon", *listen, *served],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as daemon:
        try:
            until(lambda: _listens(port))
            yield port
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


class Line:
    """A connection to a server that breaks off after so many bytes from there."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.most: int | None = None
        """None: all bytes come through."""
        self.passed = 0
        """Bytes from the server, on the newest connection."""
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Takes no more connections."""
        # First the thread ends: else it may take one from whoever gets the descriptor's number next.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self.passed = 0
                threading.Thread(target=_pump, args=(near, far), daemon=True).start()
                threading.Thread(target=self._back, args=(far, near), daemon=True).start()

    def _back(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(1 << 10):
                left = len(data) if self.most is None else max(0, self.most - self.passed)
                near.sendall(data[:left])
                self.passed += len(data[:left])
                if left < len(data):
                    break
        for one in (near, far):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _pump(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while data := near.recv(1 << 10):
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)
