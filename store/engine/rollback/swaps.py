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
    Found,
    file_state_in,
    look_in,
    require,
    same,
    state_in,
)
from stepwell.store.model.plans import PathState


class StrandedError(FileMovedError):
    """Content of somebody else's is left aside: its own name leads to something newer."""


class Unlink(Protocol):
    """How a file goes whose content the store has: `os.unlink`, or `Freeing.unlink`."""

    def __call__(self, name: bytes, /, *, dir_fd: int) -> None:
        """Unlinks; raises OSError."""


class Names(NamedTuple):
    """The names of one place, all in one folder."""

    own: bytes
    draft: bytes
    """Where new content is made; nothing of anybody else's is ever there."""
    aside: bytes
    """Where what was at `own` is judged."""


def put(folder: int, names: Names, expected: Found | None, new: PathState, unlink: Unlink) -> bool:
    """Moves a finished draft to its own name, in the place of what is expected there.

    The draft is gone afterwards, in any case. Returns whether something was taken out and judged;
    False also where nothing was there, and where names cannot be exchanged.

    Raises:
        FileMovedError: something else was there; it still is, or StrandedError.
        FileExistsError: the private name is another's.
        OSError: as the system gives it; nothing was changed.
    """
    try:
        require(folder, names.own, expected.signature if expected else None)
        if expected is None:
            _put_new(folder, names)
            return False
        if not renaming.move_to_free(folder, names.draft, names.aside):
            os.rename(names.draft, names.own, src_dir_fd=folder, dst_dir_fd=folder)
            return False
    except BaseException:
        with suppress(OSError):
            os.unlink(names.draft, dir_fd=folder)
        raise
    if not _exchanged(folder, names):
        return False
    _judge(folder, names, expected.state, (expected.state, new), unlink)
    return True


def _put_new(folder: int, names: Names) -> None:
    try:
        if renaming.move_to_free(folder, names.draft, names.own):
            return
        _link_new(folder, names)
    except FileExistsError as error:
        raise FileMovedError from error


def _link_new(folder: int, names: Names) -> None:
    try:
        os.link(names.draft, names.own, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        # No hard links here either.
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        os.rename(names.draft, names.own, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(names.draft, dir_fd=folder)


def _exchanged(folder: int, names: Names) -> bool:
    """Exchanges own and aside; False: they could only be renamed, which ends it."""
    try:
        if renaming.exchange(folder, names.aside, names.own):
            return True
        os.rename(names.aside, names.own, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        with suppress(OSError):
            os.unlink(names.aside, dir_fd=folder)
        if error.errno == errno.ENOENT:
            raise FileMovedError from error
        raise
    return False


def remove(folder: int, names: Names, expected: Found, unlink: Unlink) -> None:
    """Removes what is expected at the own name; errors as `put`."""
    require(folder, names.own, expected.signature)
    try:
        moved = renaming.move_to_free(folder, names.own, names.aside)
    except FileNotFoundError as error:
        raise FileMovedError from error
    if moved:
        _judge(folder, names, expected.state, (expected.state,), unlink)
    else:
        unlink(names.own, dir_fd=folder)


def _judge(
    folder: int,
    names: Names,
    expected: PathState,
    stored: Collection[PathState | None],
    unlink: Unlink,
) -> None:
    """Deletes what was taken aside if it is as expected; else gives it back and raises."""
    if _is_one_of(folder, names.aside, (expected,)):
        unlink(names.aside, dir_fd=folder)
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
    if look_in(folder, names.aside) is None:
        return
    if _is_one_of(folder, names.aside, stored):
        os.unlink(names.aside, dir_fd=folder)
    elif not _give_back(folder, names, stored):
        raise StrandedError


def _give_back(folder: int, names: Names, stored: Collection[PathState | None]) -> bool:
    """Moves what is aside to its own name again; False: it stays aside, nothing else changed."""
    try:
        if look_in(folder, names.own) is None:
            return renaming.move_to_free(folder, names.aside, names.own)
        if not _is_one_of(folder, names.own, stored):
            return False
        if not renaming.exchange(folder, names.aside, names.own):
            return False
        if _is_one_of(folder, names.aside, stored):
            os.unlink(names.aside, dir_fd=folder)
            return True
        # Somebody saved in this very moment: that is newer, and stays at its name.
        renaming.exchange(folder, names.aside, names.own)
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
