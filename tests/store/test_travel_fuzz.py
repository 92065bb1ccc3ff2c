"""Random histories of a hostile workspace, gone about in every way: undo and redo are exact."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile import Disk, Hostile, build, open_up
from support.mutation import Mutator

from stepwell.store import Applied, PlannedChanges, Step, Workspace

Entries = dict[bytes, tuple[str, int, str]]


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    """A hostile workspace, removable afterwards."""
    made = build(tmp_path / "hostile")
    yield made
    open_up(tmp_path)


def random_plan(ws: Workspace, target: Step, chance: random.Random) -> PlannedChanges:
    """Plans some part of a rollback to a step, or a switch to it."""
    way = chance.choice(["paths", "hunks", "only", "files", "switch", "merge", "merge"])
    others = [row.name for row in ws.branches() if not row.current]
    if way == "merge" and others:
        return ws.plan_merge(chance.choice(others), prefer=chance.choice([None, "ours", "theirs"]))
    changes = ws.plan_rollback(target).changes
    hunks = [h.id for c in changes if c.status in "AMD" for h in c.hunks]
    if way == "paths" and changes:
        some = [c.path for c in chance.sample(changes, min(3, len(changes)))]
        return ws.plan_rollback(target, paths=[p.rpartition(b"/")[0] or p for p in some[:1]] + some)
    if way == "hunks" and hunks:
        return ws.plan_rollback(target, hunks=chance.sample(hunks, min(3, len(hunks))))
    if way == "only" and target.parents:
        planned = ws.plan_rollback(target, only=True)
        if not planned.plan.conflicts:
            return planned
    if way == "switch":
        name = f"b{ws.view().number}"
        ws.create_branch(name, at=target)
        return ws.plan_switch(name)
    return ws.plan_rollback(target, files_only=True)


def unlisted(ws: Workspace, disk: Disk, *done: Applied) -> Entries:
    """Returns what is on disk without what no rollback promises."""
    listed = {bytes(k.path) for one in done for k in (*one.not_restored, *one.plan.keep)}
    listed |= {
        bytes(c.path) for one in done for s in (one.safety_step, one.step) for c in ws.covered(s)
    }
    return disk.without(listed)


@pytest.mark.parametrize("seed", range(2))
def test_every_way_of_going_about_is_undone_and_done_again_exactly(
    hostile: Hostile, home: Path, seed: int
) -> None:
    """And a part touches nothing but what its plan lists."""
    rounds(hostile.root, home, seed, 5)


def rounds(root: Path, home: Path, seed: int, count: int) -> None:
    chance = random.Random(seed)
    mutator = Mutator(root, seed)
    with Workspace.init(root, home=home, randomness=random.Random(seed).randbytes) as ws:
        for _ in range(count):
            mutator.run(6)
            ws.capture("work")
            mutator.run(2)
            target = chance.choice(ws.steps(limit=8, all_branches=True))
            one_round(ws, root, random_plan(ws, target, chance))
        assert ws.verify(full=True).ok


def one_round(ws: Workspace, root: Path, planned: PlannedChanges) -> None:
    plan = planned.plan
    before, branch = Disk.read(root), ws.view().current
    done = ws.apply(planned, force=True)
    after = Disk.read(root)
    touched = {bytes(item.path) for item in plan.items}
    differs = {p for p in before.entries.keys() | after.entries.keys()
               if before.entries.get(p) != after.entries.get(p)}  # fmt: skip
    assert differs <= touched
    if not done.applied:
        assert differs == set()
        return
    assert ws.view().current == (plan.branch or branch)
    undone = ws.undo(force=True)
    assert isinstance(undone, Applied)
    seen = Disk.read(root)
    assert unlisted(ws, seen, done, undone) == unlisted(ws, before, done, undone)
    assert (ws.view().current, ws.head().id) == (branch, done.safety_step.id)
    again = ws.redo(force=True)
    assert isinstance(again, Applied)
    seen = Disk.read(root)
    assert unlisted(ws, seen, done, undone, again) == unlisted(ws, after, done, undone, again)
    assert (ws.view().current, ws.head().id) == (plan.branch or branch, done.step.id)
    if ws.view().merging is not None:
        ws.continue_merge(force=True)
