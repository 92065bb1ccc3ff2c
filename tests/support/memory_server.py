"""A small server with its state in memory, to be killed: keeps numbers by name.

Run as `python memory_server.py thread|asyncio FOLDER INTERVAL_MS`. It says `ready PORT`, then
`saved` for each snapshot, and answers one line a connection: `NAME=NUMBER` sets, `?` lists as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socketserver
import sys
import threading
from typing import Any

from stepwell.store import MemoryPersistence


class Numbers:
    """The storage."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}

    def answer(self, line: str) -> str:
        with self._lock:
            if line != "?":
                name, _, number = line.partition("=")
                self._numbers[name] = int(number)
            return json.dumps(self._numbers)

    def snapshot(self) -> Any:
        with self._lock:
            return dict(self._numbers)

    def restore(self, data: Any) -> None:
        with self._lock:
            self._numbers = dict(data)


class Telling(logging.Handler):
    """Says aloud what is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage().split()[0])


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def serve_threads(storage: Numbers, persistence: MemoryPersistence) -> None:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(storage.answer(self.rfile.readline().decode().strip()).encode())

    with persistence, socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        say(f"ready {server.server_address[1]}")
        server.serve_forever()


async def serve_loop(storage: Numbers, persistence: MemoryPersistence) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # As many servers do: a graceful stop of their own on one of the two signals.
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(storage.answer((await reader.readline()).decode().strip()).encode())
        writer.close()

    async with persistence:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        say(f"ready {server.sockets[0].getsockname()[1]}")
        await stop.wait()
        server.close()
    say("stopped gracefully")


def main(kind: str, folder: str, interval_ms: int) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[Telling()])
    storage = Numbers()
    persistence = MemoryPersistence(storage, folder, interval_ms=interval_ms, wait_s=0.2)
    if kind == "thread":
        serve_threads(storage, persistence)
    else:
        asyncio.run(serve_loop(storage, persistence))


if __name__ == "__main__":
    # Whoever runs the tests in the background has it ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
