"""Making many changes of one file system durable at once: Linux's syncfs.

One sync for each of some hundred files costs a write of the file system's journal each; one for all
of them costs one. It is used where it promises as much as fsync does: on kernels that report a failed
write by it (5.8 and newer), and on file systems that have an implementation of it.
Source: the syncfs(2) and statfs(2) manual pages.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import cache
from threading import Thread

MANY = 8
"""From this many changes on, one sync of all that is unwritten is the quicker way."""

_REPORTS_ERRORS = (5, 8)
_KINDS = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x01021994, 0x2FC12FC1})
"""ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, ZFS."""
_STATFS_BYTES = 256

Call = Callable[[int], int]


class Together:
    """The file system of one folder, which the caller keeps open."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._device = os.fstat(root).st_dev
        self._sync = _library_call() if _kind(root) in _KINDS else None
        self._thread: Thread | None = None
        self._is_done = False

    def covers(self, folder: int) -> bool:
        """Tells whether `sync` makes what is done in that folder durable."""
        return self._sync is not None and os.fstat(folder).st_dev == self._device

    def sync(self) -> bool:
        """Makes everything durable; False: it is not sure, and each change needs a sync of its own."""
        return self._sync is not None and self._sync(self._root) == 0

    def begin(self) -> None:
        """Begins with `sync` on a thread of its own; `end` comes before the folder is closed."""

        def run() -> None:
            self._is_done = self.sync()

        self._thread = Thread(target=run, name="syncing", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no more threads are to be had
            self._thread = None
            run()

    def end(self) -> bool:
        """Waits for what was begun; returns as `sync`, and False when nothing was begun."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        done, self._is_done = self._is_done, False
        return done


def _kind(folder: int) -> int:
    """Returns the number of the file system's kind; 0 when that cannot be told."""
    try:
        import ctypes  # only those who change the disk wait for it

        answer = ctypes.create_string_buffer(_STATFS_BYTES)
        failed = ctypes.CDLL(None).fstatfs(folder, answer)
    except (ImportError, AttributeError, OSError):
        return 0
    word = answer.raw[: ctypes.sizeof(ctypes.c_long)]
    return 0 if failed else int.from_bytes(word, sys.byteorder)


@cache
def _library_call() -> Call | None:
    """Returns the C library's function; None where it is missing or says nothing of failures."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if not sys.platform.startswith("linux") or release is None:
        return None
    if tuple(map(int, release.groups())) < _REPORTS_ERRORS:
        return None
    try:
        import ctypes

        call: Call = ctypes.CDLL(None).syncfs
    except (ImportError, AttributeError, OSError):
        return None
    return call
