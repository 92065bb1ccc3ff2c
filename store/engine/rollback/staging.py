"""Drafts outside the workspace: in a folder of the store until each is exchanged into its place.

So nothing temporary is seen in the workspace, by people or by programs that follow it, and what was
taken out of a place is judged outside, too. They are made in batches, each in a folder of its own,
whose name tells what lies in it when whoever made it was killed:

    drafts-N    files that are being made: nobody's
    whole-N     files that are made and durable, or what was taken out for them and is not judged
    done-N      what is stored in any case: nobody's

Only where a file made in the store is like one made in the folder it comes into: of one file system,
without rules of access or labels that a folder hands down. Source: renameat2(2), acl(5), selinux(8).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stepwell.store.engine.objects import FileMovedError
from stepwell.store.engine.rollback import renaming, swaps
from stepwell.store.engine.rollback.drafts import make_file, owner_at
from stepwell.store.engine.rollback.looking import Expected
from stepwell.store.engine.rollback.swaps import Names, StrandedError, Unlink
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
    def holding(self) -> Iterator[None]:
        """Has the batch stay when what is done in the context is broken off."""
        held, self.holds = self.holds, True
        try:
            yield
        except (FileMovedError, OSError):
            self.holds = held
            raise
        self.holds = held

    def where(self, index: int) -> bytes:
        """Returns the path of an item's file in it."""
        return os.fsencode(self._path / os.fsdecode(name_of(index)))

    def end(self) -> Path:
        """Removes all that is in it, unless it `holds` something; returns its path."""
        # Whatever cannot be removed is left to the next sweep.
        with suppress(OSError):
            if not self.holds:
                self._move("done")
                _empty(self.folder)
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
        self._path = store / NAME / plan_id
        self._root = root
        self._device = -1
        self._label: bytes | None = None
        self._ended: list[Path] = []
        """Their folders are removed at the very end: the system is busy with what was in them."""
        self.batch: Batch | None = None
        """Where files are made now."""

    def begin(self) -> bool:
        """Ends the last batch and begins another one; False: files cannot be made here."""
        self.end()
        try:
            self._open()
        except OSError:
            return False
        if self.batch is None or self.suits(self._root):
            return self.batch is not None
        self.end()
        return False

    def _open(self) -> None:
        if not renaming.is_known():
            return
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.batch = Batch(self._path, self._free_number())
        status = os.fstat(self.batch.folder)
        self._device = -1 if _hands_down(self.batch.folder) else status.st_dev
        self._label = _label(self.batch.folder)

    def _free_number(self) -> int:
        found = (_BATCH.fullmatch(name) for name in os.listdir(self._path))
        return max((int(match[2]) for match in found if match), default=-1) + 1

    def suits(self, folder: int) -> bool:
        """Tells whether a file that is made here is like one made in an open folder."""
        status = os.fstat(folder)
        if status.st_dev != self._device or _hands_down(folder):
            return False
        # Root gives each file the owner and group that it is to have.
        if status.st_mode & stat.S_ISGID and os.geteuid() != 0 and status.st_gid != os.getegid():
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
        try:
            owner = owner_at(folder, names.own)
            if owner is not None and owner != (made.st_uid, made.st_gid):
                os.chown(name_of(index), *owner, dir_fd=batch.folder, follow_symlinks=False)
            with batch.holding():
                swaps.put(folder, _apart(names, index, batch.folder), expected, wanted, unlink)
        except StrandedError as error:
            if not _move_beside(folder, names, index, batch.folder):
                batch.holds = True
                raise StrandedError(batch.where(index)) from error
            raise
        except OSError:
            return None
        return made

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


@contextmanager
def unjudged(store: Path, plan_id: str) -> Iterator[list[tuple[int, int, bytes]]]:
    """Gives (item number, folder, where) of all that killed runs of a plan may have taken out.

    Drafts are among it. The folders are open as long as the context is, and removed at its end as
    far as they are empty then.
    """
    above = store / NAME / plan_id
    opened = {path: os.open(path, _FOLDER) for path in _batches(above, "whole")}
    try:
        yield [
            (int(name), folder, os.fsencode(path / name))
            for path, folder in opened.items()
            for name in sorted(os.listdir(folder))
            if name.isdecimal()
        ]
    finally:
        for path, folder in opened.items():
            os.close(folder)
            _remove_folder(path)


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
            _empty(folder)
        finally:
            os.close(folder)
        _remove_folder(batch)


def _empty(folder: int) -> None:
    for name in os.listdir(folder):
        os.unlink(name, dir_fd=folder)


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
