"""Renames that replace nothing and renames that exchange: Linux's renameat2.

Where the kernel or the file system lacks them, each function says so and nothing was changed.
Source: the renameat2(2) manual page.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import cache

_NOREPLACE, _EXCHANGE = 1, 2
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})

Call = Callable[[int, bytes, int, bytes, int], int]


def is_known() -> bool:
    """Tells whether the system may be able to do either at all."""
    return _library_call() is not None


def exchange(folder: int, one: bytes, other: bytes, *, at: int | None = None) -> bool:
    """Exchanges what two names lead to; False: that is not possible here.

    `other` is a name in the folder `at`, which is the same one when None.

    Raises:
        OSError: as rename; ENOENT when one of them leads to nothing.
    """
    return _renameat2(folder, one, folder if at is None else at, other, _EXCHANGE)


def move_to_free(folder: int, name: bytes, free: bytes, *, at: int | None = None) -> bool:
    """Renames and replaces nothing; False: that is not possible here. `at` as in `exchange`.

    Raises:
        FileExistsError: something is at `free`.
        OSError: as rename.
    """
    return _renameat2(folder, name, folder if at is None else at, free, _NOREPLACE)


def _renameat2(folder: int, old: bytes, to: int, new: bytes, flags: int) -> bool:
    call = _library_call()
    if call is None:
        return False
    number = call(folder, old, to, new, flags)
    if number in _UNSUPPORTED:
        return False
    if number:
        raise OSError(number, os.strerror(number), old, None, new)
    return True


@cache
def _library_call() -> Call | None:
    """Returns the C library's function, giving the error number; None when it has none."""
    try:
        import ctypes  # only those who change the disk wait for it

        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, AttributeError, OSError):
        return None
    function.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    )

    def call(old_folder: int, old: bytes, new_folder: int, new: bytes, flags: int) -> int:
        failed = function(old_folder, old, new_folder, new, flags)
        return ctypes.get_errno() if failed else 0

    return call
