"""The remotes of a store: a folder each, with what is known of it and the mirrors of what it holds.

remotes/NAME/remote.json     where it is, and what was pushed there last
remotes/NAME/WORKSPACE.git   a bare repository: what another workspace had pushed there
remotes/NAME/WORKSPACE.json  how far that was taken, and what of it was refused

No link is followed here. Whoever changes such a folder holds a kernel lock on it meanwhile. One
without `remote.json` is what a killed removal left.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.atomic import (
    fsync_folder,
    make_private_folder,
    system_error,
    write_atomic,
)
from stepwell.store.engine.codec import canonical_json
from stepwell.store.engine.scratch import remove_tree
from stepwell.store.engine.sharing.addresses import checked_address
from stepwell.store.model.errors import (
    BusyError,
    FormatError,
    IntegrityError,
    NotFoundError,
    RefusedError,
    UsageError,
)

NAME = "remotes"

_RECORD = "remote.json"
_FORMAT = 1
_USABLE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_MIRROR = re.compile(r"[0-9a-f]{16}\.git")
_TAKEN = frozenset({"import"})
"""Folders of branches that come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that timelines are shared through."""

    name: str
    url: str
    pushed: str | None = None
    """The id of the commit of operations that was pushed there last; None: nothing was."""
    pushing: tuple[str, ...] = ()
    """Those that pushes were to bring there of which it is not known whether they did."""


def add_remote(
    store: Path, name: str, url: str, *, folder: Path, workspace: bytes, home: Path
) -> Remote:
    """Records a remote. A path is taken from `folder`; it is not looked whether anything is there.

    Raises:
        UsageError: the name or the address is none that can be used.
        RefusedError: there is such a remote, or the address is the user's own work.
        IntegrityError: there is something else where the remote's folder has to be.
        BusyError: another process is changing it.
        NoSpaceError, FailedError: it cannot be written.
    """
    if not _USABLE.fullmatch(name) or name in _TAKEN:
        raise UsageError(
            f"{name!r} cannot be the name of a remote",
            hint="letters, digits, - and _, up to 50; not import",
            name=name,
        )
    remote = Remote(name, checked_address(url, folder=folder, workspace=workspace, home=home))
    _remove_rests(store)
    make_private_folder(store / NAME)
    make_private_folder(store / NAME / name)
    with locked(store, name):
        if _has_record(store / NAME / name):
            raise RefusedError(
                f"there is a remote {name} already",
                hint=f"stepwell remote remove {name} forgets it",
                name=name,
            )
        write_remote(store, remote)
    return remote


def write_remote(store: Path, remote: Remote) -> None:
    """Replaces what is known of a remote.

    Raises:
        NoSpaceError, FailedError: it cannot be written; it is as it was.
    """
    form = {
        "format": _FORMAT,
        "url": remote.url,
        "pushed": remote.pushed,
        "pushing": remote.pushing,
    }
    write_atomic(store / NAME / remote.name / _RECORD, canonical_json(form))


def remotes(store: Path) -> list[Remote]:
    """Returns all remotes by name.

    Raises:
        FormatError: what is known of one cannot be read.
        IntegrityError: a link is in the way.
    """
    return [_read(place / _RECORD) for place in _places(store) if _has_record(place)]


def find_remote(store: Path, name: str) -> Remote:
    """Returns the remote of that name.

    Raises:
        NotFoundError: there is none.
        FormatError: what is known of it cannot be read.
        IntegrityError: a link is in the way.
    """
    place = _place(store, name)
    if place is None or not _has_record(place):
        raise _not_found(name)
    return _read(place / _RECORD)


def remove_remote(store: Path, name: str) -> None:
    """Forgets a remote with its mirrors; steps that were pulled stay, and so does what it holds.

    What a killed removal left, of this remote or another, goes as well.

    Raises:
        NotFoundError: there is none.
        IntegrityError: a link is in the way.
        BusyError: another process is pushing to it, or fetching from it.
        FailedError: it cannot be removed.
    """
    place = _place(store, name)
    if place is None:
        raise _not_found(name)
    with locked(store, name):
        _remove(place)
    _remove_rests(store)


def remove_mirrors(store: Path) -> None:
    """Removes what was fetched from all remotes; the next pull fetches it again.

    Raises:
        IntegrityError: a link is in the way.
        BusyError: another process is pushing to one of them, or fetching from it.
        FailedError: some of it cannot be removed.
    """
    _remove_rests(store)
    for place in _places(store):
        with locked(store, place.name):
            for name in sorted(os.listdir(place)):
                if _MIRROR.fullmatch(name):
                    remove_mirror(place / name)


def remove_mirror(mirror: Path) -> None:
    """Removes a mirror, if it is there; the caller has the remote's lock.

    Raises:
        IntegrityError: it is a link, or no folder.
        FailedError: it cannot be removed.
    """
    if not is_folder(mirror):
        return
    try:
        remove_tree(mirror)
        fsync_folder(mirror.parent)
    except OSError as error:
        raise system_error(error, "removing", mirror) from error


@contextmanager
def locked(store: Path, name: str) -> Iterator[None]:
    """Keeps others from changing a remote's folder, which was there just now.

    Raises:
        BusyError: another process is at it, or has removed it.
        FailedError: it cannot be locked.
    """
    place = store / NAME / name
    try:
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _busy(place) from error
    except OSError as error:
        raise system_error(error, "opening", place) from error
    try:
        _lock(fd, place)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, place: Path) -> None:
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.lstat(place)):
            return
    raise _busy(place)


def _busy(place: Path) -> BusyError:
    return BusyError(
        f"another process is pushing to the remote {place.name}, fetching from it or removing it",
        hint="try again when it is done",
        pid=None,
    )


def is_folder(path: Path) -> bool:
    """Tells whether a folder is there.

    Raises:
        IntegrityError: something else is, such as a link.
        FailedError: it cannot be looked at.
    """
    return _is(path, stat.S_IFDIR)


def _has_record(place: Path) -> bool:
    return _is(place / _RECORD, stat.S_IFREG)


def _is(path: Path, kind: int) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise system_error(error, "looking at", path) from error
    if stat.S_IFMT(mode) != kind:
        raise IntegrityError(
            f"{path} is a link, or something else that stepwell did not put there",
            hint="nothing was read or changed through it; move it away",
            path=str(path),
        )
    return True


def _place(store: Path, name: str) -> Path | None:
    """Returns the folder of a remote, with or without a record; None when there is none."""
    if not _USABLE.fullmatch(name) or not is_folder(store / NAME):
        return None
    return store / NAME / name if is_folder(store / NAME / name) else None


def _places(store: Path) -> list[Path]:
    """Returns the folders of remotes, with or without a record, by name."""
    if not is_folder(store / NAME):
        return []
    try:
        names = sorted(os.listdir(store / NAME))
    except OSError as error:
        raise system_error(error, "reading", store / NAME) from error
    usable = (store / NAME / name for name in names if _USABLE.fullmatch(name))
    return [place for place in usable if is_folder(place)]


def _remove_rests(store: Path) -> None:
    """Removes the folders that have no record, unless another process is making one there."""
    for place in _places(store):
        if not _has_record(place):
            with suppress(BusyError), locked(store, place.name):
                if not _has_record(place):
                    _remove(place)


def _remove(place: Path) -> None:
    try:
        # Without its record it counts as removed, whatever becomes of the rest.
        with suppress(FileNotFoundError):
            os.unlink(place / _RECORD)
            fsync_folder(place)
        remove_tree(place)
        fsync_folder(place.parent)
    except OSError as error:
        raise system_error(error, "removing the remote", place) from error


def _not_found(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no remote {name}", hint="`stepwell remote add NAME URL` adds one", name=name
    )


def _read(path: Path) -> Remote:
    try:
        form = json.loads(path.read_bytes())
        url, pushed, pushing = form["url"], form["pushed"], tuple(form.get("pushing") or ())
        if form["format"] == _FORMAT and isinstance(url, str):
            return Remote(path.parent.name, url, pushed, pushing)
    except OSError as error:
        raise system_error(error, "reading", path) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise FormatError(
        f"what is known of the remote {path.parent.name} cannot be read",
        hint=f"stepwell remote remove {path.parent.name}, and add it again",
        path=str(path),
    )
