"""`stepwell serve`: what it refuses before it listens; what it does is in tests/store/service/http."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from .conftest import Run


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_only_this_machine_can_be_served(run: Run, folder: Path, host: str) -> None:
    """With a way to reach it from elsewhere."""
    ran = run("serve", "--host", host)
    assert ran.code == 2 and "this machine alone" in ran.err and "ssh -L" in ran.err


def test_a_port_that_cannot_be_had_is_told(run: Run, folder: Path) -> None:
    """And no token is left lying about."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("serve", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1 and "cannot listen" in ran.err
    assert run("serve", "--port", "70000").code == 2
    store = Path(run("status", "--json").json["store"])
    assert list(store.glob("*.token")) == []


def test_without_the_extra_it_says_what_to_install(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else works without it."""
    for name in [*sys.modules]:
        if name.startswith("stepwell.store.service.http.") and not name.endswith(".keys"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ran = run("serve")
    assert ran.code == 1 and "stepwell[server]" in ran.err
