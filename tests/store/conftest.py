"""A workspace with a clock that ticks and randomness that repeats."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.daemons import daemon_thread
from support.sharing import Make, git, workspaces

from stepwell.store import Workspace

FIRST_NS = 1_700_000_000_000_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with two files and a subfolder."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "README.md").write_text("# a project\n")
    (folder / "src" / "app.py").write_text("def run():\n    return 1\n")
    return folder


@pytest.fixture
def clock() -> Callable[[], int]:
    """A clock that moves one second with each look."""
    ticks = itertools.count(FIRST_NS, 1_000_000_000)
    return lambda: next(ticks)


@pytest.fixture
def ws(alone: Workspace) -> Workspace:
    """The project as an initialised workspace."""
    return alone


@pytest.fixture
def alone(project: Path, home: Path) -> Iterator[Workspace]:
    """The same, whatever a test file makes of `ws`."""
    with Workspace.init(project, home=home, randomness=random.Random(7).randbytes) as workspace:
        yield workspace


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets, whose path must be short."""
    with tempfile.TemporaryDirectory(prefix="sw-") as folder:
        yield Path(folder)


@pytest.fixture(params=["local", "daemon"])
def either(
    request: pytest.FixtureRequest, alone: Workspace, project: Path, home: Path, runtime: Path
) -> Iterator[Workspace]:
    """The same workspace, once alone and once with a daemon that does the work."""
    if request.param == "local":
        yield alone
        return
    with daemon_thread(project, home, runtime):
        yield alone
        assert alone.daemon() is not None, "the daemon died meanwhile"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty bare repository, as a git server has it; the person's configuration is empty."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    path = tmp_path / "server.git"
    git("init", "--quiet", "--bare", path)
    return path


@pytest.fixture
def make(tmp_path: Path, server: Path) -> Iterator[Make]:
    """Makes workspaces of their own persons, which know the server as `origin`."""
    made, close = workspaces(tmp_path, server)
    yield made
    close()
