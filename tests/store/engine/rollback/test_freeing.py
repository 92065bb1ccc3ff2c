"""Unlinking whose room is taken back a little later: the name is gone at once, nothing stays held."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from support.bench import Bench, Tree

from stepwell.store.engine.rollback import freeing, together
from stepwell.store.engine.rollback.freeing import Freeing
from stepwell.store.engine.rollback.together import Together

FILE = stat.S_IFREG | 0o644

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def held(folder: Path) -> int:
    """Returns how many unlinked files of a folder this process holds open."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        found += path.startswith(str(folder)) and path.endswith(" (deleted)")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> int:
    """Returns the open folder."""
    return os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)


def test_the_name_is_gone_at_once_and_the_file_soon(tmp_path: Path, folder: int) -> None:
    """Files that may not be read and links to nothing, too; `wait` returns when none is held."""
    (tmp_path / "f").write_text("x")
    (tmp_path / "f").chmod(0)
    (tmp_path / "l").symlink_to("nowhere")
    freed = Freeing()
    for name in (b"f", b"l"):
        freed.unlink(name, dir_fd=folder)
    assert list(tmp_path.iterdir()) == []
    assert held(tmp_path) == 2
    freed.wait()
    assert held(tmp_path) == 0
    os.close(folder)


def test_no_more_than_so_many_are_held(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are unlinked, and however busy the thread is."""
    monkeypatch.setattr(freeing, "_BATCH", 10)
    monkeypatch.setattr(freeing, "_MOST", 20)
    freed, most = Freeing(), 0
    for number in range(95):
        name = b"f%d" % number
        (tmp_path / os.fsdecode(name)).write_text("x")
        freed.unlink(name, dir_fd=folder)
        most = max(most, held(tmp_path))
    assert 1 < most <= 20
    freed.wait()
    assert held(tmp_path) == 0
    os.close(folder)


def test_what_is_left_is_closed_by_a_thread(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins at a batch, goes on with what comes meanwhile, and ends by itself."""
    monkeypatch.setattr(freeing, "_BATCH", 10)
    freed = Freeing()
    for number in range(200):
        name = b"f%d" % number
        (tmp_path / os.fsdecode(name)).write_text("x")
        freed.unlink(name, dir_fd=folder)
    monkeypatch.setattr(freeing, "_SCARCE", 0)
    freed.leave(folder)
    for thread in threading.enumerate():
        if thread.name == "freeing":
            thread.join()
    assert held(tmp_path) == 0
    os.close(folder)


def test_what_cannot_be_unlinked_is_an_error_and_is_not_held(tmp_path: Path, folder: int) -> None:
    """As with `os.unlink`: nothing there, or a folder there."""
    (tmp_path / "d").mkdir()
    freed = Freeing()
    with pytest.raises(FileNotFoundError):
        freed.unlink(b"nothing", dir_fd=folder)
    with pytest.raises(IsADirectoryError):
        freed.unlink(b"d", dir_fd=folder)
    freed.leave(folder)
    assert (tmp_path / "d").is_dir()
    os.close(folder)


def test_without_descriptors_to_spare_it_unlinks_all_the_same(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holding is a matter of speed only."""
    (tmp_path / "f").write_text("x")
    monkeypatch.setattr(freeing, "_HOLD", freeing._HOLD | os.O_DIRECTORY)
    freed = Freeing()
    freed.unlink(b"f", dir_fd=folder)
    assert list(tmp_path.iterdir()) == [] and held(tmp_path) == 0
    os.close(folder)


def test_what_was_replaced_has_given_its_room_back_before_the_next_drafts_are_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback needs no more room on the disk than the drafts of one group take."""
    old: Tree = {b"f%03d" % n: (FILE, b"old\n") for n in range(600)}
    bench.write(old)
    found: list[int] = []
    real = Together.sync

    def counted(self: Together) -> bool:
        found.append(held(Path(os.fsdecode(bench.root)).parent))
        return real(self)

    monkeypatch.setattr(Together, "sync", counted)
    target: Tree = dict.fromkeys(old, (FILE, b"new\n"))
    bench.apply(bench.plan(target))
    assert bench.walk() == target
    assert found[:3] == [0, 0, 0]


@pytest.mark.parametrize(("scarce", "left"), [(0, 40), (1 << 62, 0)])
def test_only_where_room_is_scarce_the_last_ones_are_waited_for(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch, scarce: int, left: int
) -> None:
    """Here the thread gets no time at all."""
    monkeypatch.setattr(freeing, "_SCARCE", scarce)
    monkeypatch.setattr(Freeing, "_begin", lambda _: None)
    freed = Freeing()
    for number in range(40):
        (tmp_path / f"f{number}").write_text("x")
        freed.unlink(b"f%d" % number, dir_fd=folder)
    freed.leave(folder)
    assert held(tmp_path) == left
    freed.wait()
    os.close(folder)


def test_on_a_disk_that_is_nearly_full_a_rollback_ends_with_all_room_taken_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did is recorded next, and that needs room."""
    monkeypatch.setattr(freeing, "_SCARCE", 1 << 62)
    monkeypatch.setattr(Freeing, "_begin", lambda _: None)
    bench.write({b"f%02d" % n: (FILE, b"old\n") for n in range(40)})
    bench.apply(bench.plan({}))
    assert held(Path(os.fsdecode(bench.root))) == 0


def test_other_file_systems_are_unlinked_plainly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of another machine would rename an open file, and the folder would not be empty."""
    monkeypatch.setattr(together, "_KINDS", frozenset[int]())
    monkeypatch.setattr(Freeing, "unlink", lambda *_, **__: pytest.fail("was held"))
    bench.write({b"f%d" % n: (FILE, b"x") for n in range(20)})
    bench.apply(bench.plan({}))
    assert bench.walk() == {}
