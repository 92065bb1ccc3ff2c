"""Which file systems are followed, by mount tables as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stepwell.store.engine.mounts import hears_all, hears_all_by

TABLE = b"""\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:40 / /srv/me/remote rw - nfs4 server:/export rw
31 22 0:41 / /mnt/with\\040blank rw shared:9 master:2 - fuse.sshfs me@there: rw
32 22 8:2 / /srv/me/local rw - btrfs /dev/sdb1 rw
33 32 0:42 / /srv/me/local/deep/share rw - cifs //server/share rw
34 22 0:43 / /over rw - nfs server:/a rw
35 22 8:3 / /over rw - xfs /dev/sdc1 rw
torn line
"""


@pytest.mark.parametrize(
    ("root", "hears"),
    [
        (b"/", False),
        (b"/srv/you/work", True),
        (b"/srv/me/remote", False),
        (b"/srv/me/remote/work", False),
        (b"/srv/me/remote2", True),
        (b"/mnt/with blank/x", False),
        (b"/srv/me/local/work", True),
        (b"/srv/me/local", False),
        (b"/srv/me/local/deep/sharew", True),
        (b"/over/work", True),
    ],
)
def test_the_innermost_mount_and_those_inside_decide(root: bytes, hears: bool) -> None:
    """Of two mounts at one place the later one counts; a name that only begins alike does not."""
    assert hears_all_by(TABLE, root) is hears


def test_an_unknown_table_is_no_ground_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not known is scanned."""
    assert not hears_all_by(b"", b"/work")
    monkeypatch.setattr("stepwell.store.engine.mounts.TABLE", "/nonexistent")
    assert not hears_all(b"/")


def test_the_real_table_is_read(tmp_path: Path) -> None:
    """The tests' own folder lies on a disk of this machine."""
    assert hears_all(os.path.realpath(os.fsencode(tmp_path)))
