"""What an export may be written over: an earlier one, or nothing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.model.errors import RefusedError

_HEAD_BYTES = 4096
_OTHER = frozenset({errno.ELOOP, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENXIO})
"""What opening says of links, folders, and what may not be read: none is known to be an export."""


def refuse_over(path: Path, is_one: Callable[[bytes], bool], what: str) -> None:
    """Does nothing where a file may be written; `is_one` knows an earlier one by its beginning.

    An empty file may be written over, too.

    Raises:
        RefusedError: something else is there, such as work that is recorded nowhere.
        FailedError: the system does not say what is there.
    """
    try:
        start = _start(path)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in _OTHER:
            raise system_error(error, "looking at", path) from error
        start = None
    if start is None or (start and not is_one(start)):
        raise RefusedError(
            f"nothing was written: {path} is there already, and is no {what}",
            hint="name another file, or move that one away first",
            path=str(path),
        )


def _start(path: Path) -> bytes | None:
    """Returns how a file begins; None of what is no file."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(fd, _HEAD_BYTES) if stat.S_ISREG(os.fstat(fd).st_mode) else None
    finally:
        os.close(fd)
