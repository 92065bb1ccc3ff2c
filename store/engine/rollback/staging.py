"""Drafts outside the workspace: in a folder of the store until each is exchanged into its place.

So nothing temporary is seen in the workspace, by people or by programs that follow it, and what was
taken out of a place is judged outside, too. They are made in batches, each in a folder of its own,
whose name tells what lies in it when whoever made it was killed:

    drafts-N    files that are being made: nobody's
    whole-N     files that are made and durable, or what was taken out for them and is not judged
    done-N      what is stored in any case: nobody's

Only where a file made in the store is like one made in the folder it comes into: of one file system
that can exchange names, of one group, without rules of access or labels that a folder hands down.
Source: renameat2(2), open(2), acl(5), selinux(8).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.atomic import make_private_folder
from stepwell.store.engine.objects import FileMovedError
from stepwell.store.engine.rollback import renaming, swaps
from stepwell.store.engine.rollback.drafts import make_file, owner_at
from stepwell.store.engine.rollback.looking import Expected, state_in
from stepwell.store.engine.rollback.swaps import Names, StrandedError, Unlink
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid
from stepwell.store.model.plans import PathState

NAME = "staging"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDED_DOWN, _LABEL = "system.posix_acl_default", "security.selinux"
_NO_ATTRIBUTE = frozenset({errno.ENODATA, errno.ENOTSUP})
_BATCH = re.compile(r"(drafts|whole|done)-(\d+)")


class Batch:
    """Files that are made, synced and exchanged together."""

    def __init__(self, above: Path, number: int) -> None:
        """Makes its folder; raises FileExistsError where it is there, or another OSError."""
        self._above = above
        self._number = number
        self._path = above / f"drafts-{number}"
        self._path.mkdir(mode=0o700)
        self.folder = os.open(self._path, _FOLDER)
        self.made: dict[int, os.stat_result] = {}
        """The files that were not taken yet, by their items' numbers."""
        self.holds = False
        """Something in it is in no step, and may be had nowhere else."""

    def make(self, index: int, content: bytes, wanted: PathState) -> None:
        """Makes the file of an item; raises OSError, and then there is none of it."""
        try:
            self.made[index] = make_file(
                self.folder, name_of(index), content, wanted, owner=None, sync=False
            )
        except OSError:
            with suppress(OSError):
                os.unlink(name_of(index), dir_fd=self.folder)
            raise

    def durable(self) -> None:
        """Notes that all its files are durable: from now on they may be exchanged; raises OSError."""
        self._move("whole")

    @contextmanager
    def holding(self, folder: int, names: Names, index: int) -> Iterator[Names]:
        """Gives an item's names in the batch, which stays when what is done to them is broken off.

        What has to stay then lies beside its place, or the StrandedError tells where it is.
        """
        held, self.holds = self.holds, True
        try:
            yield _apart(names, index, self.folder)
        except StrandedError as error:
            if not _move_beside(folder, names, index, self.folder):
                raise StrandedError(self.where(index)) from error
            self.holds = held
            raise
        except (FileMovedError, OSError):
            self.holds = held
            raise
        self.holds = held

    def where(self, index: int) -> bytes:
        """Returns the path of an item's file in it."""
        return os.fsencode(self._path / os.fsdecode(name_of(index)))

    def end(self) -> Path:
        """Removes what is in it, of a batch that `holds` something only unused drafts; returns its path."""
        if not self.holds:
            with suppress(OSError):
                self._move("done")
        with suppress(OSError):
            for name in map(name_of, self.made) if self.holds else os.listdir(self.folder):
                os.unlink(name, dir_fd=self.folder)
        os.close(self.folder)
        return self._path

    def _move(self, state: str) -> None:
        to = self._above / f"{state}-{self._number}"
        os.rename(self._path, to)
        self._path = to


class Staging:
    """The batches of one plan, one after the other."""

    def __init__(self, store: Path, plan_id: str, root: int) -> None:
        """`root` is the open workspace, which stays open as long as this is used."""
        self._above = store / NAME
        self._path = self._above / plan_id
        self._root = root
        self._device = -1
        self._label: bytes | None = None
        self._is_of_use = renaming.is_known()
        self._ended: list[Path] = []
        """Their folders are removed at the very end: the system is busy with what was in them."""
        self.batch: Batch | None = None
        """Where files are made now."""

    @property
    def has_begun(self) -> bool:
        """Tells whether files are made here already."""
        return self.batch is not None or bool(self._ended)

    def begin(self) -> None:
        """Ends the last batch and begins another one, where files can be made here."""
        self.end()
        try:
            if self._is_of_use:
                self._open()
        except (OSError, FailedError):
            self._is_of_use = False
        if self.batch is not None and not self.suits(self._root):
            self._is_of_use = False
            self.end()

    def _open(self) -> None:
        make_private_folder(self._above)
        self._path.mkdir(mode=0o700, exist_ok=True)
        self.batch = Batch(self._path, self._free_number())
        folder = self.batch.folder
        if _hands_down(folder) or not _exchanges(folder) or _mount(folder) != _mount(self._root):
            self._device = -1
        else:
            self._device = os.fstat(folder).st_dev
        self._label = _label(folder)

    def _free_number(self) -> int:
        found = (_BATCH.fullmatch(name) for name in os.listdir(self._path))
        return max((int(match[2]) for match in found if match), default=-1) + 1

    def suits(self, folder: int) -> bool:
        """Tells whether a file that is made here is like one made in an open folder."""
        status = os.fstat(folder)
        if status.st_dev != self._device or _hands_down(folder):
            return False
        # A folder may hand down its group. Root gives each file the one that it is to have.
        if status.st_gid != os.getegid() and os.geteuid() != 0:
            return False
        # Without labels on this system nothing has one.
        return self._label == b"" or (bool(self._label) and _label(folder) == self._label)

    def put(
        self,
        folder: int,
        names: Names,
        index: int,
        expected: Expected | None,
        wanted: PathState,
        unlink: Unlink,
    ) -> os.stat_result | None:
        """Exchanges an item's file into its place, whose folder is open; returns its stat before that.

        None: there is no such file, or one has to be made beside the place. `names` are those that
        it has there, the rest and the errors are as those of `swaps.put`.
        """
        batch = self.batch
        made = None if batch is None else batch.made.pop(index, None)
        if batch is None or made is None or not self.suits(folder):
            return None
        if made.st_gid != os.getegid() and os.geteuid() != 0:
            return None
        try:
            owner = owner_at(folder, names.own)
            if owner is not None and owner != (made.st_uid, made.st_gid):
                os.chown(name_of(index), *owner, dir_fd=batch.folder, follow_symlinks=False)
            with batch.holding(folder, names, index) as apart:
                swaps.put(folder, apart, expected, wanted, unlink)
        except OSError as error:
            self._is_of_use = self._is_of_use and error.errno != errno.EXDEV
            return None
        return made

    def remove(
        self, folder: int, names: Names, index: int, expected: Expected, unlink: Unlink
    ) -> bool:
        """Takes something out of its place as `swaps.remove` does; False: not from here."""
        batch = self.batch
        if batch is None or os.fstat(folder).st_dev != self._device:
            return False
        try:
            with batch.holding(folder, names, index) as apart:
                swaps.remove(folder, apart, expected, unlink)
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Ends the batch: what is left in it was judged, or not needed."""
        batch, self.batch = self.batch, None
        if batch is not None:
            self._ended.append(batch.end())

    def close(self) -> None:
        """Ends the batch, and removes the folders of all of them."""
        self.end()
        while self._ended:
            _remove_folder(self._ended.pop())


def name_of(index: int) -> bytes:
    """Returns the name that an item's file has in a batch."""
    return b"%d" % index


def settle(
    folder: int, names: Names, index: int, apart: int, stored: Collection[PathState | None]
) -> None:
    """Ends what a killed run left of an item in a batch, as `swaps.settle_aside`; errors as there.

    What has to stay is moved beside its place first; where that cannot be, FileExistsError.
    """
    try:
        swaps.settle_aside(folder, _apart(names, index, apart), stored)
    except StrandedError as error:
        if not _move_beside(folder, names, index, apart):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        raise


def _apart(names: Names, index: int, folder: int) -> Names:
    return Names(names.own, name_of(index), name_of(index), folder)


def _move_beside(folder: int, names: Names, index: int, apart: int) -> bool:
    """Moves what has to stay from a batch to the private name beside its place."""
    with suppress(OSError):
        return renaming.move_to_free(apart, name_of(index), names.aside, at=folder)
    return False


class Left(NamedTuple):
    """What a killed run may have taken out, or a draft of its."""

    number: int
    """Of the plan's item."""
    folder: int
    """Open as long as the context is."""
    where: bytes


@contextmanager
def unjudged(store: Path, plan_id: str) -> Iterator[tuple[list[Left], list[tuple[bytes, OSError]]]]:
    """Gives what killed runs of a plan left, and the batches that cannot be read, with the reason.

    Batches are removed at the end as far as they are empty then.
    """
    found, unread = list[Left](), list[tuple[bytes, OSError]]()
    with ExitStack() as stack:
        for path in _batches(store / NAME / plan_id, "whole"):
            stack.callback(_remove_folder, path)
            try:
                folder = os.open(path, _FOLDER)
                stack.callback(os.close, folder)
                names = [name for name in sorted(os.listdir(folder)) if name.isdecimal()]
            except OSError as error:
                unread.append((os.fsencode(path), error))
                continue
            found += [Left(int(name), folder, os.fsencode(path / name)) for name in names]
        yield found, unread


def abandon(store: Path, has: Callable[[Oid], bool]) -> list[bytes]:
    """Removes what the store `has` from the batches of plans that nobody can read any more.

    Returns where the rest is: somebody may have saved it in the moment of a change.
    """
    with suppress(OSError):
        plans = sorted((store / NAME).iterdir())
        return [where for plan in plans for where in _abandon_plan(store, plan.name, has)]
    return []


def _abandon_plan(store: Path, plan_id: str, has: Callable[[Oid], bool]) -> Iterator[bytes]:
    with unjudged(store, plan_id) as (found, unread):
        for _, folder, where in found:
            name = os.path.basename(where)
            try:
                state = state_in(folder, name)
                if state is not None and state.blob is not None and has(state.blob):
                    os.unlink(name, dir_fd=folder)
                    continue
            except (OSError, FileMovedError):
                pass
            yield where
        yield from (where for where, _ in unread)


def sweep(store: Path) -> None:
    """Removes what killed runs left and nobody needs; what cannot be is left to the next sweep."""
    with suppress(OSError):
        for plan in list((store / NAME).iterdir()):
            for batch in _batches(plan, "drafts|done"):
                _remove(batch)
            with suppress(OSError):
                plan.rmdir()


def _batches(above: Path, state: str) -> list[Path]:
    try:
        names = sorted(os.listdir(above))
    except OSError:
        return []
    return [above / name for name in names if re.fullmatch(rf"({state})-\d+", name)]


def _remove(batch: Path) -> None:
    with suppress(OSError):
        folder = os.open(batch, _FOLDER)
        try:
            for name in os.listdir(folder):
                os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)
        _remove_folder(batch)


def _exchanges(folder: int) -> bool:
    """Tells whether names can be exchanged there, by doing it; raises OSError."""
    tried = (b"a", b"b")
    for name in tried:
        os.close(
            os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=folder)
        )
    done = renaming.exchange(folder, *tried)
    for name in tried:
        os.unlink(name, dir_fd=folder)
    return done


def _mount(fd: int) -> bytes:
    """Returns what tells one mount of a file system from another; empty where that is not told."""
    try:
        lines = Path(f"/proc/self/fdinfo/{fd}").read_bytes().splitlines()
    except OSError:
        return b""
    return next((line for line in lines if line.startswith(b"mnt_id:")), b"")


def _remove_folder(batch: Path) -> None:
    """Removes an empty batch and, when it was the last one, the plan's folder."""
    with suppress(OSError):
        batch.rmdir()
        batch.parent.rmdir()


def _hands_down(folder: int) -> bool:
    """Tells whether what is made in a folder gets rules of access from it; True when not sure."""
    return _attribute(folder, _HANDED_DOWN) != b""


def _label(folder: int) -> bytes | None:
    return _attribute(folder, _LABEL)


def _attribute(folder: int, name: str) -> bytes | None:
    """Returns an attribute, empty when there is none; None when that cannot be told."""
    try:
        return os.getxattr(folder, name)
    except OSError as error:
        return b"" if error.errno in _NO_ATTRIBUTE else None
    except AttributeError:
        return None
