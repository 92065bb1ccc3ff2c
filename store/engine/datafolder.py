"""The data folder itself: made private, refused when others could write it, cleared of what was never finished.

Whoever may write the folder, or the one that it lies in, could swap a store for one of their own
making, and its content into somebody's files by the next rollback.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection
from pathlib import Path

from stepwell.store.engine.atomic import make_private_folder, remove_leftovers, system_error
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.errors import BusyError, StepwellError, StoreUnreadableError
from stepwell.store.model.ids import Clock

ROOTS, WORKSPACES = "roots", "workspaces"

_FIRST_SEGMENT = frozenset({"00000001.segment", "00000001.index"})
_BEGINNING = frozenset({"journal", "catalogue", "tmp", "lock", "manifest", "stats", "acknowledged"})
"""All that a store holds before its own file is written; whatever else is there was once of use."""


def make_home(home: Path) -> None:
    """Makes the data folder, the folders on the way and what it holds, closed to other users.

    Raises:
        StoreUnreadableError: it is there, and not the user's alone.
        FailedError: it cannot be made.
    """
    missing = [home]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in (*reversed(missing), home / ROOTS, home / WORKSPACES):
        make_private_folder(folder)
    check_home(home)


def check_home(home: Path) -> None:
    """Raises StoreUnreadableError when others could write or replace the data folder.

    A folder that does not exist is fine.
    """
    place = Path(os.path.realpath(home))
    if _state(place) is None:
        return
    _check_own(place)
    above = _state(place.parent)
    if above is not None and not above.st_mode & stat.S_ISVTX and _is_open(above):
        raise _unsafe(place.parent, "it holds Stepwell's data folder", "chmod go-w")


def check_store(store: Path) -> None:
    """Raises StoreUnreadableError when the store cannot be trusted: not ours, or open to others."""
    if _state(store) is None:
        raise StoreUnreadableError(f"{store} is gone", hint="restore it from a backup")
    _check_own(store)


def _check_own(folder: Path) -> None:
    found = _state(folder)
    if found is not None and (found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022):
        raise _unsafe(folder, "Stepwell's data lies there", "chmod 700")


def _is_open(found: os.stat_result) -> bool:
    """Tells whether others may write a folder; the user's private group is no other."""
    own_group = found.st_gid == os.getegid() == os.geteuid()
    others = 0o002 if own_group else 0o022
    return found.st_uid not in (os.geteuid(), 0) or bool(found.st_mode & others)


def _state(folder: Path) -> os.stat_result | None:
    try:
        return os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise system_error(error, "looking at", folder) from error


def _unsafe(folder: Path, why: str, remedy: str) -> StoreUnreadableError:
    return StoreUnreadableError(
        f"{folder} is owned by, or open for writing to, another user, and {why}",
        hint=f"make it yours alone ({remedy}), or set STEPWELL_HOME to another folder",
        path=str(folder),
    )


def sweep(home: Path, named: Collection[str], clock: Clock) -> None:
    """Removes stores that a killed `init` never finished.

    Only for who holds the data folder's lock. `named` are the workspaces that a root's file names.
    A store that has its own file, that somebody holds, or with more than the first capture in it
    was finished once, and stays.
    """
    remove_leftovers(home / ROOTS)
    for store in sorted((home / WORKSPACES).iterdir()):
        if store.name not in named and _was_never_finished(store, clock):
            shutil.rmtree(store, ignore_errors=True)


def _was_never_finished(store: Path, clock: Clock) -> bool:
    if store.is_symlink() or not store.is_dir() or os.path.lexists(store / "store.json"):
        return False
    try:
        with WriterLock.acquire(store, wait_s=0, clock=clock):
            return _is_beginning(store)
    except BusyError:
        return False


def _is_beginning(store: Path) -> bool:
    """Tells whether a store holds no more than an `init` writes before it is done."""
    remove_leftovers(store)
    segments = {path.name for path in (store / "journal").glob("*")}
    others = {path.name for path in store.iterdir()} | {
        f"catalogue/{path.name}" for path in (store / "catalogue").glob("*")
    }
    if not (segments <= _FIRST_SEGMENT and others <= _BEGINNING):
        return False
    if not segments:
        return True
    try:
        with Journal.open(store) as journal:
            return journal.last_number <= 1
    except StepwellError:
        return False
