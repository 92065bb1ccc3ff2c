"""Writing the store's own files: whole or not at all, private, and known to be on disk.

Nothing here touches a workspace. Files are created 0600 and folders 0700 whatever the umask.
Derived files carry a checksum, so that a torn, old or foreign one reads as absent.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from stepwell.store.model.errors import FailedError, NoSpaceError, StoreUnreadableError

FILE_MODE = 0o600
FOLDER_MODE = 0o700

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_TEMPORARY = ".stepwell-tmp"
_CHECKED = b"stepwell-checked 1 "

sync_content = getattr(os, "fdatasync", os.fsync)
"""Forces a file's bytes and size to disk; raises OSError."""


def system_error(error: OSError, action: str, path: str | os.PathLike[str]) -> FailedError:
    """Returns the project's error for what the operating system refused; `action` is a gerund."""
    name = os.fspath(path)
    reason = error.strerror or str(error)
    message = f"{action} {name} failed: {reason}"
    if error.errno in _FULL:
        return NoSpaceError(
            message,
            hint="free some space and try again; what was recorded before is safe",
            errno=error.errno,
            path=name,
        )
    if error.errno in _DENIED:
        return StoreUnreadableError(
            message,
            hint=f"check the owner and the permissions of {os.path.dirname(name) or name}",
            errno=error.errno,
            path=name,
        )
    hint = "see whether the path and its disk are in order"
    return FailedError(message, hint=hint, errno=error.errno, path=name)


def full_write(fd: int, content: bytes | bytearray | memoryview, path: str | Path) -> None:
    """Writes every byte of `content` at the descriptor's position; one call when all goes well.

    Raises:
        NoSpaceError: disk, quota or size limit is full; some bytes may have been written.
        FailedError: any other refusal.
    """
    done = 0
    # The views are released at once: a failed write's traceback would keep the buffer from being
    # emptied afterwards.
    with memoryview(content) as whole:
        try:
            while done < len(whole):
                with whole[done:] as rest:
                    written = os.write(fd, rest)
                if written <= 0:
                    raise OSError(errno.EIO, "nothing was written")
                done += written
        except OSError as error:
            raise system_error(error, "writing", path) from error


def fsync_folder(folder: str | Path) -> None:
    """Forces a folder's names to disk.

    Raises:
        FailedError: the folder cannot be opened or synced.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        # Some file systems have no notion of syncing a folder and say EINVAL.
        if error.errno != errno.EINVAL:
            raise system_error(error, "syncing the folder", folder) from error


def make_private_folder(folder: Path) -> None:
    """Makes a private folder unless it exists; its parent must exist.

    Raises:
        FailedError: it cannot be made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, FOLDER_MODE)
            os.chmod(folder, FOLDER_MODE)
            fsync_folder(folder.parent)
    except OSError as error:
        raise system_error(error, "making the folder", folder) from error


def create_file(path: str | Path, flags: int = 0) -> int:
    """Creates (or empties) a private file and returns its descriptor, open for writing."""
    wanted = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | flags
    fd = os.open(path, wanted, FILE_MODE)
    os.fchmod(fd, FILE_MODE)
    return fd


def write_atomic(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replaces a file by `content`: after a crash the old or the new is there, never a mix.

    `durable` False skips the syncs, for derived files whose checksum tells a torn one.

    Raises:
        NoSpaceError: no room; the old file is untouched and nothing is left beside it.
        FailedError: any other refusal, same promise.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{_TEMPORARY}")
    try:
        try:
            _write_new(beside, content, durable)
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise system_error(error, "writing", path) from error
    if durable:
        fsync_folder(path.parent)


def _write_new(path: Path, content: bytes, durable: bool) -> None:
    fd = create_file(path)
    try:
        full_write(fd, content, path)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def remove_leftovers(folder: Path) -> int:
    """Removes what `write_atomic` left in the folder when it was killed; returns how many.

    Only for a caller that keeps other writers out of the folder.
    """
    found = list(_leftovers(folder))
    for path in found:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return len(found)


def _leftovers(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(_TEMPORARY):
                yield entry.path


def seal(content: bytes) -> bytes:
    """Returns `content` behind a line with its checksum."""
    return _CHECKED + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unseal(sealed: bytes) -> bytes | None:
    """Returns the content of sealed bytes, or None when they are not exactly what was sealed."""
    line, _, content = sealed.partition(b"\n")
    expected = _CHECKED + hashlib.sha256(content).hexdigest().encode()
    return content if line == expected else None


def write_checked(path: Path, content: bytes) -> None:
    """Replaces a derived file; not synced, because a torn one reads as absent.

    Raises:
        FailedError: it cannot be written.
    """
    write_atomic(path, seal(content), durable=False)


def read_checked(path: Path) -> bytes | None:
    """Returns the content of a derived file; None when it is absent, unreadable or damaged."""
    try:
        return unseal(path.read_bytes())
    except OSError:
        return None
