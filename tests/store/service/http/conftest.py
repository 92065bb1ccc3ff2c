"""One server for the tests of a file, over a workspace of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.httpserver import Served, http_server

from stepwell.store import Workspace

S = "claude:s1"


@contextmanager
def _served(base: Path) -> Iterator[Served]:
    """A workspace with a session of three steps, served."""
    root, home = base / "project", base / "home"
    root.mkdir()
    (root / "a").write_text("0\n")
    with Workspace.init(root, home=home) as ws:
        for number in range(1, 4):
            (root / "a").write_text(f"{number}\n")
            ws.capture(f"number {number}", session=S)
    with http_server(root, home) as served:
        yield served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server of a file's tests."""
    with _served(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for one test alone, which leaves sessions and leases that another would trip over."""
    with _served(tmp_path_factory.mktemp("fresh")) as served:
        yield served


@pytest.fixture
def lease(server: Served) -> Iterator[int]:
    """The write lease of the session, released afterwards."""
    yield server.acquire(S)
    server.ask("DELETE", f"/sessions/{S}/access/test")
