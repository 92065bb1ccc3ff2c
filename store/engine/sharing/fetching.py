"""Fetching from a remote into a mirror, which git itself may find fault with."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stepwell.store.engine.atomic import (
    fsync_folder,
    make_private_folder,
    remove_leftovers,
    system_error,
    write_atomic,
)
from stepwell.store.engine.bundles.format import MOST_BYTES
from stepwell.store.engine.sealing.layout import CONFIG, HEADS, OPERATIONS, STEPS, pack_folder
from stepwell.store.engine.sharing.known import UnsoundError
from stepwell.store.engine.sharing.remotes import NAME, Remote, is_folder, remove_mirror
from stepwell.store.engine.sharing.transport import (
    THERE,
    BrokenOffError,
    FloodedError,
    reached,
    timelines,
    unreachable,
)
from stepwell.store.model.errors import FailedError, IntegrityError, NoSpaceError
from stepwell.store.model.ids import RandomBytes

_REPACK_AT = 30
_STALE = (".lock", ".keep")
_REJECTED = "fsck error"
"""What git says of objects that its own check refuses."""

_Read = TypeVar("_Read")


def fetch_and_read(
    store: Path,
    remote: Remote,
    workspace: str,
    read: Callable[[Path], _Read],
    randomness: RandomBytes,
) -> _Read:
    """Brings a workspace's history into its mirror, and returns what `read` makes of that.

    The caller has the remote's lock. A mirror from an earlier fetch that git cannot use, that has a
    link in it, that has grown too large, or of which `read` raises IntegrityError, is removed and
    fetched once anew.

    Raises:
        UnsoundError: git itself refused what came, or it is too large.
        IntegrityError: the mirror is a link.
        NoSpaceError, FailedError: the remote cannot be reached, or the mirror not be written.
        What `read` raises of a mirror that is new.
    """
    mirror = store / NAME / remote.name / f"{workspace}.git"
    if is_folder(mirror):
        try:
            _fetch(store, mirror, remote, workspace, randomness)
            return read(mirror)
        except _RejectedError:
            raise
        except (_DamagedError, IntegrityError):  # too large: it may be by what nothing needs now
            remove_mirror(mirror)
    try:
        _fetch(store, mirror, remote, workspace, randomness)
    except _DamagedError as error:
        raise unreachable(remote, error) from error
    return read(mirror)


class _DamagedError(FailedError):
    """git failed with a mirror though the remote can be reached."""


class _RejectedError(UnsoundError):
    """git found something in what came that no repository may hold."""


def _fetch(
    store: Path, mirror: Path, remote: Remote, workspace: str, randomness: RandomBytes
) -> None:
    make_private_folder(mirror)
    _clear(mirror)
    write_atomic(mirror / "config", CONFIG)
    there = f"{THERE}{workspace}/"
    refs = [f"+{there}operations:{OPERATIONS}"]
    refs += [f"+{there}heads/*:{HEADS}*", f"+{there}steps/*:{STEPS}*"]
    try:
        with reached(store, mirror, randomness, lambda: _holds_too_much(mirror)) as git:
            git.run("init", "--quiet", "--bare", "--template=", "--shared=0600")
            write_atomic(mirror / "config", CONFIG)
            git.run("fetch", "--quiet", "--no-tags", "--prune", "--", remote.url, *refs)
        if sum(1 for _ in pack_folder(mirror).glob("*.pack")) > _REPACK_AT:
            with reached(store, mirror, randomness) as git:
                git.run("repack", "-a", "-d", "--quiet")
    except NoSpaceError:
        _clear(mirror)  # what has filled the disk is of no use
        raise
    except BrokenOffError as error:
        raise unreachable(remote, error) from error
    except FloodedError as error:
        raise _too_large() from error
    except FailedError as error:
        if _REJECTED in error.message:
            why = _reason(error)
            raise _RejectedError(
                f"what was fetched was refused by git: {why}",
                hint="nothing of it was imported",
                reason=why,
            ) from error
        # If the remote cannot be reached, this says so, and the mirror may be sound.
        timelines(store, remote, randomness)
        raise _DamagedError(error.message) from error
    fsync_folder(mirror)
    if _holds_too_much(mirror):
        raise _too_large()


def _holds_too_much(mirror: Path) -> bool:
    """Tells whether the packs of a mirror, unfinished ones too, are beyond what is taken."""
    try:
        with os.scandir(pack_folder(mirror)) as found:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in found) > MOST_BYTES
    except OSError:  # git moves them about
        return False


def _too_large() -> UnsoundError:
    why = f"it is larger than {MOST_BYTES >> 30} GiB"
    return UnsoundError(
        f"what was fetched was refused: {why}", hint="nothing of it was imported", reason=why
    )


def _clear(mirror: Path) -> None:
    """Removes what a killed git left in a mirror; whoever has the lock is alone with it.

    Raises:
        IntegrityError: there is a link in it, through which git would write.
        FailedError: it cannot be read or changed.
    """
    try:
        for folder, folders, names in os.walk(mirror):
            remove_leftovers(Path(folder))
            for name in (*folders, *names):
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    raise IntegrityError(
                        f"{path} is a link, which stepwell did not put there",
                        hint="nothing was read or changed through it; move it away",
                        path=path,
                    )
                if name in names and (name.endswith(_STALE) or name.startswith("tmp_")):
                    os.unlink(path)
    except OSError as error:
        raise system_error(error, "clearing", mirror) from error


def _reason(error: FailedError) -> str:
    """Returns what git says of the first object that it refused."""
    found = re.search("error: (.+)", error.message)
    return found[1] if found is not None else _REJECTED
