"""Measures the HTTP server: a session's timeline, asked for by many clients at once.

    .venv/bin/python bench/served.py ROOT HOME          over a workspace that there is

The clients are one process of its own that speaks HTTP over plain sockets, so that little of the time is theirs.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENTS = 16
PATH = "/sessions/bench:s1/timeline?limit=50"
WAYS = ("any page, at random", "the newest page", "all pages in turn")
"""Random pages come again now and then, pages in turn only once all were asked for, the newest always.
A server that still has the page that it put together sends that."""
RANDOM, NEWEST, IN_TURN = range(3)

ORDER = {
    "first": ((CLIENTS, RANDOM), (1, NEWEST), (CLIENTS, NEWEST)),
    "again": ((1, RANDOM), (CLIENTS, IN_TURN)),
}
START = "HTTP: start to listening, {}"

Tell = Callable[[str, list[float]], object]


def measure(root: Path, home: Path, requests: int, tell: Tell) -> None:
    """Tells the milliseconds of each request: of one client alone, and of 16 at once.

    Random pages are the first that a server is asked for: it has the steps' texts ready, which it
    made or read before it listened, and has put no page together.
    """
    for when in ("first", "again"):
        begun = time.perf_counter()
        with _served(root, home) as (port, token):
            tell(START.format(when), [(time.perf_counter() - begun) * 1000])
            for clients, way in ORDER[when]:
                told = [str(number) for number in (port, clients, requests, way)]
                command = [sys.executable, __file__, "--ask", *told]
                ran = subprocess.run(
                    command, input=token, capture_output=True, text=True, check=True
                )
                tell(name_of(clients, way), [float(word) for word in ran.stdout.split()])


def name_of(clients: int, way: int) -> str:
    """Returns what a measure is called."""
    whose = f"{clients} client{'s' * (clients > 1)}"
    return f"HTTP: timeline of 50 steps, {WAYS[way]}, {whose}"


@contextmanager
def _served(root: Path, home: Path) -> Iterator[tuple[int, str]]:
    stepwell = Path(sys.executable).with_name("stepwell")
    environment = {**os.environ, "STEPWELL_HOME": str(home)}
    command = [str(stepwell), "serve", "-C", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rsplit(":", 1)[1])
            token = Path(server.stdout.readline().split(" in ", 1)[1].strip())
            yield port, token.read_text().strip()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


async def _ask(port: int, token: str, clients: int, requests: int, way: int) -> list[float]:
    rest = f" HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    found: list[float] = []
    newest = int(await _first(port, rest))
    chance = random.Random(1)

    async def client(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(requests // clients + 1):
            # Pages lie some steps apart, over the whole history and again from its end.
            back = (number * clients + place) * 23 % max(1, newest - 60)
            if way == RANDOM:
                back = chance.randrange(max(1, newest - 60))
            after = f"&after={newest - back}" if way != NEWEST else ""
            begun = time.perf_counter()
            writer.write(f"GET {PATH}{after}{rest}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            size = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            body = await reader.readexactly(size)
            took = (time.perf_counter() - begun) * 1000
            assert answer.startswith(b"HTTP/1.1 200") and body.count(b'"seq"') == 50
            found.append(took)
        writer.close()

    await asyncio.gather(*(client(place) for place in range(clients)))
    return found


async def _first(port: int, rest: str) -> str:
    """Returns the number of the newest step."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {PATH}{rest}".encode())
    await reader.readuntil(b'"seq": ')
    number = (await reader.readuntil(b","))[:-1].decode()
    writer.close()
    return number


def main() -> None:
    if sys.argv[1] == "--ask":
        port, clients, requests, way = map(int, sys.argv[2:])
        times = asyncio.run(_ask(port, sys.stdin.read(), clients, requests, way))
        print("\n".join(f"{took:.3f}" for took in times))
        return
    root, home = map(Path, sys.argv[1:])

    def tell(name: str, times: list[float]) -> None:
        ordered = sorted(times)
        median, last = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        print(f"{name}: {median:.2f} ms, 99 of 100 within {last:.2f} ms, n {len(ordered)}")

    measure(root, home, 4_000, tell)


if __name__ == "__main__":
    main()
