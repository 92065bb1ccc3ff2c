"""Workspaces and a bare repository that stands for a git server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.store import Workspace

Make = Callable[[str], Workspace]


def git(*arguments: str | Path) -> str:
    """Runs the real git and returns what it printed."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty bare repository; the person's configuration is empty."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    path = tmp_path / "server.git"
    git("init", "--quiet", "--bare", path)
    return path


@pytest.fixture
def make(tmp_path: Path, server: Path, request: pytest.FixtureRequest) -> Make:
    """Makes workspaces of their own persons, which know the server as `origin`."""

    def made(name: str) -> Workspace:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "who").write_text(f"{name}\n")
        ws = Workspace.init(folder, home=tmp_path / f"home of {name}")
        request.addfinalizer(ws.close)
        ws.add_remote("origin", str(server))
        return ws

    return made
