"""Scratch roots hold a snapshot exactly, and share nothing that a write could reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile import Disk, Hostile, build, open_up
from support.trees import contents

from stepwell.store import FailedError, NotFoundError, UsageError, Workspace
from stepwell.store.engine.objects import LayeredObjects
from stepwell.store.experiments.roots import add_extra, check_extra, clone, materialise
from stepwell.store.model.paths import TrackedPath


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    """A workspace with every odd name, mode and type."""
    made = build(tmp_path / "hostile")
    yield made
    open_up(tmp_path)


def test_a_hostile_snapshot_is_made_and_copied_exactly(
    hostile: Hostile, home: Path, tmp_path: Path
) -> None:
    """What was captured, and nothing else; no file is a second name of another."""
    first, second = tmp_path / "first", tmp_path / "second"
    with Workspace.init(hostile.root, home=home) as ws:
        step = ws.head()
        materialise(LayeredObjects(ws._journal), step.snapshot, first)
        left_out = {bytes(covered.path) for covered in ws.covered(step)}
    clone(first, second)
    wanted = Disk.read(hostile.root).without(left_out)
    for root in (first, second):
        found = Disk.read(root).entries
        differs = {p for p in found.keys() | wanted.keys() if found.get(p) != wanted.get(p)}
        assert all(is_set_id(hostile.root, path) for path in differs), differs
    for at, _, names in os.walk(os.fsencode(second)):
        assert all(os.lstat(os.path.join(at, name)).st_nlink == 1 for name in names)


def is_set_id(root: Path, path: bytes) -> bool:
    return bool(os.lstat(os.path.join(os.fsencode(root), path)).st_mode & 0o6000)


def test_a_copy_is_written_without_its_original_noticing(tmp_path: Path) -> None:
    """And keeps modes and times, on which caches of interpreters rely."""
    original, copy = tmp_path / "a", tmp_path / "b"
    (original / "sub").mkdir(parents=True)
    (original / "sub" / "f").write_text("x" * 10_000)
    os.utime(original / "sub" / "f", ns=(1_000_000_000, 2_000_000_000))
    os.chmod(original / "sub" / "f", 0o640)
    os.mkfifo(original / "pipe")
    clone(original, copy)
    status = os.stat(copy / "sub" / "f")
    assert (status.st_mtime_ns, status.st_mode & 0o777) == (2_000_000_000, 0o640)
    assert not (copy / "pipe").exists()
    with open(copy / "sub" / "f", "r+") as file:
        file.write("changed")
    assert (original / "sub" / "f").read_text() == "x" * 10_000
    with pytest.raises(FailedError):
        clone(original, copy)


def test_an_extra_folder_comes_from_the_workspace_alone(tmp_path: Path) -> None:
    """Not itself, not a repository's data, nothing by way of a link."""
    root = tmp_path / "w"
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    (root / ".git").mkdir()
    (root / "file").write_text("f\n")
    (root / "away").symlink_to(tmp_path)
    folder = os.fsencode(root)
    check_extra(folder, TrackedPath(b".venv"))
    for wrong in (b"", b".git", b"x/.git/y"):
        with pytest.raises(UsageError):
            check_extra(folder, TrackedPath(wrong))
    for missing in (b"nope", b"file", b"away", b"away/w"):
        with pytest.raises(NotFoundError):
            check_extra(folder, TrackedPath(missing))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    add_extra(folder, scratch, TrackedPath(b".venv"))
    assert contents(scratch / ".venv") == contents(root / ".venv")


def test_a_link_in_a_scratch_root_leads_no_copy_outside(tmp_path: Path) -> None:
    """The base step may have a link where the workspace now has a folder."""
    root, scratch = tmp_path / "w", tmp_path / "scratch"
    (root / "a" / "b").mkdir(parents=True)
    scratch.mkdir()
    (tmp_path / "outside").mkdir()
    (scratch / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(FailedError, match="in the way"):
        add_extra(os.fsencode(root), scratch, TrackedPath(b"a/b"))
    assert os.listdir(tmp_path / "outside") == []
