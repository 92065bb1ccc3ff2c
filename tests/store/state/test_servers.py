"""A server in another process is killed, and comes back with its state."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.state.envelope import opened

SERVER = Path(__file__).resolve().parents[2] / "support" / "memory_server.py"
NEVER_MS, OFTEN_MS = 3_600_000, 20


class Server:
    """One run of the server."""

    def __init__(self, kind: str, folder: Path, interval_ms: int) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, SERVER, kind, folder, str(interval_ms)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.out = self.process.stdout
        self.said = [self.out.readline().strip()]
        while self.said[-1] and not self.said[-1].startswith("ready"):
            self.said.append(self.out.readline().strip())
        self.port = int(self.said[-1].split()[1])

    def ask(self, line: str) -> Any:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(f"{line}\n".encode())
            with connection.makefile() as answer:
                return json.loads(answer.read())

    def wait_until_saved(self, data: Any) -> None:
        """Waits for the snapshot of a state; there may be others before it."""
        while _newest(self.folder) != data:
            assert self.out.readline(), "the server ended"

    def end(self, number: int) -> tuple[int, list[str]]:
        """Sends a signal; returns how the server ended and what it said."""
        self.process.send_signal(number)
        out, self.err = self.process.communicate(timeout=60)
        return self.process.returncode, out.splitlines()


def _newest(folder: Path) -> Any:
    paths = sorted(folder.glob("snapshot-*.json.gz"))
    return opened(paths[-1].read_bytes()).data if paths else None


Start = Callable[[int], Server]


@pytest.fixture(params=["thread", "asyncio"])
def kind(request: pytest.FixtureRequest) -> str:
    """With threads, or on an event loop."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def start(tmp_path: Path, kind: str) -> Iterator[Start]:
    """Starts servers over one folder; each is gone at the end."""
    started: list[Server] = []

    def call(interval_ms: int) -> Server:
        started.append(Server(kind, tmp_path / "memory", interval_ms))
        return started[-1]

    yield call
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def test_a_server_that_is_terminated_comes_back_with_its_state(start: Start, kind: str) -> None:
    """Saved by the signal; then what the host does on it happens, as without us."""
    server = start(NEVER_MS)
    assert server.ask("a=1") == {"a": 1}
    assert server.ask("b=2") == {"a": 1, "b": 2}
    code, said = server.end(signal.SIGTERM)
    assert "saved" in said
    if kind == "thread":
        assert code == -signal.SIGTERM
    else:
        assert code == 0 and said[-1] == "stopped gracefully"
    again = start(NEVER_MS)
    assert "restored" in again.said
    assert again.ask("?") == {"a": 1, "b": 2}


def test_a_server_that_is_interrupted_comes_back_with_its_state(start: Start) -> None:
    """The host still gets its KeyboardInterrupt."""
    server = start(NEVER_MS)
    server.ask("a=1")
    code, said = server.end(signal.SIGINT)
    assert code in (1, 130, -signal.SIGINT) and "KeyboardInterrupt" in server.err
    assert said.count("saved") == 1 and said[-1] == "closed"
    assert start(NEVER_MS).ask("?") == {"a": 1}


def test_a_server_that_is_killed_comes_back_with_what_was_saved_last(start: Start) -> None:
    """From the snapshots at an interval, three times in a row."""
    expected: dict[str, int] = {}
    for number in range(3):
        server = start(OFTEN_MS)
        assert server.ask("?") == expected
        expected[f"n{number}"] = number
        assert server.ask(f"n{number}={number}") == expected
        server.wait_until_saved(expected)
        server.end(signal.SIGKILL)
    assert start(NEVER_MS).ask("?") == expected


def test_a_second_server_over_the_same_folder_serves_and_saves_nothing(
    start: Start, tmp_path: Path
) -> None:
    """The lock is the first one's until it ends, however that is."""
    first = start(OFTEN_MS)
    first.ask("a=1")
    first.wait_until_saved({"a": 1})
    second = start(OFTEN_MS)
    assert "nothing" in second.said
    assert second.ask("b=2") == {"a": 1, "b": 2}
    second.end(signal.SIGTERM)
    first.end(signal.SIGKILL)
    assert start(NEVER_MS).ask("?") == {"a": 1}
