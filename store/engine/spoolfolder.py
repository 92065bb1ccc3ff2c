"""A folder in which hooks leave events, held open, once it is known to be nobody else's.

One may lie in a folder for temporary files, where every user of the machine can put something under
its name. So it is used only if it and the folder above are real folders of this user alone, it is
reached through descriptors, and of what lies in it only that is touched whose name is one that the
hook client (agents/hookclient.py) gives.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from stepwell.store.engine.atomic import (
    FILE_MODE,
    fsync_folder,
    full_write,
    system_error,
)
from stepwell.store.model.errors import StoreUnreadableError

_EVENT = "[0-9]{20}-[0-9]+"
_EVENTS = re.compile(_EVENT)
_REMAINS = re.compile(rf"\.in-vain|\.(?:{_EVENT}|\.in-vain)-([0-9]+)")
"""The note of a vain start, and what is half written, with the number of the process."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ANY, _WRITABLE = 0o077, 0o022
"""What others may not have: any right to the folder, and to write the one above (the store's may be read)."""
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP})
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO})


class SpoolFolder:
    """The events of one folder. Whoever opened it closes it."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self | None]:
        """Holds a folder open for as long as the block; None: there is none.

        Raises:
            StoreUnreadableError: it is not a folder of this user alone, or others can write above it.
            FailedError: the system refused.
        """
        with _opened(path.parent, path.parent, None, _WRITABLE) as above:
            if above is None:
                yield None
                return
            with _opened(path, path.name, above, _ANY) as fd:
                yield None if fd is None else cls(path, fd)

    def events(self) -> list[str]:
        """Returns the names of the files that are events, oldest first. Raises as `read`."""
        return [found[0] for found in self._files(_EVENTS)]

    def remains(self) -> list[tuple[str, int | None]]:
        """Returns what is no event but left by hooks, each with the process that writes or wrote it.

        Notes have none. Raises as `read`.
        """
        return [(found[0], int(found[1]) if found[1] else None) for found in self._files(_REMAINS)]

    def _files(self, named: re.Pattern[str]) -> list[re.Match[str]]:
        try:
            found = map(named.fullmatch, sorted(os.listdir(self._fd)))
            return [one for one in found if one is not None and self._is_file(one[0])]
        except OSError as error:
            raise system_error(error, "listing", self.path) from error

    def _is_file(self, name: str) -> bool:
        with suppress(FileNotFoundError):
            state = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            return stat.S_ISREG(state.st_mode)
        return False

    def read(self, name: str) -> bytes | None:
        """Returns a file's bytes; None when it is gone, or no file any more.

        Raises:
            FailedError: the system refused.
        """
        try:
            fd = os.open(name, _FILE, dir_fd=self._fd)
            try:
                return _content(fd) if stat.S_ISREG(os.fstat(fd).st_mode) else None
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno in _NO_FILE:
                return None
            raise system_error(error, "reading", self.path / name) from error

    def replace(self, name: str, content: bytes) -> None:
        """Replaces an event: after a crash the old or the new is there, never a mix.

        Raises:
            NoSpaceError, FailedError: the system refused; the old one is untouched.
        """
        draft = f".{name}-{os.getpid()}"
        self.remove(draft)
        try:
            try:
                self._write(draft, content)
                os.rename(draft, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            except BaseException:
                with suppress(OSError):
                    os.unlink(draft, dir_fd=self._fd)
                raise
        except OSError as error:
            raise system_error(error, "writing", self.path / name) from error
        fsync_folder(self.path)

    def _write(self, name: str, content: bytes) -> None:
        fd = os.open(name, _NEW, FILE_MODE, dir_fd=self._fd)
        try:
            full_write(fd, content, self.path / name)
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, name: str) -> None:
        """Removes a file; one that is gone is no error.

        Raises:
            FailedError: the system refused.
        """
        try:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._fd)
        except OSError as error:
            raise system_error(error, "removing", self.path / name) from error


def open_spools(paths: Sequence[Path]) -> Iterator[SpoolFolder]:
    """Yields the folders that are there and ours alone, each open until the next is asked for.

    Raises:
        FailedError: the system refused.
    """
    for path in paths:
        with suppress(StoreUnreadableError), SpoolFolder.open(path) as folder:
            if folder is not None:
                yield folder


def foreign_spools(paths: Sequence[Path]) -> list[Path]:
    """Returns those that `open_spools` leaves out because they are not ours alone."""
    found = []
    for path in paths:
        try:
            with SpoolFolder.open(path):
                pass
        except StoreUnreadableError:
            found.append(path)
    return found


def _content(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()


@contextmanager
def _opened(path: Path, name: str | Path, above: int | None, barred: int) -> Iterator[int | None]:
    """Holds a folder of ours open that gives others no `barred` right; `name` is one in `above`."""
    try:
        fd = os.open(name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        if error.errno in _NO_FOLDER:
            raise _foreign(path) from error
        raise system_error(error, "opening", path) from error
    try:
        state = os.fstat(fd)
        if state.st_uid != os.geteuid() or state.st_mode & barred:
            raise _foreign(path)
        yield fd
    finally:
        os.close(fd)


def _foreign(path: Path) -> StoreUnreadableError:
    return StoreUnreadableError(
        f"{path} is not a folder of yours alone",
        hint="remove it, or make it yours with mode 700; events of hooks could be another's there",
        path=str(path),
    )
