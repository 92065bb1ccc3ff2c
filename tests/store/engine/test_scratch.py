"""Scratch folders: removed at the end, kept while in use, swept with their processes after a kill."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.store.engine.scratch import marked, scratch_folder, sweep

CHANCE = random.Random(5).randbytes


def test_a_folder_is_private_and_goes_with_all_it_holds(tmp_path: Path) -> None:
    """Read-only folders too; what a link points to stays."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("stays\n")
    with scratch_folder(tmp_path, "try", CHANCE) as folder:
        assert os.stat(folder).st_mode & 0o777 == 0o700
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "f").write_text("x\n")
        (folder / "link").symlink_to(tmp_path / "outside")
        os.chmod(folder / "a" / "b", 0o500)
        os.chmod(folder / "a", 0o500)
    assert not folder.exists() and (tmp_path / "outside" / "f").exists()


def test_folders_deeper_than_a_path_may_be_long_go_too(tmp_path: Path) -> None:
    """What a test suite leaves behind must not stop the next sweep."""
    with scratch_folder(tmp_path, "try", CHANCE) as folder:
        at = os.open(folder, os.O_RDONLY)
        for _ in range(3_000):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(at)
    assert not folder.exists()


def test_an_error_in_it_removes_it(tmp_path: Path) -> None:
    """And goes on to the caller."""
    with pytest.raises(ValueError, match="no"), scratch_folder(tmp_path, "try", CHANCE) as folder:
        raise ValueError("no")
    assert not folder.exists()


def test_what_is_in_use_is_not_swept(tmp_path: Path) -> None:
    """By this process or another one."""
    with scratch_folder(tmp_path, "try", CHANCE) as folder:
        sweep(tmp_path)
        assert folder.is_dir()


def test_what_a_killed_process_left_is_swept_with_its_children(tmp_path: Path) -> None:
    """A child, and a child of that which went into a session of its own."""
    program = (
        "import os, subprocess, sys\n"
        "from pathlib import Path\n"
        "from stepwell.store.engine.scratch import marked, scratch_folder\n"
        "store = Path(sys.argv[1])\n"
        "with scratch_folder(store, 'try', os.urandom) as folder:\n"
        "    (folder / 'work').mkdir()\n"
        "    child = 'setsid sleep 60 & echo $!; wait'\n"
        "    env = {**os.environ, **marked(folder)}\n"
        "    sh = subprocess.Popen(['sh', '-c', child], env=env, stdout=subprocess.PIPE)\n"
        "    print(sh.pid, sh.stdout.readline().decode().strip(), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        pids = [int(pid) for pid in victim.stdout.readline().split()]
        assert victim.wait() == -9 and len(pids) == 2
    assert all(is_alive(pid) for pid in pids)
    left = list((tmp_path / "scratch").iterdir())
    assert len(left) == 1
    sweep(tmp_path)
    assert not any(is_alive(pid) for pid in pids)
    assert not left[0].exists()


def test_a_process_is_told_by_its_environment(tmp_path: Path) -> None:
    """One variable, with the whole path."""
    assert marked(tmp_path / "x") == {"STEPWELL_SCRATCH": str(tmp_path / "x")}


def is_alive(pid: int) -> bool:
    """Tells whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
