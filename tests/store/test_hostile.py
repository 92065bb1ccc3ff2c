"""Hostile workspaces: captured, changed at random, rolled back; only promised differences remain."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile import Disk, Hostile, build, open_up
from support.mutation import Mutator

from stepwell.store import Applied, Workspace


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    """A hostile workspace, removable afterwards."""
    made = build(tmp_path / "hostile")
    yield made
    open_up(tmp_path)


def test_a_capture_stores_or_names_every_path(hostile: Hostile, home: Path) -> None:
    """What is not in the snapshot is in the coverage list with a reason."""
    with Workspace.init(hostile.root, home=home) as ws:
        head = ws.head()
        stored = {c.path for c in ws.step_changes(head, hunks=False)}
        covered = {c.path: c.reason for c in ws.covered(head)}
        for path, (kind, _, _) in Disk.read(hostile.root).entries.items():
            named = any(path == c or path.startswith(c + b"/") for c in covered)
            holds = kind == "folder" and any(p.startswith(path + b"/") for p in [*stored, *covered])
            assert path in stored or named or holds, path
        assert covered[b"special/fifo"] == "special"
        assert covered[b"nested/.git"] == "repository"
        assert covered[b"rules/a.log"] == "ignored"
        assert ws.verify(full=True).ok


@pytest.mark.parametrize("seed", range(4))
def test_a_rollback_restores_everything_that_was_captured(
    hostile: Hostile, home: Path, seed: int
) -> None:
    """And its undo brings back what it replaced, captured or not."""
    before = Disk.read(hostile.root)
    own = Disk.read(hostile.root / ".git")
    outside = Disk.read(hostile.outside)
    with Workspace.init(hostile.root, home=home, randomness=random.Random(seed).randbytes) as ws:
        target = ws.head()
        covered = {bytes(c.path) for c in ws.covered(target)}
        Mutator(hostile.root, seed, hostile.outside).run(80)
        changed = Disk.read(hostile.root)
        done = ws.apply(ws.plan_rollback(target), force=True)
        listed = {bytes(k.path) for k in done.not_restored} | covered
        listed |= {bytes(c.path) for c in ws.covered(done.step)}
        after = Disk.read(hostile.root)
        assert after.without(listed) == before.without(listed)
        undone = ws.undo(force=True)
        assert isinstance(undone, Applied)
        listed |= {bytes(k.path) for k in undone.not_restored}
        listed |= {bytes(c.path) for c in ws.covered(done.safety_step)}
        assert Disk.read(hostile.root).without(listed) == changed.without(listed)
    assert Disk.read(hostile.root / ".git").entries == own.entries
    assert Disk.read(hostile.outside).entries == outside.entries
    assert os.listdir(hostile.tripwires) == []
