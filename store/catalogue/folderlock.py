"""Who may write the catalogue's files: one process at a time, and nobody waits for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from stepwell.store.engine.atomic import FILE_MODE, make_private_folder, system_error
from stepwell.store.model.errors import FailedError

LOCK = "lock"


@contextlib.contextmanager
def locked_folder(folder: Path, wanted: bool) -> Iterator[bool]:
    """Gives True while this process alone may write the catalogue; does not wait."""
    fd = _try_lock(folder) if wanted else None
    try:
        yield fd is not None
    finally:
        if fd is not None:
            os.close(fd)


def _try_lock(folder: Path) -> int | None:
    try:
        fd = _open_lock(folder)
    except FailedError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def check_folder(folder: Path) -> None:
    """Raises FailedError when the system lets this process not write the catalogue."""
    os.close(_open_lock(folder))


def _open_lock(folder: Path) -> int:
    make_private_folder(folder)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(folder / LOCK, flags, FILE_MODE)
    except OSError as error:
        raise system_error(error, "opening the lock", folder / LOCK) from error
