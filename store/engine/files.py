"""The only place that opens files of a workspace.

Everything goes through folder descriptors and without following links, so that a folder swapped for
a link cannot lead outside. Only regular files are opened for reading, and never in a way that could
block on something else that took their place.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from stepwell.store.engine.beneath import open_beneath
from stepwell.store.engine.leases import is_being_written
from stepwell.store.engine.objects import BLOB, FileMovedError, ObjectSink
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import PathState

LINK_MODE = stat.S_IFLNK | 0o777

_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_IN_ONE_PIECE = 1 << 20
_LARGEST_PREFIX = 64 << 20
_TRIES = 5
_OPEN_FOLDERS = 32

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class PathMovedError(Exception):
    """What lies at the path is of another kind than a moment ago; the caller looks again."""


class FileRead(NamedTuple):
    """Content that was stored."""

    oid: Oid
    stat: os.stat_result
    """Of the open file, as of the moment that the content stands for."""
    stable: bool
    """False: the file kept changing while it was read, so the content may mix two versions."""


class Placed(NamedTuple):
    """A file that its writer read back and put in place, with nothing but its stat to show for it."""

    oid: Oid
    stat: os.stat_result
    """As of the moment when it was in place."""

    def agrees(self, found: os.stat_result) -> bool:
        """Tells whether the file is, by its stat, still that one and has no other name."""
        return found.st_nlink == 1 and same_file(self.stat, found)


class Seen(NamedTuple):
    """What of a file's stat tells most writes; not all, as its ctime is not among it."""

    size: int
    mtime_ns: int
    inode: int


def open_root(path: bytes) -> int:
    """Opens the workspace folder; the caller closes the descriptor.

    Raises:
        FailedError: it cannot be opened, or is no folder.
    """
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise failed(error, "opening the workspace", path) from error


class OpenFolders:
    """Opens folders one after another, reusing the descriptors of those that they lie in.

    Made for a walk: the next folder is mostly a child or sibling of the last. Holds at most a few
    dozen descriptors; `close` gives them back.
    """

    def __init__(self, root_fd: int) -> None:
        self._root_fd = root_fd
        self._open: list[tuple[bytes, int]] = []

    def open(self, path: bytes) -> int:
        """Returns a descriptor that stays good until the next call; as `open_beneath` otherwise."""
        if not path:
            return self._root_fd
        while self._open and not (path + b"/").startswith(self._open[-1][0] + b"/"):
            os.close(self._open.pop()[1])
        base, current = self._open[-1] if self._open else (b"", self._root_fd)
        rest = path[len(base) :].strip(b"/")
        if rest:
            current = open_beneath(current, rest)
            self._open.append((path, current))
            if len(self._open) > _OPEN_FOLDERS:
                os.close(self._open.pop(0)[1])
        return current

    def close(self) -> None:
        """Closes every descriptor that it opened."""
        while self._open:
            os.close(self._open.pop()[1])


def list_folder(folder_fd: int) -> list[bytes]:
    """Returns the names in an open folder, sorted; raises OSError."""
    return sorted(map(os.fsencode, os.listdir(folder_fd)))


def lstat_at(folder_fd: int, name: bytes) -> os.stat_result | None:
    """Returns what is at the name itself, None when nothing is; raises OSError otherwise."""
    try:
        return os.lstat(name, dir_fd=folder_fd)
    except OSError as error:
        if is_gone(error):
            return None
        raise


def read_link_at(folder_fd: int, name: bytes) -> bytes:
    """Returns a link's target as it is stored.

    Raises:
        PathMovedError: there is no link at the name any more.
        OSError: it cannot be read.
    """
    try:
        return os.readlink(name, dir_fd=folder_fd)
    except OSError as error:
        if is_gone(error) or error.errno == errno.EINVAL:
            raise PathMovedError from error
        raise


def is_gone(error: OSError) -> bool:
    """Tells whether the error means that the thing looked for is not there any more."""
    return error.errno in _GONE


def is_exhausted(error: OSError) -> bool:
    """Tells whether the machine, not the path, is the reason (descriptors, memory)."""
    return error.errno in _EXHAUSTED


def failed(error: OSError, action: str, path: bytes) -> FailedError:
    """Returns the project's error for a refusal that stops a capture."""
    return FailedError(
        f"{action} {escape(path)} failed: {error.strerror or error}",
        hint="check that the folder exists and that you may read it",
        errno=error.errno,
        path=escape(path),
    )


def read_small(folder_fd: int, name: bytes, limit: int, *, follow: bool = False) -> bytes | None:
    """Returns a regular file's bytes; None for anything else, unreadable, or above `limit`."""
    flags = _FILE_FLAGS & ~os.O_NOFOLLOW if follow else _FILE_FLAGS
    try:
        fd = os.open(name, flags, dir_fd=folder_fd)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        content = _read_up_to(fd, limit + 1)
        return content if len(content) <= limit else None
    except OSError:
        return None
    finally:
        os.close(fd)


def read_stable(
    folder_fd: int, name: bytes, sink: ObjectSink, *, fresh_from: int | None = None
) -> FileRead:
    """Stores a regular file's content as a blob.

    The file is compared before and after and read again up to five times while it moves; then what
    was read last is stored and reported as unstable. A file whose ctime (ns) is not before
    `fresh_from` may change without a new time stamp, so it is read twice.

    Raises:
        PathMovedError: there is no regular file at the name any more.
        FileMovedError: it keeps changing and is too large to be kept as a torn copy.
        OSError: it cannot be read.
    """
    fd = _open_regular(folder_fd, name)
    try:
        for _ in range(_TRIES):
            done = _read_once(fd, sink, fresh_from)
            if done is not None:
                return done
        return _read_torn(fd, sink)
    finally:
        os.close(fd)


def _open_regular(folder_fd: int, name: bytes) -> int:
    try:
        fd = os.open(name, _FILE_FLAGS, dir_fd=folder_fd)
    except OSError as error:
        if is_gone(error) or error.errno == errno.ENXIO:
            raise PathMovedError from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise PathMovedError
    return fd


def _read_once(fd: int, sink: ObjectSink, fresh_from: int | None) -> FileRead | None:
    before = os.fstat(fd)
    os.lseek(fd, 0, os.SEEK_SET)
    if before.st_size > _IN_ONE_PIECE:
        return _stream(fd, before, sink)
    size = before.st_size
    content = _read_up_to(fd, size + 1, size)
    if fresh_from is not None and before.st_ctime_ns >= fresh_from:
        os.lseek(fd, 0, os.SEEK_SET)
        if _read_up_to(fd, size + 1, size) != content or is_being_written(fd):
            return None
    if len(content) != size or not same_file(before, os.fstat(fd)):
        return None
    return FileRead(sink.add(BLOB, content), before, True)


def _stream(fd: int, before: os.stat_result, sink: ObjectSink) -> FileRead | None:
    try:
        oid = sink.add_file(fd, before.st_size)
    except FileMovedError:
        return None
    return FileRead(oid, before, True) if same_file(before, os.fstat(fd)) else None


def _read_torn(fd: int, sink: ObjectSink) -> FileRead:
    """Stores the length that the file has now, so that an endless writer ends."""
    before = os.fstat(fd)
    if before.st_size > _LARGEST_PREFIX:
        raise FileMovedError
    os.lseek(fd, 0, os.SEEK_SET)
    content = _read_up_to(fd, before.st_size)
    return FileRead(sink.add(BLOB, content), before, False)


def _read_up_to(fd: int, limit: int, expected: int | None = None) -> bytes:
    """Returns at most `limit` bytes from the descriptor's place, fewer only at the end.

    A read that gives `expected` bytes, fewer than it was asked for, has met the end.
    """
    content = os.read(fd, limit)
    if len(content) in (limit, expected) or not content:
        return content
    parts, total = [content], len(content)
    while total < limit and (more := os.read(fd, limit - total)):
        parts.append(more)
        total += len(more)
    return content if len(parts) == 1 else b"".join(parts)


def same_file(a: os.stat_result, b: os.stat_result) -> bool:
    """Tells whether two looks at a file saw the same content: size, both times and inode."""
    return (
        a.st_size == b.st_size
        and a.st_mtime_ns == b.st_mtime_ns
        and a.st_ctime_ns == b.st_ctime_ns
        and a.st_ino == b.st_ino
    )


def state_at(root: bytes, path: bytes, sink: ObjectSink) -> PathState | None:
    """Returns what is on disk at a workspace path, its content added to `sink`.

    None: nothing is there. `blob` is None for a folder, a special file, and what cannot be read.

    Raises:
        FailedError: the workspace folder cannot be opened.
    """
    root_fd = open_root(root)
    try:
        folder, _, name = path.rpartition(b"/")
        folder_fd = open_beneath(root_fd, folder)
        try:
            return _state(folder_fd, name, sink)
        finally:
            os.close(folder_fd)
    except OSError as error:
        return None if is_gone(error) else PathState(0)
    finally:
        os.close(root_fd)


def _state(folder_fd: int, name: bytes, sink: ObjectSink) -> PathState | None:
    mode = 0
    for _ in range(_TRIES):
        found = lstat_at(folder_fd, name)
        if found is None:
            return None
        mode = found.st_mode
        try:
            return _content_state(folder_fd, name, mode, sink)
        except PathMovedError:
            continue
        except (FileMovedError, PermissionError):
            break
    return PathState(mode)


def _content_state(folder_fd: int, name: bytes, mode: int, sink: ObjectSink) -> PathState:
    if stat.S_ISLNK(mode):
        return PathState(LINK_MODE, sink.add(BLOB, read_link_at(folder_fd, name)))
    if not stat.S_ISREG(mode):
        return PathState(mode)
    done = read_stable(folder_fd, name, sink)
    return PathState(done.stat.st_mode, done.oid)
