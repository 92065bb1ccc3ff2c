"""Which file systems tell of all changes to what lies on them.

A file server's, or another system's, clients change files without this kernel: no watcher here
hears of it. See proc(5) for the mount table.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

TABLE = "/proc/self/mountinfo"

_DEAF = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "coda", "gfs2"}
    | {"glusterfs", "gpfs", "lustre", "ocfs2", "orangefs", "beegfs", "prl_fs", "vboxsf", "fuseblk"}
)
_OCTAL = re.compile(rb"\\([0-7]{3})")


def hears_all(root: bytes) -> bool:
    """Tells whether a watcher hears of every change in a folder; False when that is not known.

    `root` is free of links.
    """
    try:
        with open(TABLE, "rb") as file:
            return hears_all_by(file.read(), root)
    except OSError:
        return False


def hears_all_by(table: bytes, root: bytes) -> bool:
    """As `hears_all`, by the text of a mount table."""
    around, inside = b"", []
    longest = -1
    for point, kind in _mounts(table):
        if _holds(point, root) and len(point) >= longest:
            around, longest = kind, len(point)
        elif _holds(root, point):
            inside.append(kind)
    return longest >= 0 and not any(map(_is_deaf, (around, *inside)))


@lru_cache(maxsize=64)
def is_ours_alone(device: int) -> bool:
    """Tells whether only this kernel changes the file system of a `st_dev`; False when not known."""
    name = f"{os.major(device)}:{os.minor(device)}".encode()
    try:
        with open(TABLE, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return False
    kinds = [
        line.partition(b" - ")[2].split(b" ")[0] for line in lines if line.split(b" ")[2] == name
    ]
    return bool(kinds) and not any(map(_is_deaf, kinds))


def _mounts(table: bytes) -> list[tuple[bytes, bytes]]:
    """Returns mount point and kind of each mount, in order."""
    found = []
    for line in table.splitlines():
        before, dash, after = line.partition(b" - ")
        fields = before.split(b" ")
        if dash and len(fields) > 4:
            found.append((_unescaped(fields[4]), after.split(b" ")[0]))
    return found


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), field)


def _holds(folder: bytes, path: bytes) -> bool:
    return (path.rstrip(b"/") + b"/").startswith(folder.rstrip(b"/") + b"/")


def _is_deaf(kind: bytes) -> bool:
    name = os.fsdecode(kind)
    return name in _DEAF or name.startswith("fuse.")
