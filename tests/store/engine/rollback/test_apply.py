"""Executing plans against a disk that is hostile, changing, read-only or full."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.bench import PLAN_ID, Bench, Tree, file_size_limit

from stepwell.store.engine.rollback.apply import CHANGED
from stepwell.store.model.errors import (
    FailedError,
    NoSpaceError,
    ObjectDamagedError,
    ObjectMissingError,
)
from stepwell.store.model.ids import Oid, object_id

FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

OLD, NEW = (FILE, b"old\n"), (FILE, b"new\n")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def outside(tmp_path: Path) -> Path:
    """Makes a folder beside the workspace whose content must never change."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "x").write_bytes(b"outside\n")
    return folder


def test_unchanged_files_keep_their_times_and_inodes(bench: Bench) -> None:
    """Only what differs is touched, and a change of mode alone is no rewrite."""
    bench.write({b"same": OLD, b"mode": OLD, b"content": OLD})
    for name in (b"same", b"mode", b"content"):
        os.utime(bench.path(name), (1, 1))
    inodes = {n: os.stat(bench.path(n)).st_ino for n in (b"same", b"mode")}
    target: Tree = {b"same": OLD, b"mode": (stat.S_IFREG | 0o751, b"old\n"), b"content": NEW}
    assert bench.apply(bench.plan(target)).written == 2
    assert bench.walk() == target
    assert {n: os.stat(bench.path(n)).st_ino for n in inodes} == inodes
    assert {os.stat(bench.path(n)).st_mtime for n in inodes} == {1}


def test_a_linked_folder_is_removed_as_a_link_and_not_followed(
    bench: Bench, tmp_path: Path
) -> None:
    """The captured folder became a link to outside: the link goes, what it led to stays."""
    away = outside(tmp_path)
    target: Tree = {b"d": (FOLDER, None), b"d/x": OLD, b"d/y": OLD}
    bench.write({})
    os.symlink(away, bench.path(b"d"))
    assert bench.apply(bench.plan(target)).kept == ()
    assert bench.walk() == target
    assert [(p.name, p.read_bytes()) for p in away.iterdir()] == [("x", b"outside\n")]


def test_a_link_that_appears_after_the_plan_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    """What the plan knew as a folder is a link when it is executed: all of it is kept."""
    away = outside(tmp_path)
    bench.write({b"d/x": OLD, b"z": OLD})
    plan = bench.plan({b"d": (FOLDER, None), b"d/x": NEW, b"d/new": NEW, b"z": NEW})
    os.rename(bench.path(b"d"), bench.path(b"elsewhere"))
    os.symlink(away, bench.path(b"d"))
    outcome = bench.apply(plan)
    assert {k.path for k in outcome.kept} == {b"d/x", b"d/new"}
    assert [(p.name, p.read_bytes()) for p in away.iterdir()] == [("x", b"outside\n")]
    assert bench.walk()[b"z"] == NEW


def test_a_file_replaced_by_a_link_comes_back(bench: Bench, tmp_path: Path) -> None:
    """The link is replaced, what it points to is not written."""
    away = outside(tmp_path)
    os.symlink(away / "x", bench.path(b"f"))
    assert bench.apply(bench.plan({b"f": OLD})).kept == ()
    assert bench.walk() == {b"f": OLD}
    assert (away / "x").read_bytes() == b"outside\n"


@pytest.mark.parametrize("target", [OLD, (stat.S_IFREG | 0o600, b"outside\n")])
def test_a_hard_link_to_outside_is_cut_not_written_through(
    bench: Bench, tmp_path: Path, target: tuple[int, bytes | None]
) -> None:
    """Neither content nor mode of the outside name changes."""
    away = outside(tmp_path)
    os.chmod(away / "x", 0o644)
    os.link(away / "x", bench.path(b"f"))
    assert bench.apply(bench.plan({b"f": target})).kept == ()
    assert bench.walk() == {b"f": target}
    assert (away / "x").read_bytes() == b"outside\n"
    assert stat.S_IMODE((away / "x").stat().st_mode) == 0o644


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_a_special_file_in_the_way_is_left_alone(bench: Bench, kind: str) -> None:
    """It is neither opened nor removed, and the rest is done."""
    bench.write({b"f": OLD, b"g": OLD})
    plan = bench.plan({b"f": NEW, b"g": NEW})
    os.unlink(bench.path(b"f"))
    if kind == "fifo":
        os.mkfifo(bench.path(b"f"))
    else:
        with socket.socket(socket.AF_UNIX) as made:
            with _inside(bench.root):
                made.bind("f")
    outcome = bench.apply(plan)
    assert [(k.path, k.reason) for k in outcome.kept] == [(b"f", CHANGED)]
    assert bench.walk()[b"g"] == NEW
    assert not stat.S_ISREG(bench.walk()[b"f"][0])


@contextmanager
def _inside(folder: bytes) -> Iterator[None]:
    before = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)


@pytest.mark.parametrize(
    "case", ["written", "same size", "mode", "deleted", "appeared", "to link", "to folder"]
)
def test_what_changed_since_the_plan_is_kept(bench: Bench, case: str) -> None:
    """Every way in which a place can move on between plan and write."""
    bench.write({b"f": OLD, b"gone": OLD, b"z": OLD})
    plan = bench.plan({b"f": NEW, b"new": NEW, b"z": NEW})
    place = bench.path(b"new" if case == "appeared" else b"f")
    if case in ("written", "appeared", "same size"):
        Path(os.fsdecode(place)).write_bytes(b"OLD\n" if case == "same size" else b"mine")
    elif case == "mode":
        os.chmod(place, 0o600)
    else:
        os.unlink(place)
        if case == "to link":
            os.symlink(b"z", place)
        elif case == "to folder":
            os.mkdir(place)
    there = bench.walk()
    outcome = bench.apply(plan)
    kept = os.path.relpath(place, bench.root)
    assert [(k.path, k.reason) for k in outcome.kept] == [(kept, CHANGED)]
    assert bench.walk().get(kept) == there.get(kept)
    assert bench.walk()[b"z"] == NEW
    assert b"gone" not in bench.walk()


def test_a_file_that_changed_since_the_plan_is_not_deleted(bench: Bench) -> None:
    """Nor is the folder that holds it."""
    bench.write({b"d/f": OLD})
    plan = bench.plan({})
    Path(os.fsdecode(bench.path(b"d/f"))).write_bytes(b"mine")
    outcome = bench.apply(plan)
    assert bench.walk()[b"d/f"] == (FILE, b"mine")
    assert {k.path for k in outcome.kept} == {b"d", b"d/f"}
    assert outcome.deleted == 0


def test_content_is_compared_and_not_times(bench: Bench) -> None:
    """A file of the same size and times as at the plan, with other bytes, is kept."""
    bench.write({b"f": OLD})
    before = os.stat(bench.path(b"f"))
    plan = bench.plan({b"f": NEW})
    Path(os.fsdecode(bench.path(b"f"))).write_bytes(b"OLD\n")
    os.utime(bench.path(b"f"), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [k.reason for k in bench.apply(plan).kept] == [CHANGED]
    assert bench.walk() == {b"f": (FILE, b"OLD\n")}


def test_a_damaged_target_is_found_before_anything_changes(bench: Bench) -> None:
    """One bad object among many: the error names it, the disk is as it was."""
    disk: Tree = {b"a": OLD, b"b": OLD, b"gone": OLD}
    bench.write(disk)
    plan = bench.plan({b"a": NEW, b"b": (FILE, b"bad\n")})
    bad = object_id("blob", b"bad\n")
    reader = _Damaged(bench, bad)
    bench.objects = reader  # type: ignore[assignment]
    with pytest.raises(ObjectDamagedError):
        bench.apply(plan)
    assert bench.walk() == disk


class _Damaged:
    """A store in which one object is damaged."""

    def __init__(self, bench: Bench, bad: Oid) -> None:
        self._objects = bench.objects
        self._bad = bad

    def read(self, oid: Oid) -> tuple[str, bytes]:
        if oid == self._bad:
            raise ObjectDamagedError("damaged", object=oid.hex())
        return self._objects.read(oid)

    def has(self, oid: Oid) -> bool:
        return self._objects.has(oid)


def test_a_missing_target_is_found_before_anything_changes(bench: Bench) -> None:
    """As a damaged one."""
    bench.write({b"a": OLD, b"gone": OLD})
    plan = bench.plan({b"a": NEW})
    bench.objects._objects.pop(object_id("blob", b"new\n"))
    with pytest.raises(ObjectMissingError):
        bench.apply(plan)
    assert bench.walk() == {b"a": OLD, b"gone": OLD}


def test_a_workspace_that_is_gone_is_a_clear_error(bench: Bench) -> None:
    """FailedError with the path; nothing is made."""
    bench.write({b"a": OLD})
    plan = bench.plan({b"a": NEW})
    os.rename(bench.root, bench.root + b".moved")
    with pytest.raises(FailedError, match="could not be opened: no such file"):
        bench.apply(plan)


def test_no_room_for_the_first_change_stops_with_nothing_changed(bench: Bench) -> None:
    """Also nothing that was only to be deleted is gone, and no temporary file is left."""
    disk: Tree = {b"a": OLD, b"gone": OLD}
    bench.write(disk)
    plan = bench.plan({b"a": (FILE, b"x" * 5000)})
    with file_size_limit(4096), pytest.raises(NoSpaceError, match="a could not be written"):
        bench.apply(plan)
    assert bench.walk() == disk


def test_no_room_later_is_listed_and_the_rest_is_done(bench: Bench) -> None:
    """Each path is either as it was or as it is to be; the outcome says which."""
    bench.write({b"a": OLD, b"b": OLD, b"c": OLD, b"gone": OLD})
    plan = bench.plan({b"a": NEW, b"b": (FILE, b"x" * 5000), b"c": NEW})
    with file_size_limit(4096):
        outcome = bench.apply(plan)
    assert bench.walk() == {b"a": NEW, b"b": OLD, b"c": NEW}
    assert [k.path for k in outcome.kept] == [b"b"]
    assert "no space left" in outcome.kept[0].reason
    assert (outcome.written, outcome.deleted) == (2, 1)


def test_a_taken_temporary_name_is_not_overwritten(beside: Bench) -> None:
    """A file, or a link to elsewhere, under our temporary name stays as it is."""
    beside.write({b"f": OLD})
    name = b".stepwell-" + PLAN_ID[:8].encode() + b"-0"
    plan = beside.plan({b"f": NEW})
    os.symlink(b"f", beside.path(name))
    outcome = beside.apply(plan)
    assert [k.path for k in outcome.kept] == [b"f"]
    assert beside.walk() == {b"f": OLD, name: (LINK, b"f")}


@pytest.mark.parametrize("content", [b"", b"new\n"])
def test_a_draft_that_somebody_adds_to_is_not_taken(
    beside: Bench, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """What is there stays, and is listed."""
    beside.write({b"file": (FILE, b"old\n")})
    plan = beside.plan({b"file": (FILE, content)})
    real = os.fdatasync

    def add_and_sync(fd: int) -> None:
        os.pwrite(fd, b"more\n", len(content))
        real(fd)

    monkeypatch.setattr(os, "fdatasync", add_and_sync)
    outcome = beside.apply(plan)
    assert [kept.path for kept in outcome.kept] == [b"file"]
    assert beside.walk() == {b"file": (FILE, b"old\n")}


def test_names_that_no_file_can_have_are_refused(bench: Bench, tmp_path: Path) -> None:
    """A snapshot with `..` in a path, as a forged one might have, leads nowhere."""
    away = outside(tmp_path)
    plan = bench.plan({b"../outside/x": OLD, b"d/../../outside/y": OLD, b"ok": OLD}, disk={})
    outcome = bench.apply(plan)
    assert {p.name for p in away.iterdir()} == {"x"}
    assert (away / "x").read_bytes() == b"outside\n"
    assert bench.walk()[b"ok"] == OLD
    assert outcome.kept


def test_deep_and_long_names_are_written(bench: Bench) -> None:
    """Names of 255 bytes, folders 100 deep, and a path beyond what one call can name."""
    deep = b"/".join([b"d"] * 100) + b"/f"
    long = b"/".join([b"n" * 250] * 20) + b"/f"
    target: Tree = {b"n" * 255: OLD}
    for path in (deep, long):
        target[path] = OLD
        while path := path.rpartition(b"/")[0]:
            target[path] = (FOLDER, None)
    plan = bench.plan(target, disk={})
    assert bench.apply(plan).kept == ()
    assert bench.apply(bench.plan({}, disk=target)).kept == ()
    assert bench.walk() == {}


def test_setgid_and_sticky_folders_get_their_mode_back(bench: Bench) -> None:
    """Folders keep all twelve bits."""
    bench.write({b"d": (FOLDER, None), b"e": (stat.S_IFDIR | 0o1777, None)})
    target: Tree = {b"d": (stat.S_IFDIR | 0o2775, None), b"e": (stat.S_IFDIR | 0o700, None)}
    assert bench.apply(bench.plan(target)).kept == ()
    assert bench.walk() == target


def test_a_full_folder_gives_way_to_a_file_whose_name_differs_in_case_only(bench: Bench) -> None:
    """It goes first, for file systems that take the two for one, and what is in it before it."""
    bench.write({b"F": (FOLDER, None), b"F/d": (FOLDER, None), b"F/d/inside": OLD, b"G/x": OLD})
    target: Tree = {b"f": OLD, b"g": (FOLDER, None), b"g/X": OLD}
    assert bench.apply(bench.plan(target)).kept == ()
    assert bench.walk() == target


def test_progress_is_told(bench: Bench) -> None:
    """From nothing done to all."""
    bench.write({b"a": OLD, b"b": OLD})
    told: list[tuple[str, int, int]] = []
    bench.apply(bench.plan({b"a": NEW}), progress=lambda *what: told.append(what))
    assert told == [("restoring files", n, 2) for n in (0, 1, 2)]


@as_root
def test_root_gives_files_to_their_owner(bench: Bench) -> None:
    """A replaced file keeps its owner, a new one gets the folder's."""
    bench.write({b"f": OLD, b"d": (FOLDER, None)})
    os.chown(bench.path(b"f"), 1234, 1235)
    os.chown(bench.path(b"d"), 4321, 4322)
    target: Tree = {b"f": NEW, b"d": (FOLDER, None), b"d/n": NEW, b"d/l": (LINK, b"x")}
    bench.apply(bench.plan(target))
    owners = [os.lstat(bench.path(p)) for p in (b"f", b"d/n", b"d/l")]
    assert [(o.st_uid, o.st_gid) for o in owners] == [(1234, 1235), (4321, 4322), (4321, 4322)]


_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10


@as_root
def test_an_immutable_file_is_listed_and_the_rest_is_done(bench: Bench) -> None:
    """The system refuses it; everything else goes on."""
    bench.write({b"f": OLD, b"g": OLD, b"stays": OLD})
    plan = bench.plan({b"f": NEW, b"g": NEW})
    try:
        with immutable(bench.path(b"f")), immutable(bench.path(b"stays")):
            outcome = bench.apply(plan)
    except OSError as error:
        pytest.skip(f"no immutable files here: {error}")
    assert {k.path for k in outcome.kept} == {b"f", b"stays"}
    assert all("not permitted" in k.reason for k in outcome.kept)
    assert bench.walk() == {b"f": OLD, b"g": NEW, b"stays": OLD}


@contextmanager
def immutable(path: bytes) -> Iterator[None]:
    fd = os.open(path, os.O_RDONLY)
    try:
        flags = int.from_bytes(fcntl.ioctl(fd, _GET_FLAGS, bytes(8)), sys.byteorder)
        fcntl.ioctl(fd, _SET_FLAGS, (flags | _IMMUTABLE).to_bytes(8, sys.byteorder))
        try:
            yield
        finally:
            fcntl.ioctl(fd, _SET_FLAGS, flags.to_bytes(8, sys.byteorder))
    finally:
        os.close(fd)


_READ_ONLY = """
import ctypes, os, stat, sys, tempfile
from support.bench import Bench
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(12345); os.setuid(12345)
F, D, R = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFDIR | 0o555
a = {b"r": (R, None), b"r/f": (F, b"old"), b"r/gone": (F, b"x"), b"r/s": (R, None),
     b"r/s/g": (F, b"old"), b"o": (R, None), b"o/x": (F, b"x"), b"k": (F, b"k")}
b = {b"r": (R, None), b"r/f": (F, b"new"), b"r/s": (R, None), b"r/s/g": (F, b"new"),
     b"r/s/new": (R, None), b"r/s/new/h": (stat.S_IFREG | 0o444, b"h"), b"k": (F, b"k")}
with tempfile.TemporaryDirectory() as name:
    bench = Bench(os.fsencode(name))
    bench.write(a)
    for there in (b, a):
        outcome = bench.apply(bench.plan(there))
        assert outcome.kept == (), outcome
        assert bench.walk() == there, bench.walk()
    foreign = bench.plan(b)
    os.chmod(bench.path(b"r"), 0o000)
    outcome = bench.apply(foreign)
    assert {k.path for k in outcome.kept} >= {b"r/f", b"r/s/g"}, outcome
    assert not os.path.exists(bench.path(b"o"))
    os.chmod(bench.path(b"r"), 0o755)
    assert bench.walk()[b"r/f"] == (F, b"old")
    for at, _, _ in os.walk(name):
        os.chmod(at, 0o755)
print("fine")
"""


def test_an_ordinary_user_restores_read_only_folders(tmp_path: Path) -> None:
    """They are opened for the moment and closed again; what stays shut is listed."""
    tests = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _READ_ONLY],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tests), *sys.path]),
            "TMPDIR": "/tmp",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "fine\n", done.stderr
