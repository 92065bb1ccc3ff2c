"""Linux's inotify, called directly: see inotify(7).

Neither watchdog nor watchfiles will do: the first watches opens and reads and drowns in its own,
the second follows links and does not say when it lost events.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

MODIFY = 0x00000002
ATTRIB = 0x00000004
CLOSE_WRITE = 0x00000008
MOVED_FROM = 0x00000040
MOVED_TO = 0x00000080
CREATE = 0x00000100
DELETE = 0x00000200
DELETE_SELF = 0x00000400
MOVE_SELF = 0x00000800
UNMOUNT = 0x00002000
Q_OVERFLOW = 0x00004000
IGNORED = 0x00008000
ISDIR = 0x40000000

_ONLYDIR = 0x01000000
_DONT_FOLLOW = 0x02000000
_EXCL_UNLINK = 0x04000000

FOLDER_CHANGES = (
    MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
    | DELETE_SELF | MOVE_SELF | _ONLYDIR | _DONT_FOLLOW | _EXCL_UNLINK
)  # fmt: skip
"""Whatever may change what is captured of a folder; never that somebody reads it."""

WRITES = MODIFY | ATTRIB | CLOSE_WRITE
"""What happens to a file at the name that it has: its content, mode or times may be others."""

_EVENT = struct.Struct("iIII")
_BUFFER = 1 << 18


class Event(NamedTuple):
    """One event of a watched folder."""

    wd: int
    """Which watch; -1 with Q_OVERFLOW."""
    mask: int
    name: bytes
    """The name in the folder; empty when the folder itself is meant."""


class Inotify:
    """One inotify instance; events of all its watches come in the order in which they happened.

    Raises:
        OSError: the system has no inotify (ENOSYS), or grants no more instances (EMFILE).
    """

    def __init__(self) -> None:
        self._fd = -1
        library = ctypes.CDLL(None, use_errno=True)
        try:
            self._add, self._remove = library.inotify_add_watch, library.inotify_rm_watch
            fd = library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        except AttributeError:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
        self._fd = _checked(fd)

    def fileno(self) -> int:
        """Returns the descriptor, readable when events wait."""
        return self._fd

    def add(self, path: bytes) -> int:
        """Watches a folder and returns the watch's number; the same folder, the same number.

        A link at the end of `path` is not followed.

        Raises:
            OSError: ENOSPC when the person's limit of watches is reached, else what ails the path.
        """
        return _checked(self._add(self._fd, path, FOLDER_CHANGES))

    def remove(self, wd: int) -> None:
        """Ends a watch; one that ended by itself is no error."""
        self._remove(self._fd, wd)

    def read(self) -> list[Event]:
        """Returns events that wait, the oldest first; none when there are none.

        Several that speak of one name are one with all their bits, in the place of the last: no
        name is spoken of after its folder's watch has ended.
        """
        try:
            data = os.read(self._fd, _BUFFER)
        except BlockingIOError:
            return []
        masks: dict[tuple[int, bytes], int] = {}
        unpack, head, at, end = _EVENT.unpack_from, _EVENT.size, 0, len(data)
        while at < end:
            wd, mask, _, length = unpack(data, at)
            start, at = at + head, at + head + length
            of = wd, data[start:at]
            masks[of] = masks.pop(of, 0) | mask
        return [Event(wd, mask, name.rstrip(b"\0")) for (wd, name), mask in masks.items()]

    def close(self) -> None:
        """Ends all watches; does nothing the second time."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
