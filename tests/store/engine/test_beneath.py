"""Opening a folder below the root: the same folder in one call or step by step, and never a link."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.store.engine import beneath


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """An open folder with folders below it, links to some of them, and a file."""
    (tmp_path / "root/a/b/c").mkdir(parents=True)
    (tmp_path / "outside/b").mkdir(parents=True)
    (tmp_path / "root/a/link").symlink_to("b")
    (tmp_path / "root/away").symlink_to("../outside")
    (tmp_path / "root/a/file").write_bytes(b"")
    fd = os.open(tmp_path / "root", os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


@pytest.fixture(params=["one call", "step by step"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways; the second is what a system without the call has."""
    if request.param == "step by step":
        monkeypatch.setattr(beneath, "_system_call", lambda: None)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", [b"", b"a", b"a/b", b"a/b/c"])
def test_opens_the_folder_at_the_path(root: int, path: bytes) -> None:
    """And nothing else."""
    fd = beneath.open_beneath(root, path)
    try:
        assert os.path.samestat(os.fstat(fd), os.stat(path or b".", dir_fd=root))
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("path", "why"),
    [
        (b"away", errno.ENOTDIR),
        (b"away/b", errno.ENOTDIR),
        (b"a/link", errno.ENOTDIR),
        (b"a/link/c", errno.ENOTDIR),
        (b"a/file", errno.ENOTDIR),
        (b"a/none/c", errno.ENOENT),
        (b"a/../a", errno.EINVAL),
        (b"../outside", errno.EINVAL),
        (b"a//b", errno.EINVAL),
        (b"a/./b", errno.EINVAL),
        (b"/a/b", errno.EINVAL),
        (b"a/b/", errno.EINVAL),
    ],
)
def test_neither_follows_a_link_nor_leaves_the_root(root: int, path: bytes, why: int) -> None:
    """Wherever on the way the link stands, and even when it leads to a folder inside."""
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(OSError) as caught:
        beneath.open_beneath(root, path)
    assert caught.value.errno == why
    assert before in (0, len(os.listdir("/proc/self/fd")))


@pytest.mark.usefixtures("way")
def test_a_zero_byte_does_not_end_the_path(root: int) -> None:
    """What is before it names another folder."""
    with pytest.raises(ValueError, match="null"):
        beneath.open_beneath(root, b"a/b\0x")
