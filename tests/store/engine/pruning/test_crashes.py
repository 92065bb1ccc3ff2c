"""Removing dropped steps, and purging, killed at each changing call, and raced by captures of their content."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from support import prune_kill_points, purge_kill_points
from support.pruning import FEW, edits
from support.traces import traces

from stepwell.store import Workspace
from stepwell.store.engine.journal import JournalWriter


def report(
    first: int, step: int, program: ModuleType = prune_kill_points, what: str = ""
) -> dict[str, object]:
    """Runs the kill matrix in a process of its own, which is without threads and can fork."""
    command = [sys.executable, str(program.__file__), str(first), str(step), *what.split()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_after_a_kill_anywhere_the_next_removal_finishes() -> None:
    """A few points, spread over all of it."""
    found = report(4, 23)
    assert found["wrong"] == []
    assert int(str(found["points"])) > 60


@pytest.mark.parametrize("what", ["prune", "fold"])
def test_after_a_kill_anywhere_steps_are_dropped_or_are_not(what: str) -> None:
    """All points: there are few, as it is one operation."""
    found = report(1, 1, what=what)
    assert found["wrong"] == []
    assert int(str(found["points"])) > 2


@pytest.mark.long
@pytest.mark.timeout(900)
def test_after_a_kill_at_every_point_the_next_removal_finishes() -> None:
    """All points."""
    assert report(1, 1)["wrong"] == []


@pytest.fixture
def raced(tmp_path: Path) -> Path:
    """A workspace's folder; its data folder is `home` beside it."""
    (tmp_path / "project" / "src").mkdir(parents=True)
    with Workspace.init(tmp_path / "project", home=tmp_path / "home"):
        return tmp_path


def race(folder: Path, rounds: int) -> None:
    """Captures content of dropped steps while they are removed, at each stage and at any time."""
    chance = random.Random(rounds)
    project, home = folder / "project", folder / "home"
    for number in range(rounds):
        content = f"{number} ".encode() + chance.randbytes(400)
        with Workspace.open(project, home=home) as ws:
            (project / "old").write_bytes(content)
            ws.capture("old")
            (project / "old").unlink()
            edits(ws, project, 4)
            ws.gc()
            ws.prune(FEW)
        (project / "again").write_bytes(content)
        if number % 2:
            beside(project, home, chance.randrange(3))
        else:
            within(project, home, chance.choice(["rewriting operations", "packing what stays"]))
        with Workspace.open(project, home=home) as ws:
            assert ws.read_file(ws.head(), b"again") == content
            assert number % 10 or ws.verify(full=True).ok


def within(project: Path, home: Path, stage: str) -> None:
    """Captures at a stage of the removal."""

    def capture(what: str, _done: int, _total: int) -> None:
        if what == stage and not taken:
            taken.append(what)
            with Workspace.open(project, home=home) as other:
                other.capture("again")

    taken: list[str] = []
    with Workspace.open(project, home=home) as ws:
        assert ws.gc(grace_minutes=0, progress=capture).swept.steps
    assert taken


def beside(project: Path, home: Path, turns: int) -> None:
    """Captures in another process meanwhile, a few steps later than the removal begins."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(turns):
                with Workspace.open(project, home=home) as other:
                    other.view()
            with Workspace.open(project, home=home) as other:
                other.capture("again")
            code = 0
        finally:
            os._exit(code)
    with Workspace.open(project, home=home) as ws:
        ws.gc(grace_minutes=0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_capture_that_uses_an_old_blob_again_keeps_it(raced: Path) -> None:
    """Twenty rounds: whichever comes first, the new step is whole."""
    race(raced, 20)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_five_hundred_captures_that_use_old_blobs_again_keep_them(raced: Path) -> None:
    """The same, for long."""
    race(raced, 500)


def test_after_a_kill_anywhere_the_next_purge_finishes() -> None:
    """A few points, spread over all of it."""
    found = report(5, 41, purge_kill_points)
    assert found["wrong"] == []
    assert int(str(found["points"])) > 100


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_after_a_kill_at_every_point_the_next_purge_finishes() -> None:
    """All points."""
    assert report(1, 1, purge_kill_points)["wrong"] == []


@pytest.mark.parametrize("turn", [2, 3])
def test_a_purge_that_takes_a_second_round_leaves_no_pack_of_the_first(
    raced: Path, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that comes between its sealing and its removal has the content in its tree."""
    project, home = raced / "project", raced / "home"
    turns = 0
    with Workspace.open(project, home=home) as ws:
        (project / "secret").write_text("a secret of forty characters, or perhaps fifty")
        ws.capture("secret")
        ws.gc()
        edits(ws, project, 1)
        take_turn = ws._writer

        @contextmanager
        def turned() -> Iterator[JournalWriter]:
            nonlocal turns
            with take_turn() as writer:
                yield writer
            turns += 1
            if turns == turn:
                with Workspace.open(project, home=home) as other:
                    other.note_gap("comes between")

        monkeypatch.setattr(ws, "_writer", turned)
        ws.purge(paths=[b"secret"])
        assert turns > turn
        assert traces(ws.store, b"a secret of forty") == []
        assert ws.verify(full=True).ok


@pytest.mark.parametrize("stage", ["rewriting operations", "packing what stays"])
def test_a_capture_that_stores_the_content_again_during_a_purge_is_purged_too(
    raced: Path, stage: str
) -> None:
    """What was recorded before the end is whole, and without it."""
    project, home = raced / "project", raced / "home"
    content = random.Random(6).randbytes(500)
    (project / "secret").write_bytes(content)
    taken: list[str] = []

    def capture(what: str, _done: int, _total: int) -> None:
        if what == stage and not taken:
            taken.append(what)
            with Workspace.open(project, home=home) as other:
                (project / "more").write_bytes(b"more")
                other.capture("again")

    with Workspace.open(project, home=home) as ws:
        ws.capture("secret")
        ws.purge(paths=[b"secret"], progress=capture)
        assert taken
        step = ws.head()
        assert ws.read_file(step, b"more") == b"more"
        assert [c.reason for c in ws.covered(step)] == ["purged"]
        assert traces(ws.store, content[:40]) == []
        assert ws.verify(full=True).ok
