"""Taking something out of a place without losing what somebody put there a moment before.

Between a last look and a rename another program may save. So nothing is renamed over or unlinked
at its own name: what is there is taken aside under a private name, judged there, and deleted only
when it is what a step holds. Anything else goes back. What is aside is therefore never a draft:
drafts have a name of their own, and only a whole one is moved aside to be exchanged.

Where the system cannot exchange, a last look and an ordinary rename must do.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple, Protocol

from stepwell.store.engine.objects import FileMovedError
from stepwell.store.engine.rollback import renaming
from stepwell.store.engine.rollback.looking import (
    Expected,
    file_state_in,
    look_in,
    same,
    state_in,
)
from stepwell.store.model.plans import PathState


class StrandedError(FileMovedError):
    """Content of somebody else's is left aside: its own name leads to something newer."""

    def __init__(self, where: bytes = b"") -> None:
        """`where` it is; empty when it is under the private name beside its place."""
        super().__init__()
        self.where = where


class Unlink(Protocol):
    """How a file goes whose content the store has: `os.unlink`, or `Freeing.unlink`."""

    def __call__(self, name: bytes, /, *, dir_fd: int) -> None:
        """Unlinks; raises OSError."""


class Names(NamedTuple):
    """The names of one place: its own in its folder, the others there, too, or in one `apart`."""

    own: bytes
    draft: bytes
    """Where new content is made; nothing of anybody else's is ever there before it is durable."""
    aside: bytes
    """Where what was at `own` is judged. The draft's name, where that lies apart."""
    apart: int | None = None


def put(
    folder: int, names: Names, expected: Expected | None, new: PathState, unlink: Unlink
) -> None:
    """Moves a finished draft to its own name, in the place of what is expected there.

    The draft is gone afterwards, in any case. What is expected is a file or a link.

    Raises:
        FileMovedError: something else was there; it still is, or StrandedError.
        FileExistsError: the private name is another's.
        OSError: as the system gives it; nothing was changed.
    """
    private = _private(folder, names)
    try:
        require(folder, names.own, expected)
        if expected is None:
            _put_new(folder, names)
            return
        if names.apart is None and not renaming.move_to_free(folder, names.draft, names.aside):
            _require_content(folder, names.own, expected.state)
            os.rename(names.draft, names.own, src_dir_fd=folder, dst_dir_fd=folder)
            return
    except BaseException:
        with suppress(OSError):
            os.unlink(names.draft, dir_fd=private)
        raise
    if _exchanged(folder, names, expected.state):
        _judge(folder, names, expected.state, (expected.state, new), unlink)


def require(folder: int, name: bytes, expected: Expected | None) -> None:
    """Raises FileMovedError unless that is at the name, as far as a last look can tell; None: nothing.

    A file that looks as it did is not read: what is taken out is judged by its content anyway.
    """
    status = look_in(folder, name)
    if status is None or expected is None:
        if status is not None or expected is not None:
            raise FileMovedError
    elif not _is_like(status.st_mode, expected.state.mode):
        raise FileMovedError
    elif expected.seen != (status.st_size, status.st_mtime_ns, status.st_ino):
        _require_content(folder, name, expected.state)


def _is_like(mode: int, expected: int) -> bool:
    return stat.S_ISLNK(mode) if stat.S_ISLNK(expected) else mode == expected


def _require_content(folder: int, name: bytes, expected: PathState) -> None:
    """Raises FileMovedError unless exactly that is at the name, as far as a last look can tell."""
    if state_in(folder, name) != expected:
        raise FileMovedError


def _private(folder: int, names: Names) -> int:
    return folder if names.apart is None else names.apart


def _put_new(folder: int, names: Names) -> None:
    try:
        private = _private(folder, names)
        if renaming.move_to_free(private, names.draft, names.own, at=folder):
            return
        _link_new(folder, names)
    except FileExistsError as error:
        raise FileMovedError from error


def _link_new(folder: int, names: Names) -> None:
    private = _private(folder, names)
    ends = {"src_dir_fd": private, "dst_dir_fd": folder}
    try:
        os.link(names.draft, names.own, **ends, follow_symlinks=False)
    except OSError as error:
        # No hard links here either.
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        os.rename(names.draft, names.own, **ends)
    else:
        os.unlink(names.draft, dir_fd=private)


def _exchanged(folder: int, names: Names, expected: PathState) -> bool:
    """Exchanges own and aside; False: they could only be renamed, which ends it."""
    private = _private(folder, names)
    try:
        if renaming.exchange(private, names.aside, names.own, at=folder):
            return True
        if names.apart is not None:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        _require_content(folder, names.own, expected)
        os.rename(names.aside, names.own, src_dir_fd=folder, dst_dir_fd=folder)
    except (OSError, FileMovedError) as error:
        is_gone = True  # what was to be put there, not what is
        with suppress(OSError):
            os.unlink(names.aside, dir_fd=private)
            is_gone = False
        if isinstance(error, OSError) and error.errno == errno.ENOENT and not is_gone:
            raise FileMovedError from error
        raise
    return False


def remove(folder: int, names: Names, expected: Expected, unlink: Unlink) -> None:
    """Removes what is expected at the own name; names and errors as `put`."""
    require(folder, names.own, expected)
    try:
        to = _private(folder, names)
        moved = renaming.move_to_free(folder, names.own, names.aside, at=to)
    except FileNotFoundError as error:
        raise FileMovedError from error
    if moved:
        _judge(folder, names, expected.state, (expected.state,), unlink)
    elif names.apart is not None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    else:
        _require_content(folder, names.own, expected.state)
        unlink(names.own, dir_fd=folder)


def _judge(
    folder: int,
    names: Names,
    expected: PathState,
    stored: Collection[PathState | None],
    unlink: Unlink,
) -> None:
    """Deletes what was taken aside if it is as expected; else gives it back and raises."""
    private = _private(folder, names)
    if _is_one_of(private, names.aside, (expected,)):
        try:
            unlink(names.aside, dir_fd=private)
        except OSError:
            # What lies apart goes with its batch; here somebody has to be told.
            if names.apart is None:
                raise
        return
    if not _give_back(folder, names, stored):
        raise StrandedError
    raise FileMovedError


def settle_aside(folder: int, names: Names, stored: Collection[PathState | None]) -> None:
    """Ends what a killed run left aside: deletes it if a step holds it, else gives it back.

    `stored` are the states whose content the store has.

    Raises:
        StrandedError: it is in no step, and its own name leads to something that is in none, too.
        OSError: it cannot be moved or removed.
    """
    private = _private(folder, names)
    if look_in(private, names.aside) is None or drop_stored(private, names.aside, stored):
        return
    if not _give_back(folder, names, stored):
        raise StrandedError


def drop_stored(private: int, aside: bytes, stored: Collection[PathState | None]) -> bool:
    """Deletes what lies aside if it is in one of the states; tells whether it is; raises OSError."""
    if not _is_one_of(private, aside, stored):
        return False
    os.unlink(aside, dir_fd=private)
    return True


def _give_back(folder: int, names: Names, stored: Collection[PathState | None]) -> bool:
    """Moves what is aside to its own name again; False: it stays aside, nothing else changed."""
    private = _private(folder, names)
    try:
        if look_in(folder, names.own) is None:
            return renaming.move_to_free(private, names.aside, names.own, at=folder)
        if not _is_one_of(folder, names.own, stored):
            return False
        if not renaming.exchange(private, names.aside, names.own, at=folder):
            return False
        if _is_one_of(private, names.aside, stored):
            os.unlink(names.aside, dir_fd=private)
            return True
        # Somebody saved in this very moment: that is newer, and stays at its name.
        renaming.exchange(private, names.aside, names.own, at=folder)
    except OSError:
        return False
    return False


def _is_one_of(folder: int, name: bytes, states: Collection[PathState | None]) -> bool:
    """Tells whether it is surely a file or link that is in one of these states."""
    try:
        found = file_state_in(folder, name) or state_in(folder, name)
    except (OSError, FileMovedError):
        return False
    if found is None or not (stat.S_ISREG(found.mode) or stat.S_ISLNK(found.mode)):
        return False
    return any(state is not None and (found == state or same(found, state)) for state in states)
