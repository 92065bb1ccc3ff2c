"""Merges of generated forks through the facade: undone they leave nothing, and nothing is pruned from under them."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.forks import EXEC, LINK, Files, fork
from support.trees import contents

from stepwell.store import Step, Workspace
from stepwell.store.model.retention import Policy

DAY_NS = 86_400_000_000_000


def put_files(root: Path, files: Files) -> None:
    """Makes the folder hold exactly these files."""
    for name in os.listdir(root):
        path = root / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, (mode, content) in files.items():
        file = root / os.fsdecode(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_IFMT(mode) == stat.S_IFMT(LINK):
            file.symlink_to(os.fsdecode(content))
        else:
            file.write_bytes(content)
            file.chmod(0o755 if mode == EXEC else 0o644)


@dataclass
class Clock:
    """Goes on with each reading, and by days when told to."""

    now_ns: int = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        self.now_ns += 1_000_000_000
        return self.now_ns


@dataclass
class Forked:
    """A workspace in which forks are made, each with a branch of its own."""

    root: Path
    ws: Workspace
    clock: Clock
    count: int = 0

    def make(self, seed: int) -> tuple[str, Step, Step]:
        """Records a fork; returns the branch with their side, their tip, and ours."""
        made = fork(seed)
        self.count += 1
        branch = f"fork-{self.count}"
        put_files(self.root, made.base)
        self.ws.record("base")
        self.ws.create_branch(branch)
        self.ws.apply(self.ws.plan_switch(branch))
        put_files(self.root, made.theirs)
        theirs = self.ws.record("theirs").step
        self.ws.apply(self.ws.plan_switch("main"))
        put_files(self.root, made.ours)
        return branch, theirs, self.ws.record("ours").step


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """One workspace for all forks: they are added to its history."""
    folder = tmp_path_factory.mktemp("generated")
    root = folder / "root"
    root.mkdir()
    clock = Clock()
    with Workspace.init(root, home=folder / "home", clock=clock) as ws:
        yield Forked(root, ws, clock)


def merged_and_undone(forked: Forked, seed: int) -> None:
    """Merges a fork and takes it back, twice; conflicts or not, the disk must be as before."""
    branch, theirs, ours = forked.make(seed)
    before, ws = contents(forked.root), forked.ws
    done = ws.merge_branch(branch)
    after = contents(forked.root)
    if done.applied and not done.plan.conflicts:
        assert done.step.parents == (ours.id, theirs.id)
    if not done.applied:
        return
    ws.undo()
    assert contents(forked.root) == before, seed
    assert ws.head() == ours and ws.view().merging is None
    ws.redo()
    assert contents(forked.root) == after, seed
    ws.undo()
    assert contents(forked.root) == before, seed


@settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a seed has nothing to be shrunk
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(min_value=0, max_value=1 << 32))
def test_a_merge_and_its_undo_leave_nothing(forked: Forked, seed: int) -> None:
    """Whatever the two sides did: edits, renames, modes, deletions, links, binary files, folders."""
    merged_and_undone(forked, seed)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_hundreds_of_merges_and_their_undos_leave_nothing(forked: Forked) -> None:
    """As above, over many more."""
    for seed in range(300):
        merged_and_undone(forked, seed)
    assert forked.ws.verify(full=True).ok


def test_what_a_merge_needs_is_not_pruned(forked: Forked) -> None:
    """The step at which two lines parted stays, so that an old branch merges as it would have."""
    branch, theirs, _ = forked.make(3)
    for number in range(3):
        (forked.root / "later").write_text(f"{number}\n")
        forked.ws.record("later")
    wanted = forked.ws.plan_merge(branch).plan
    forked.clock.now_ns += 400 * DAY_NS
    policy = Policy(keep_last=1, hourly=0, daily=0, per_session=0, safety_days=0)
    assert len(forked.ws.prune(policy).dropped) > 3
    forked.ws.gc(grace_minutes=0)
    found = forked.ws.plan_merge(branch).plan
    assert (found.items, found.conflicts) == (wanted.items, wanted.conflicts)
    assert found.target.id == theirs.id
