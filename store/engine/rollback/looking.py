"""What is at a name of an open folder: its state, read so that a moving file is never taken for one."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from stepwell.store.engine.files import Seen
from stepwell.store.engine.objects import BLOB, FileMovedError
from stepwell.store.model.ids import Oid, object_id
from stepwell.store.model.plans import PathState

PIECE = 1 << 20

SET_ID_BITS = stat.S_ISUID | stat.S_ISGID
"""Never put back on files: whoever can write a snapshot could make a program run as another."""

# Without O_NONBLOCK a FIFO that was swapped in would block for ever.
OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Signature(NamedTuple):
    """What of a file's stat changes whenever its content or mode does."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Expected(NamedTuple):
    """What is to be replaced or removed."""

    state: PathState
    seen: Seen | None = None
    """How it looked when it was in that state; None: only its content can tell."""


def signature_of(status: os.stat_result) -> Signature:
    """Returns the signature of a stat result."""
    return Signature(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def look_in(folder: int, name: bytes) -> os.stat_result | None:
    """Returns the lstat of a name, None when nothing is there; raises OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def state_in(folder: int, name: bytes) -> PathState | None:
    """Returns type, mode and content id of what is at a name; None when nothing is.

    Raises:
        FileMovedError: it is being changed.
        OSError: it cannot be read.
    """
    status = look_in(folder, name)
    if status is None:
        return None
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(name, dir_fd=folder)
        return PathState(stat.S_IFLNK | 0o777, object_id(BLOB, target))
    if stat.S_ISREG(status.st_mode):
        return PathState(status.st_mode, content_in(folder, name)[0])
    return PathState(status.st_mode)


def file_state_in(folder: int, name: bytes) -> PathState | None:
    """Returns the state of a file without looking at its name first; None for whatever else is there.

    Raises:
        FileMovedError: it is being changed.
    """
    try:
        fd = os.open(name, OLD_FILE, dir_fd=folder)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        return PathState(status.st_mode, _hash_steady(fd, status))
    finally:
        os.close(fd)


def content_in(folder: int, name: bytes) -> tuple[Oid, Signature]:
    """Reads a file and returns its blob id and the signature that the bytes belong to.

    Raises:
        FileMovedError: it changed meanwhile, or is no regular file.
        OSError: it cannot be read.
    """
    fd = os.open(name, OLD_FILE, dir_fd=folder)
    try:
        before = os.fstat(fd)
        if not stat.S_ISREG(before.st_mode):
            raise FileMovedError
        return _hash_steady(fd, before), signature_of(before)
    finally:
        os.close(fd)


def _hash_steady(fd: int, before: os.stat_result) -> Oid:
    oid = hash_open(fd, before.st_size)
    if signature_of(os.fstat(fd)) != signature_of(before):
        raise FileMovedError
    return oid


def hash_open(fd: int, size: int) -> Oid:
    """Returns the blob id of an open file's bytes; FileMovedError when they are not `size`."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    seen = 0
    while True:
        # One byte more than is left: a file gives less than it is asked for only at its end.
        asked = min(PIECE, size - seen + 1)
        piece = os.read(fd, asked)
        digest.update(piece)
        seen += len(piece)
        if not piece or seen > size or (seen == size and len(piece) < asked):
            break
    if seen != size:
        raise FileMovedError
    return Oid(digest.digest())


def same(state: PathState | None, wanted: PathState | None) -> bool:
    """Compares as far as a rollback restores: without the set-id bits of files."""
    if state is None or wanted is None or not stat.S_ISREG(wanted.mode):
        return state == wanted
    return state == PathState(wanted.mode & ~SET_ID_BITS, wanted.blob)
