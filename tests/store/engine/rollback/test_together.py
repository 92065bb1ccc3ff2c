"""Rollbacks of many files: their drafts are made ahead and made durable by one sync."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.bench import Bench, Tree, file_size_limit

from stepwell.store import Workspace
from stepwell.store.engine.files import Seen
from stepwell.store.engine.rollback import apply, renaming
from stepwell.store.engine.rollback.apply import CHANGED
from stepwell.store.engine.rollback.together import Together
from stepwell.store.model.paths import TrackedPath

FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777
OLD: Tree = {b"f%03d" % n: (FILE, b"old\n") for n in range(300)} | {b"link": (LINK, b"f000")}
NEW: Tree = {b"f%03d" % n: (FILE, b"new %d\n" % n) for n in range(300)} | {b"link": (LINK, b"f1")}


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns what is synced, as it happens."""
    done: list[str] = []

    def noted(name: str) -> None:
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda fd: (done.append(name), real(fd))[1])

    noted("fsync")
    noted("fdatasync")
    real = Together.sync
    monkeypatch.setattr(Together, "sync", lambda self: (done.append("all"), real(self))[1])
    return done


def supported(bench: Bench) -> bool:
    fd = os.open(bench.root, os.O_RDONLY)
    try:
        return Together(fd).covers(fd)
    finally:
        os.close(fd)


def test_many_files_take_a_sync_for_each_group_of_them(bench: Bench, syncs: list[str]) -> None:
    """And every file, and the link between them, is as the target says."""
    bench.write(OLD)
    assert bench.apply(bench.plan(NEW)).written == 301
    assert bench.walk() == NEW
    if supported(bench):
        # Where any number counts as many, the folder's is one for all, too.
        folders = 1 if bench.store else 0
        assert (syncs.count("all"), syncs.count("fdatasync")) == (2 + folders, 0)


def test_where_that_is_not_sure_each_file_has_its_own(
    bench: Bench, syncs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that fails leaves the drafts unused: they are made again, one by one."""
    monkeypatch.setattr(Together, "sync", lambda self: False)
    bench.write(OLD)
    bench.apply(bench.plan(NEW))
    assert bench.walk() == NEW
    assert syncs.count("fdatasync") == 300


def test_what_somebody_changes_after_its_draft_was_made_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed, its draft is gone, and all others are done."""
    bench.write(OLD)
    plan = bench.plan(NEW)
    real = Together.sync

    def save_then_sync(self: Together) -> bool:
        with open(bench.path(b"f007"), "wb") as file:
            file.write(b"mine\n")
        return real(self)

    monkeypatch.setattr(Together, "sync", save_then_sync)
    outcome = bench.apply(plan)
    assert [(k.path, k.reason) for k in outcome.kept] == [(b"f007", CHANGED)]
    assert bench.walk() == NEW | {b"f007": (FILE, b"mine\n")}


def test_one_that_finds_no_room_is_listed_and_no_draft_is_left(bench: Bench) -> None:
    """What is made ahead takes room; the rest is then done one by one."""
    bench.write(OLD)
    target = NEW | {b"f100": (FILE, b"x" * 5000)}
    plan = bench.plan(target)
    with file_size_limit(4096):
        outcome = bench.apply(plan)
    assert [k.path for k in outcome.kept] == [b"f100"]
    assert bench.walk() == target | {b"f100": OLD[b"f100"]}


def test_other_file_systems_are_not_trusted_with_it() -> None:
    """One that only seems to sync, as /proc does, is not covered; nor is another one below."""
    proc, here = os.open("/proc", os.O_RDONLY), os.open(".", os.O_RDONLY)
    try:
        assert not Together(proc).covers(proc)
        assert not Together(proc).sync()
        assert not Together(here).covers(proc)
    finally:
        os.close(proc)
        os.close(here)


def test_a_wait_for_the_disk_that_is_cut_off_ends_as_such_and_is_recovered(
    ws: Workspace, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The changes are made; what is missing is only that they are known to be durable."""
    for text in ("old", "new"):
        for n in range(20):
            (project / f"f{n}").write_text(f"{text} {n}\n")
        ws.capture(text)
    plan = ws.plan_rollback("@~1")

    def interrupted(self: Together) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Together, "end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ws.apply(plan)
    with Workspace.open(project, home=home) as other:
        recovered = other.settle()
        assert recovered is None or recovered.kept == ()
        assert other.status().dirty == ()
        other.undo()
    assert (project / "f7").read_text() == "new 7\n"


def test_two_names_of_one_file_are_both_replaced(bench: Bench) -> None:
    """The first one's going changes the other one's ctime, which is no reason to keep it."""
    bench.write(OLD)
    os.unlink(bench.path(b"f011"))
    os.link(bench.path(b"f010"), bench.path(b"f011"))
    assert bench.apply(bench.plan(NEW)).kept == ()
    assert bench.walk() == NEW


@pytest.mark.parametrize("exchanges", [True, False])
def test_what_looks_as_it_did_is_still_judged_by_its_content(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    """A save in the same moment, of the same size: what is taken out is read, or a last time before."""
    bench.write(OLD)
    plan = bench.plan(NEW)
    stats = {path: os.lstat(bench.path(path)) for path in OLD}
    seen = {path: Seen(s.st_size, s.st_mtime_ns, s.st_ino) for path, s in stats.items()}
    if not exchanges:
        monkeypatch.setattr(renaming, "_library_call", lambda: None)
    with open(bench.path(b"f007"), "r+b") as file:
        file.write(b"own\n")
    os.utime(bench.path(b"f007"), ns=(0, seen[b"f007"].mtime_ns))
    outcome = bench.apply(plan, seen=seen)
    assert [(k.path, k.reason) for k in outcome.kept] == [(b"f007", CHANGED)]
    assert bench.walk() == NEW | {b"f007": (FILE, b"own\n")}


def test_what_does_not_look_as_it_did_is_read_before_it_is_taken_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a file that somebody saved meanwhile does not even vanish for a moment."""
    bench.write(OLD)
    plan = bench.plan(NEW)
    with open(bench.path(b"f007"), "wb") as file:
        file.write(b"mine\n")
    taken: list[bytes] = []
    real = renaming.exchange

    def noted(folder: int, one: bytes, other: bytes, **at: int) -> bool:
        if other in OLD:
            taken.append(other)
        return real(folder, one, other, **at)

    monkeypatch.setattr(renaming, "exchange", noted)
    assert [k.path for k in bench.apply(plan).kept] == [b"f007"]
    assert b"f007" not in taken
    assert len(taken) == 300


def test_of_very_many_files_not_all_are_told_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told takes memory; all are put back, and whatever is told is so."""
    monkeypatch.setattr(apply, "_PLACED", 50)
    bench.write(OLD)
    done = apply.apply_plan(bench.root, bench.plan(NEW), bench.objects)
    done.settle()
    assert len(done.placed) == 50
    for path, placed in done.placed.items():
        assert placed.agrees(os.lstat(bench.path(path)))
        assert bench.objects.read(placed.oid)[1] == NEW[TrackedPath(path)][1]
    assert bench.walk() == NEW
