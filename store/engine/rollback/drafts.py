"""Drafts: files that are made whole under a private name before they come into their place."""

from __future__ import annotations

import errno
import os
import stat

from stepwell.store.engine.rollback.looking import PIECE, SET_ID_BITS, look_in
from stepwell.store.model.plans import PathState

_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Owner = tuple[int, int]


def make_file(
    folder: int,
    draft: bytes,
    content: bytes,
    wanted: PathState,
    *,
    owner: Owner | None,
    sync: bool,
) -> os.stat_result:
    """Makes a file with exactly that content and mode, set-id bits apart, and reads it back.

    `owner`: whom it is given to, where that is not who makes it. Returns its stat, whose size and
    mtime are to stay.

    Raises:
        FileExistsError: the name is another's; nothing was changed.
        OSError: as the system gives it; what was made so far is left to the caller.
    """
    mode = stat.S_IMODE(wanted.mode) & ~SET_ID_BITS
    fd = os.open(draft, _NEW_FILE, mode & 0o777, dir_fd=folder)
    try:
        _fill(fd, content)
        made = os.fstat(fd)
        if owner is not None and owner != (made.st_uid, made.st_gid):
            os.fchown(fd, *owner)
        if stat.S_IMODE(made.st_mode) != mode:
            os.fchmod(fd, mode)
        if sync:
            os.fdatasync(fd)
        _read_back(fd, content)
        return made
    finally:
        os.close(fd)


def owner_at(folder: int, name: bytes) -> Owner | None:
    """Returns who owns the file that is replaced, else the folder; None where only root may give."""
    if os.geteuid() != 0:
        return None
    like = look_in(folder, name) or os.fstat(folder)
    return like.st_uid, like.st_gid


def _fill(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _read_back(fd: int, content: bytes) -> None:
    at = 0
    while True:
        asked = min(PIECE, len(content) - at + 1)
        piece = os.pread(fd, asked, at)
        if piece != content[at : at + len(piece)]:
            raise _differs()
        at += len(piece)
        if not piece or (at == len(content) and len(piece) < asked):
            break
    if at != len(content):
        raise _differs()


def _differs() -> OSError:
    return OSError(errno.EIO, "it reads back differently")
