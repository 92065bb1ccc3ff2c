"""Watching the folders of a workspace, with a barrier: what was done before is seen before.

The kernel queues an event within the system call that causes it, and one instance has one queue. So
whatever was written before the barrier's own cookie lies before the cookie's event, whichever
folder it was in. The cookie lives in the store, where no capture and no tool of the user meets it.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.atomic import make_private_folder
from stepwell.store.engine.live.inotify import Q_OVERFLOW, Event, Inotify
from stepwell.store.engine.mounts import hears_all

FOLDER = "barrier"
_PATIENCE_MS = 2_000
_LIMITS = frozenset({errno.ENOSPC, errno.ENOMEM, errno.ENAMETOOLONG})


class LimitError(Exception):
    """The system grants no more watches, or none for so long a path."""


class DeafError(Exception):
    """The folder lies on a file system that does not tell of all changes."""


class News(NamedTuple):
    """What came up to a barrier."""

    events: list[Event]
    whole: bool
    """False: events were lost, so they do not tell all that happened."""


class Watcher:
    """Watches for one workspace; `most` limits its watches below what the system grants.

    Raises:
        DeafError: what others do to the folder would not be heard of here.
        OSError: the system grants no watcher at all.
    """

    def __init__(self, root: bytes, store: Path, *, most: int | None = None) -> None:
        self._root = os.path.realpath(root)
        self._most = most
        self._wds: set[int] = set()
        self._count = 0
        self._cookie = b""
        if not hears_all(self._root):
            raise DeafError
        make_private_folder(store / FOLDER)
        folder = os.fsencode(store / FOLDER)
        for left in os.listdir(folder):
            os.unlink(os.path.join(folder, left))
        self._folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._inotify = Inotify()
            self._own = self._inotify.add(folder)
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Returns a descriptor that is readable when something happened."""
        return self._inotify.fileno()

    def absolute(self, path: bytes) -> bytes:
        """Returns the absolute path of a workspace path."""
        return self._root + b"/" + path if path else self._root

    def add(self, path: bytes) -> int:
        """Watches a folder (workspace path) and returns the watch's number.

        Raises:
            LimitError: no more watches are granted, or none for so long a path.
            OSError: the folder is gone, or may not be watched.
        """
        if self._most is not None and len(self._wds) >= self._most:
            raise LimitError
        try:
            wd = self._inotify.add(self.absolute(path))
        except OSError as error:
            if error.errno in _LIMITS:
                raise LimitError from error
            raise
        self._wds.add(wd)
        return wd

    def add_all(self, paths: Iterable[bytes]) -> dict[bytes, int]:
        """Watches folders; those that are gone or may not be watched are left out.

        Raises:
            LimitError: no more watches are granted.
        """
        found = {}
        for path in paths:
            with suppress(OSError):
                found[path] = self.add(path)
        return found

    def remove(self, wd: int) -> None:
        """Ends a watch."""
        self._wds.discard(wd)
        self._inotify.remove(wd)

    def ended(self, wd: int) -> None:
        """Takes note that a watch ended by itself."""
        self._wds.discard(wd)

    def drain(self) -> News:
        """Returns what waits now, without a barrier."""
        events: list[Event] = []
        while more := self._inotify.read():
            events += more
        return self._news(events)

    def barrier(self) -> News:
        """Returns at least everything that happened before the call."""
        try:
            cookie = self._leave_cookie()
        except OSError:
            return News([], False)
        events: list[Event] = []
        waiting = select.poll()
        waiting.register(self._inotify.fileno(), select.POLLIN)
        while True:
            more = self._inotify.read()
            events += more
            if any(e.wd == self._own and e.name == cookie for e in more):
                return self._news(events)
            if not more and not waiting.poll(_PATIENCE_MS):
                return News([], False)
            if any(e.mask & Q_OVERFLOW for e in more):
                return News([], False)

    def _leave_cookie(self) -> bytes:
        self._count += 1
        cookie, last = b"%d.%d" % (os.getpid(), self._count), self._cookie
        fd = self._folder_fd
        try:
            os.rename(last, cookie, src_dir_fd=fd, dst_dir_fd=fd)
        except OSError:
            os.close(os.open(cookie, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=fd))
        self._cookie = cookie
        return cookie

    def _news(self, events: list[Event]) -> News:
        whole = not any(e.mask & Q_OVERFLOW for e in events)
        return News([e for e in events if e.wd != self._own], whole)

    def close(self) -> None:
        """Ends all watches; does nothing the second time."""
        fd, self._folder_fd = self._folder_fd, -1
        if fd >= 0:
            os.close(fd)
        if hasattr(self, "_inotify"):
            self._inotify.close()
