"""Where a store's daemon listens.

The socket lies in the runtime folder, because the path of a store may be longer than a socket's may
be. The store names it by a symbolic link, so that client and daemon need not have the same
environment. The link is set and removed under the writer lock only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from stepwell.store.engine.atomic import FOLDER_MODE, system_error
from stepwell.store.model.errors import StoreUnreadableError

LINK = "socket"
"""Name of the link in a store's folder."""

SPOOL = "spool"
"""Name of the folder in a store in which hooks leave events that no daemon took."""

LONGEST = 103
"""Bytes of a socket's path that every system takes."""


def socket_path(store: Path, runtime: Path) -> Path:
    """Returns where the daemon of a store binds its socket; makes the private folder for it.

    `runtime` is the folder for sockets of all programs (environment.runtime_folder).

    Raises:
        StoreUnreadableError: the folder is not ours alone, or its path is too long.
    """
    folder = socket_folder(runtime)
    _make_ours(folder)
    name = hashlib.sha256(os.path.realpath(os.fsencode(store))).hexdigest()[:16]
    path = folder / f"{name}.sock"
    if len(os.fsencode(path)) > LONGEST:
        raise StoreUnreadableError(
            f"no socket can be made in {folder}: the path is too long",
            hint="set XDG_RUNTIME_DIR or TMPDIR to a short path",
            path=str(folder),
        )
    return path


def socket_folder(runtime: Path) -> Path:
    """Returns the folder of all our sockets of this user."""
    return runtime / f"stepwell-{os.geteuid()}"


def spool_folders(store: Path, runtime: Path) -> tuple[Path, ...]:
    """Returns where hooks may have left events: in the store, beside its socket, in this runtime folder.

    The last two differ when the daemon was started with other surroundings.
    """
    link = read_link(store)
    beside = [] if link is None else [Path(link).parent]
    name = f"{store.name}.{SPOOL}"
    others = (folder / name for folder in (*beside, socket_folder(runtime)))
    return (store / SPOOL, *dict.fromkeys(others))


def _make_ours(folder: Path) -> None:
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, FOLDER_MODE)
        state = os.lstat(folder)
    except OSError as error:
        raise system_error(error, "making the folder", folder) from error
    private = stat.S_ISDIR(state.st_mode) and not state.st_mode & 0o077
    if not private or state.st_uid != os.geteuid():
        raise StoreUnreadableError(
            f"{folder} is not a folder of yours alone",
            hint="remove it, or make it yours with mode 700; a socket in it could be another's",
            path=str(folder),
        )


def set_link(store: Path, target: Path) -> None:
    """Makes the store's link lead to the socket, whatever it led to before."""
    beside = store / f".{LINK}.{os.getpid()}"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        os.symlink(target, beside)
        os.replace(beside, store / LINK)
    except OSError as error:
        raise system_error(error, "linking the socket in", store) from error


def drop_link(store: Path, target: Path) -> None:
    """Removes the socket and the link to it; what is gone already is no error."""
    with contextlib.suppress(OSError):
        os.unlink(store / LINK)
    with contextlib.suppress(OSError):
        os.unlink(target)


def read_link(store: Path) -> str | None:
    """Returns the path of the socket; None when the store has no daemon, or had none since a boot."""
    try:
        return os.readlink(store / LINK)
    except OSError:
        return None


def identity(store: Path) -> str:
    """Returns what tells a store from a copy of it: device and inode of its folder."""
    try:
        state = os.stat(store)
    except OSError as error:
        raise system_error(error, "looking at", store) from error
    return f"{state.st_dev}:{state.st_ino}"
