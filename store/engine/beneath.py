"""Opening a folder below another one in one call that follows no link: Linux's openat2.

Whatever that refuses, and all where it is missing, is opened one folder after the other.
Source: the openat2(2) manual page.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Callable
from functools import cache

from stepwell.store.model.paths import escape

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NUMBER = 437
_NO_MAGIC_LINKS, _NO_LINKS, _BENEATH = 0x02, 0x04, 0x08
_HOW = struct.pack("QQQ", _FOLDER, 0, _NO_MAGIC_LINKS | _NO_LINKS | _BENEATH)
_NO_NAMES = frozenset({b"", b".", b".."})

Call = Callable[[int, bytes], int]


def open_beneath(root: int, path: bytes) -> int:
    """Opens the folder at a path below an open one; the caller closes it.

    Raises:
        OSError: a part of the path is missing (ENOENT), no folder or a link (ENOTDIR, ELOOP), may
            not be entered (EACCES), or is no name that a workspace path has (EINVAL).
    """
    names = path.split(b"/") if path else []
    if not _NO_NAMES.isdisjoint(names):
        raise OSError(errno.EINVAL, "no name that a file can have", escape(path))
    if len(names) == 1:
        return os.open(path, _FOLDER, dir_fd=root)
    call = _system_call() if names else None
    # A zero byte would end the path for the system, and lead elsewhere.
    if call is None or b"\0" in path:
        return _one_by_one(root, names)
    fd = call(root, path)
    return fd if fd >= 0 else _one_by_one(root, names)


def _one_by_one(root: int, names: list[bytes]) -> int:
    current = os.open(b".", _FOLDER, dir_fd=root)
    for name in names:
        try:
            deeper = os.open(name, _FOLDER, dir_fd=current)
        finally:
            os.close(current)
        current = deeper
    return current


@cache
def _system_call() -> Call | None:
    """Returns what opens a folder, or returns a negative number; None where it cannot be had."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes  # only those who change the disk wait for it

        function = ctypes.CDLL(None).syscall
    except (ImportError, AttributeError, OSError):
        return None
    function.restype = ctypes.c_long
    function.argtypes = (
        ctypes.c_long,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    )

    def call(root: int, path: bytes) -> int:
        return int(function(_NUMBER, root, path, _HOW, len(_HOW)))

    return call
