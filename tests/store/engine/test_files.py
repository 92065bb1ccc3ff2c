"""Opening workspace files: never through a link, never what could block, and never torn unseen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.store.engine.beneath import open_beneath
from stepwell.store.engine.files import (
    OpenFolders,
    PathMovedError,
    list_folder,
    lstat_at,
    open_root,
    read_link_at,
    read_small,
    read_stable,
    state_at,
)
from stepwell.store.engine.objects import BLOB, FileMovedError, MemoryObjects
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid, object_id
from stepwell.store.model.plans import PathState


@pytest.fixture
def root_fd(tmp_path: Path) -> Iterator[int]:
    """Yields a descriptor of the workspace folder."""
    fd = open_root(os.fsencode(tmp_path))
    yield fd
    os.close(fd)


class Meddling(MemoryObjects):
    """Changes a file each time content is offered, as a program that writes meanwhile does."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__()
        self.path = path
        self.left = times

    def add_file(self, fd: int, size: int) -> Oid:
        if self.left:
            self.left -= 1
            with self.path.open("ab") as file:
                file.write(b"more")
        return super().add_file(fd, size)


def test_content_of_every_size_is_stored_exactly(tmp_path: Path, root_fd: int) -> None:
    """Empty, small, and larger than what is read in one piece."""
    sink = MemoryObjects()
    for size in (0, 1, 1 << 20, (1 << 20) + 1, 3 << 20):
        content = os.urandom(size)
        (tmp_path / "f").write_bytes(content)
        done = read_stable(root_fd, b"f", sink)
        assert sink.read(done.oid) == (BLOB, content)
        assert done.stable
        assert done.stat.st_size == size


def test_a_large_file_that_moves_twice_is_read_again_until_it_rests(
    tmp_path: Path, root_fd: int
) -> None:
    """The stored content is the file's last, and counts as stable."""
    path = tmp_path / "log"
    path.write_bytes(bytes(2 << 20))
    sink = Meddling(path, times=2)
    done = read_stable(root_fd, b"log", sink)
    assert done.stable
    assert sink.read(done.oid)[1] == path.read_bytes()


def test_a_file_that_never_rests_is_stored_and_reported(tmp_path: Path, root_fd: int) -> None:
    """A log that grows for ever ends the reading after a few tries: a beginning of it is kept."""
    path = tmp_path / "log"
    path.write_bytes(bytes(2 << 20))
    sink = Meddling(path, times=99)
    done = read_stable(root_fd, b"log", sink)
    assert not done.stable
    assert path.read_bytes().startswith(sink.read(done.oid)[1])


def test_a_huge_file_that_never_rests_is_not_stored(tmp_path: Path, root_fd: int) -> None:
    """Memory stays bounded: above 64 MiB there is no torn copy."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)

    class Refusing(MemoryObjects):
        def add_file(self, fd: int, size: int) -> Oid:
            raise FileMovedError

    with pytest.raises(FileMovedError):
        read_stable(root_fd, b"huge", Refusing())


def test_links_are_never_followed(tmp_path: Path, root_fd: int) -> None:
    """Not at the end of a path, not in the middle."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (tmp_path / "file").symlink_to(outside / "secret")
    (tmp_path / "folder").symlink_to(outside)
    with pytest.raises(PathMovedError):
        read_stable(root_fd, b"file", MemoryObjects())
    with pytest.raises(OSError):
        open_beneath(root_fd, b"folder")
    folders = OpenFolders(root_fd)
    with pytest.raises(OSError):
        folders.open(b"folder")
    folders.close()
    assert read_small(root_fd, b"file", 100) is None
    assert state_at(os.fsencode(tmp_path), b"folder/secret", MemoryObjects()) is None


def test_special_files_are_not_read(tmp_path: Path, root_fd: int) -> None:
    """A FIFO without a writer does not block, a socket is no file."""
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        for name in (b"fifo", b"sock", b"missing"):
            with pytest.raises(PathMovedError):
                read_stable(root_fd, name, MemoryObjects())
            assert read_small(root_fd, name, 100) is None


def test_a_long_chain_of_folders_needs_few_descriptors(tmp_path: Path, root_fd: int) -> None:
    """500 levels, with a sibling at each, pass under a low limit and leave nothing open."""
    before = len(os.listdir("/proc/self/fd"))
    current, path = os.open(tmp_path, os.O_RDONLY), b""
    for _ in range(500):
        for name in (b"d", b"e"):
            os.mkdir(name, dir_fd=current)
        deeper = os.open(b"d", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = deeper
    os.close(current)
    folders = OpenFolders(root_fd)
    for _ in range(500):
        assert list_folder(folders.open(path)) == [b"d", b"e"]
        assert list_folder(folders.open(path + b"/e" if path else b"e")) == []
        path = path + b"/d" if path else b"d"
        assert len(os.listdir("/proc/self/fd")) < before + 40
    folders.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_link_targets_and_absences_are_told_apart(tmp_path: Path, root_fd: int) -> None:
    """Targets are bytes as stored; a name that is no link any more is reported as moved."""
    os.symlink(b"\xff\n", os.fsencode(tmp_path / "link"))
    (tmp_path / "file").touch()
    assert read_link_at(root_fd, b"link") == b"\xff\n"
    for name in (b"file", b"missing"):
        with pytest.raises(PathMovedError):
            read_link_at(root_fd, name)
    assert lstat_at(root_fd, b"missing") is None
    assert lstat_at(root_fd, b"file/below") is None


def test_the_state_of_a_path_says_what_is_there(tmp_path: Path) -> None:
    """File, link, folder, FIFO, nothing: with full modes."""
    root = os.fsencode(tmp_path)
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d/f").write_bytes(b"x")
    (tmp_path / "d/f").chmod(0o640)
    (tmp_path / "d/l").symlink_to("f")
    os.mkfifo(tmp_path / "fifo", 0o600)
    sink = MemoryObjects()
    assert state_at(root, b"d", sink) == PathState(0o040700)
    assert state_at(root, b"d/f", sink) == PathState(0o100640, object_id(BLOB, b"x"))
    assert state_at(root, b"d/l", sink) == PathState(0o120777, object_id(BLOB, b"f"))
    assert state_at(root, b"fifo", sink) == PathState(0o010600)
    assert state_at(root, b"d/f/below", sink) is None
    assert state_at(root, b"gone", sink) is None


def test_a_missing_workspace_is_one_sentence(tmp_path: Path) -> None:
    """The error names the folder and the reason."""
    with pytest.raises(FailedError, match=r"opening the workspace .*gone failed: No such file"):
        open_root(os.fsencode(tmp_path / "gone"))


REWRITER = """
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
half = 256 << 10
turn = 0
while True:
    turn += 1
    part = (b"a", b"b")[turn % 2] * half
    os.pwrite(fd, part, 0)
    os.pwrite(fd, part, half)
"""


def test_no_torn_content_passes_as_stable(tmp_path: Path, root_fd: int) -> None:
    """While a program rewrites a file in place, what mixes two versions is called unstable.

    The program never rests, so a stable read can only fall between two of its writes: each half
    is of one version.
    """
    path, half = tmp_path / "f", 256 << 10
    path.write_bytes(b"a" * 2 * half)
    sink, seen = MemoryObjects(), {True: 0, False: 0}
    with subprocess.Popen([sys.executable, "-c", REWRITER, path]) as writer:
        try:
            while sum(seen.values()) < 5000 and not (
                seen[False] >= 20 and sum(seen.values()) > 100
            ):
                done = read_stable(root_fd, b"f", sink, fresh_from=0)
                content = sink.read(done.oid)[1]
                assert len(content) == 2 * half
                seen[done.stable] += 1
                if done.stable:
                    assert content[:half] in (b"a" * half, b"b" * half)
                    assert content[half:] in (b"a" * half, b"b" * half)
        finally:
            writer.kill()
    assert seen[False] >= 20
