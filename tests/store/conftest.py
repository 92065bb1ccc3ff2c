"""A workspace with a clock that ticks and randomness that repeats."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
def ws(project: Path, home: Path) -> Iterator[Workspace]:
    """The project as an initialised workspace."""
    with Workspace.init(project, home=home, randomness=random.Random(7).randbytes) as workspace:
        yield workspace
