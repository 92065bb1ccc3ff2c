"""Looking without a daemon: at every file, or after a change of one's own at what was changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.bench import walk_tree
from support.mutation import Mutator
from support.sights import Keeper

from stepwell.store import Workspace
from stepwell.store.engine import moved, scan
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.sight import ScanSight


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns a workspace of a few folders."""
    root = tmp_path / "work"
    for number in range(40):
        path = root / f"d{number % 6}" / f"e{number % 3}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    (root / "d1" / ".gitignore").write_text("*.log\n")
    return root


@pytest.fixture
def keeper(root: Path, tmp_path: Path) -> Keeper:
    """Returns somebody who captures the workspace by scanning."""
    store = tmp_path / "store"
    store.mkdir()
    keeper = Keeper(ScanSight(os.fsencode(root), store, CaptureConfig()))
    keeper.capture()
    return keeper


@pytest.mark.parametrize("seed", range(12))
def test_what_was_changed_is_found_without_looking_elsewhere(
    root: Path, keeper: Keeper, seed: int
) -> None:
    """Whatever was changed, a look among it sees what a first look at everything would."""
    mutator = Mutator(root, seed)
    for _ in range(4):
        keeper.capture()
        before = walk_tree(os.fsencode(root))
        mutator.run(6)
        after = walk_tree(os.fsencode(root))
        paths = before.keys() | after.keys()
        keeper.take(among=[path for path in paths if before.get(path) != after.get(path)])
        keeper.check(root)
        keeper.keep()


def test_what_others_changed_elsewhere_is_found_by_the_next_look(
    root: Path, keeper: Keeper
) -> None:
    """It may be left out of the look among one's own changes, and never out of one at everything."""
    (root / "d0" / "e0" / "f0").write_text("mine\n")
    (root / "d2" / "e2" / "f2").write_text("theirs\n")
    keeper.take(among=[b"d0/e0/f0"])
    assert keeper.content()[b"d0/e0/f0"] == b"mine\n"
    keeper.keep()
    keeper.capture()
    keeper.check(root)


def test_only_what_was_changed_is_looked_at(
    root: Path, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is why it is done."""
    looked: list[bytes] = []
    real = os.lstat

    def noted(path: bytes, *, dir_fd: int | None = None) -> os.stat_result:
        looked.append(path)
        return real(path, dir_fd=dir_fd)

    monkeypatch.setattr(moved.os, "lstat", noted)
    keeper.take(among=[b"d0/e0/f0"])
    assert {path for path in looked if b"/f" in path} == {b"d0/e0/f0"}
    keeper.take()
    assert len(looked) > 40


def test_without_a_kept_look_before_it_all_is_looked_at(root: Path, keeper: Keeper) -> None:
    """What was last seen is not known to be in the store, so nothing is taken over from it."""
    keeper.take()
    (root / "d2" / "e2" / "f2").write_text("theirs\n")
    keeper.take(among=[b"d0/e0/f0"])
    keeper.check(root)


@pytest.mark.parametrize("verb", ["rollback", "undo", "switch", "merge"])
def test_going_somewhere_looks_at_everything_twice(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """For the plan, and for the safety step; then only at what was written."""
    (root / "d2" / "e2" / "f2").write_text("later\n")
    with Workspace.init(root, home=tmp_path / "home") as ws:
        first = ws.head()
        (root / "d0" / "e0" / "f0").write_text("edited\n")
        ws.capture("edited")
        ws.create_branch("other", at=first)
        if verb in ("undo", "merge"):
            ws.apply(ws.plan_switch("other"))
        if verb == "merge":
            (root / "new").write_text("new\n")
            ws.capture("new")
        looks: list[bool] = []
        real = moved.find_changed

        def noted(*arguments: Any) -> moved.Changed:
            looks.append(arguments[3] is None)
            return real(*arguments)

        monkeypatch.setattr(scan, "find_changed", noted)
        if verb == "undo":
            ws.undo()
        else:
            plans = {
                "rollback": lambda: ws.plan_rollback(first),
                "switch": lambda: ws.plan_switch("other"),
                "merge": lambda: ws.plan_merge("main"),
            }
            ws.apply(plans[verb]())
        assert looks == [True, True, False]
        assert not ws.status().dirty
