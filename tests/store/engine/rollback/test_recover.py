"""Recovery from what a crash, or somebody else after it, can leave."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.bench import PLAN_ID, Bench, Tree, file_size_limit

from stepwell.store.engine.rollback import inspect_plan
from stepwell.store.engine.rollback.recover import FOREIGN
from stepwell.store.model.errors import NoSpaceError
from stepwell.store.model.ids import object_id

FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

OLD, NEW, MINE = (FILE, b"old\n"), (FILE, b"new\n"), (FILE, b"mine\n")

DISK: Tree = {b"a": OLD, b"b": OLD, b"gone": OLD}
TARGET: Tree = {b"a": NEW, b"b": (FILE, b"other\n"), b"made": NEW}


def overwrite(bench: Bench, path: bytes, content: bytes) -> None:
    Path(os.fsdecode(bench.path(path))).write_bytes(content)


def test_what_somebody_changed_since_is_kept_and_listed(bench: Bench) -> None:
    """Neither before nor after: it is in no step, so it stays, and the rest is finished."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    overwrite(bench, b"a", b"mine\n")
    overwrite(bench, b"gone", b"mine\n")
    done = bench.recover(plan)
    assert done.finished
    assert [(k.path, k.reason) for k in done.kept] == [(b"a", FOREIGN), (b"gone", FOREIGN)]
    assert bench.walk() == {**TARGET, b"a": MINE, b"gone": MINE}


def test_a_special_file_that_appeared_is_kept(bench: Bench) -> None:
    """It is neither opened nor removed."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    os.mkfifo(bench.path(b"made"))
    done = bench.recover(plan)
    assert [k.path for k in done.kept] == [b"made"]
    assert stat.S_ISFIFO(bench.walk()[b"made"][0])


def test_inspecting_changes_nothing_and_tells_how_far_it_came(bench: Bench) -> None:
    """For read-only commands, which only report."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    overwrite(bench, b"a", b"new\n")
    overwrite(bench, b"b", b"mine\n")
    before = bench.walk()
    found = inspect_plan(bench.root, plan)
    assert bench.walk() == before
    assert (found.done, found.pending) == ((b"a",), (b"gone", b"made"))
    assert [k.path for k in found.foreign] == [b"b"]


def test_only_this_plans_own_temporary_files_are_removed(bench: Bench) -> None:
    """Another plan's, a folder of that name, and numbers beyond the plan stay."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    own = b".stepwell-" + PLAN_ID[:8].encode()
    stay: Tree = {
        b".stepwell-ffffffff-0": MINE,
        own + b"-99": MINE,
        own + b"-1": (FOLDER, None),
        own + b"-1x": MINE,
    }
    bench.write({**stay, own + b"-0": MINE, own + b"-2": (LINK, b"nowhere")})
    done = bench.recover(plan)
    assert bench.walk() == {**TARGET, b"b": OLD, **stay}
    assert [k.path for k in done.kept] == [b"b"]


def test_a_damaged_target_is_undone(bench: Bench) -> None:
    """Half of it was done already; all of it is put back from what was before."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    overwrite(bench, b"a", b"new\n")
    os.unlink(bench.path(b"gone"))
    bench.objects._objects.pop(object_id("blob", b"other\n"))
    done = bench.recover(plan)
    assert (done.finished, done.kept, done.changed) == (False, (), 2)
    assert bench.walk() == DISK


def test_with_both_sides_damaged_the_rest_is_finished(bench: Bench) -> None:
    """The path that cannot be written is listed with the reason."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    os.unlink(bench.path(b"gone"))
    for content in (b"other\n", b"old\n"):
        bench.objects._objects.pop(object_id("blob", content))
    done = bench.recover(plan)
    assert done.finished
    assert [(k.path, k.reason) for k in done.kept] == [(b"b", "its stored content is damaged")]
    assert bench.walk() == {b"a": NEW, b"b": OLD, b"made": NEW}


def test_no_room_for_recovery_changes_nothing_and_can_be_tried_again(bench: Bench) -> None:
    """The intent stays, and so does everything on disk."""
    disk: Tree = {b"a": OLD, b"gone": OLD}
    target: Tree = {b"a": (FILE, b"x" * 5000)}
    bench.write(disk)
    plan = bench.plan(target)
    with file_size_limit(4096), pytest.raises(NoSpaceError):
        bench.recover(plan)
    assert bench.walk() == disk
    assert bench.recover(plan).kept == ()
    assert bench.walk() == target


def test_a_finished_plan_costs_nothing_to_recover(bench: Bench) -> None:
    """The done record was lost, the work was not."""
    bench.write(DISK)
    plan = bench.plan(TARGET)
    bench.apply(plan)
    done = bench.recover(plan)
    assert (done.finished, done.kept, done.changed) == (True, (), 0)
