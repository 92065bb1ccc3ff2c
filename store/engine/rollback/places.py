"""Places in the workspace: every write, removal and change of mode goes through here.

A place is reached from a descriptor of the root, one component at a time, and never through a
link; so nothing outside the workspace can be touched, whatever is swapped meanwhile. Content comes
into place by a draft and an exchange of names, never by writing into a file that is there: that one
may be a hard link to something outside, and readers see old or new, never a mix.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from stepwell.store.engine.beneath import open_beneath
from stepwell.store.engine.objects import FileMovedError
from stepwell.store.engine.rollback import swaps, together
from stepwell.store.engine.rollback.drafts import make_file, owner_at
from stepwell.store.engine.rollback.freeing import Freeing
from stepwell.store.engine.rollback.looking import (
    OLD_FILE,
    SET_ID_BITS,
    Expected,
    Signature,
    look_in,
    signature_of,
    state_in,
)
from stepwell.store.engine.rollback.staging import Staging, name_of, settle
from stepwell.store.engine.rollback.swaps import Names, Unlink
from stepwell.store.engine.rollback.together import Together
from stepwell.store.model.paths import TrackedPath, escape, parent
from stepwell.store.model.plans import Kept, PathState

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors that say that the disk, a quota or the file size limit is full."""

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Places:
    """The places of one workspace, for the execution of one plan; the caller closes it.

    Methods raise OSError as the system gives it, and FileMovedError when a place does not hold
    what the caller expects there; then nothing was changed.
    """

    def __init__(self, root: bytes, plan_id: str, store: Path | None = None) -> None:
        """With a `store` many files are made there, where that does as well."""
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._prefix = b".stepwell-" + plan_id[:8].encode("ascii")
        self._held: tuple[bytes, int] | None = None
        self._loosened: dict[TrackedPath, int] = {}
        self._touched: dict[TrackedPath, bool] = {}
        """Folders with changes, and whether one sync of the file system covers them."""
        self._together = Together(self._root)
        self._freeing = Freeing()
        self._staging = None if store is None else Staging(store, plan_id, self._root)
        self._prepared: dict[int, tuple[TrackedPath, os.stat_result]] = {}
        """Drafts made ahead beside their places, by their items' numbers: where, and their stat."""
        self.changed = False
        """Something in the workspace was changed."""
        self._is_settling = False
        self._failed: list[Kept] = []

    def close(self) -> None:
        """Closes the root; `settle` comes first. Does nothing the second time."""
        self.release()
        if self._staging is not None:
            self._staging.close()
        root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    def release(self) -> None:
        """Forgets the folder that is open; called between two paths.

        So that all that is done to one path is done in one folder, and the next path is looked up
        from the root again.
        """
        if self._held is not None:
            os.close(self._held[1])
            self._held = None

    def names(self, path: bytes, index: int) -> Names:
        """Returns the names that item `index`, which is at `path`, has in its folder."""
        draft = self._prefix + b"-%d" % index
        return Names(_name(path), draft, draft + b".aside")

    def folder(self, path: bytes) -> int:
        """Returns a folder's descriptor, good until the next call or `release`."""
        if self._held is None or self._held[0] != path:
            self.release()
            self._held = (path, open_beneath(self._root, path))
        return self._held[1]

    def look(self, path: bytes) -> os.stat_result | None:
        """Returns the lstat of a place; None when nothing is there, or a link is on the way."""
        try:
            return look_in(self.folder(parent(path)), _name(path))
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def state(self, path: bytes) -> PathState | None:
        """Returns type, mode and content id of what is there; None when nothing is."""
        try:
            return state_in(self.folder(parent(path)), _name(path))
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def put_file(
        self,
        path: TrackedPath,
        index: int,
        content: bytes,
        wanted: PathState,
        expected: Expected | None,
    ) -> os.stat_result | None:
        """Puts a file in place with exactly that content and mode, set-id bits apart.

        `expected` is what is to be replaced, None for nothing. What was written is read back
        before it takes the place. A draft that was prepared is taken. Returns the file's stat in its
        place; None when it is not surely what was read back.
        """
        folder, made = self._holding(path), None
        if self._staging is not None:
            names, unlink = self.names(path, index), self._unlink(path)
            made = self._staging.put(folder, names, index, expected, wanted, unlink)
        if made is None:
            made = self._put(
                path, index, self._maker(path, index, content, wanted), wanted, expected
            )
        now = self._in_place(folder, path, made)
        is_same = (made.st_size, made.st_mtime_ns) == (now.st_size, now.st_mtime_ns)
        return now if is_same else None

    def _maker(
        self, path: TrackedPath, index: int, content: bytes, wanted: PathState
    ) -> Callable[[int, bytes], os.stat_result]:
        def make(folder: int, draft: bytes) -> os.stat_result:
            if index in self._prepared:
                return self._prepared.pop(index)[1]
            self._freeing.wait()
            owner = owner_at(folder, _name(path))
            return make_file(folder, draft, content, wanted, owner=owner, sync=True)

        return make

    @property
    def is_staging(self) -> bool:
        """Tells whether files were made in the store already."""
        return self._staging is not None and self._staging.has_begun

    def begin_preparing(self) -> None:
        """Begins another batch of drafts; what was taken out for the last one is gone then."""
        self._freeing.wait()
        if self._staging is not None and self._together.covers(self._root):
            self._staging.begin()

    def prepare_file(
        self, path: TrackedPath, index: int, content: bytes, wanted: PathState
    ) -> None:
        """Makes the draft of a file ahead of `put_file`, which needs `sync_prepared` before it.

        Nothing is made where only a sync of its own would make a file durable.
        """
        batch = self._staging.batch if self._staging else None
        if batch is not None:
            batch.make(index, content, wanted)
            return
        names = self.names(path, index)
        folder = self._writable(parent(path))
        if not self._touched[parent(path)]:
            return

        def make(folder: int, draft: bytes) -> os.stat_result:
            owner = owner_at(folder, _name(path))
            return make_file(folder, draft, content, wanted, owner=owner, sync=False)

        self._prepared[index] = path, _drafted(folder, names, make)

    def sync_prepared(self) -> None:
        """Makes all prepared drafts durable; where that fails there are none any more."""
        batch = self._staging.batch if self._staging else None
        if batch is None and not self._prepared:
            return
        if not self._together.sync():
            self.discard_prepared()
        elif batch is not None:
            try:
                batch.durable()
            except OSError:
                self.discard_prepared()

    def discard_prepared(self) -> None:
        """Removes the drafts that were not taken; none of them matters to anybody."""
        if self._staging is not None:
            self._staging.end()
        for index, (path, made) in self._prepared.items():
            with suppress(OSError):
                folder, draft = self.folder(parent(path)), self.names(path, index).draft
                if os.stat(draft, dir_fd=folder, follow_symlinks=False).st_ino == made.st_ino:
                    os.unlink(draft, dir_fd=folder)
        self._prepared.clear()
        self.release()

    def put_link(
        self,
        path: TrackedPath,
        index: int,
        target: bytes,
        wanted: PathState,
        expected: Expected | None,
    ) -> None:
        """Puts a symbolic link in place, as `put_file` a file."""

        def make(folder: int, draft: bytes) -> os.stat_result:
            os.symlink(target, draft, dir_fd=folder)
            if (owner := owner_at(folder, _name(path))) is not None:
                os.chown(draft, *owner, dir_fd=folder, follow_symlinks=False)
            return os.stat(draft, dir_fd=folder, follow_symlinks=False)

        folder = self._holding(path)
        self._in_place(folder, path, self._put(path, index, make, wanted, expected))

    def _put(
        self,
        path: TrackedPath,
        index: int,
        make: Callable[[int, bytes], os.stat_result],
        wanted: PathState,
        expected: Expected | None,
    ) -> os.stat_result:
        """Makes a draft beside its place and puts it there; returns its stat before that."""
        names = self.names(path, index)
        folder = self._holding(path)
        made = _drafted(folder, names, make)
        swaps.put(folder, names, expected, wanted, self._unlink(path))
        return made

    def _in_place(self, folder: int, path: bytes, made: os.stat_result) -> os.stat_result:
        """Returns the stat of what was put in place; FileMovedError when something else is there."""
        self.changed = True
        now = look_in(folder, _name(path))
        if now is None or now.st_ino != made.st_ino:
            raise FileMovedError
        return now

    def remove(self, path: TrackedPath, index: int, expected: Expected) -> None:
        """Removes a file or link that is still the expected one."""
        folder, names, unlink = self._holding(path), self.names(path, index), self._unlink(path)
        staging = self._staging
        if staging is None or not staging.remove(folder, names, index, expected, unlink):
            swaps.remove(folder, names, expected, unlink)
        self.changed = True

    def _holding(self, path: TrackedPath) -> int:
        """Returns the writable folder of a place; FileMovedError when it is not there any more."""
        try:
            return self._writable(parent(path))
        except OSError as error:
            if error.errno in _GONE:
                raise FileMovedError from error
            raise

    def _unlink(self, path: TrackedPath) -> Unlink:
        """Returns how a file in a writable folder goes."""
        return self._freeing.unlink if self._touched[parent(path)] else os.unlink

    def remove_folder(self, path: TrackedPath) -> None:
        """Removes a folder; the system refuses (ENOTEMPTY) when anything is in it."""
        os.rmdir(_name(path), dir_fd=self._writable(parent(path)))
        self.changed = True
        self._loosened.pop(path, None)
        self._touched.pop(path, None)

    def make_folder(self, path: TrackedPath) -> None:
        """Makes a folder that only its owner can enter; `set_folder_mode` opens it later."""
        folder = self._writable(parent(path))
        os.mkdir(_name(path), 0o700, dir_fd=folder)
        self.changed = True
        if os.geteuid() == 0:
            above = os.fstat(folder)
            os.fchown(self.folder(path), above.st_uid, above.st_gid)

    def set_folder_mode(self, path: TrackedPath, mode: int) -> None:
        """Gives a folder its mode, exactly."""
        folder = self.folder(path)
        _set_mode(folder, stat.S_IMODE(mode))
        self.changed = True
        self._loosened.pop(path, None)
        # Here, because with its final mode it may be impossible to open again.
        _sync(folder)
        self._touched.pop(path, None)

    def set_file_mode(self, path: TrackedPath, mode: int, expected: Signature) -> None:
        """Gives a file its mode, set-id bits apart, without touching its content."""
        fd = os.open(_name(path), OLD_FILE, dir_fd=self.folder(parent(path)))
        try:
            if signature_of(os.fstat(fd)) != expected:
                raise FileMovedError
            _set_mode(fd, stat.S_IMODE(mode) & ~SET_ID_BITS)
            self.changed = True
            os.fsync(fd)
        finally:
            os.close(fd)

    def clear(self, path: TrackedPath, index: int, stored: Collection[PathState | None]) -> None:
        """Ends what a killed run left under item `index`'s private names.

        `stored` are the item's two states. What is in neither goes back to its own name; where that
        cannot be, StrandedError.
        """
        names, folder = self.names(path, index), self.folder(parent(path))
        draft, aside = (look_in(folder, name) for name in (names.draft, names.aside))
        if draft is not None and (stat.S_ISREG(draft.st_mode) or stat.S_ISLNK(draft.st_mode)):
            os.unlink(names.draft, dir_fd=self._writable(parent(path)))
        if aside is not None:
            swaps.settle_aside(self._writable(parent(path)), names, stored)

    def clear_apart(
        self, path: TrackedPath, index: int, apart: int, stored: Collection[PathState | None]
    ) -> None:
        """As `clear`, for what lies in a folder of the store; what has to stay lies aside then.

        Raises:
            StrandedError: it had to.
            OSError: it could not even be moved, and is where it was.
        """
        if not swaps.drop_stored(apart, name_of(index), stored):
            settle(self._writable(parent(path)), self.names(path, index), index, apart, stored)

    def is_loosened(self, path: bytes) -> bool:
        """Tells whether a folder's mode was widened for the time of this run."""
        return path in self._loosened

    def _writable(self, path: TrackedPath) -> int:
        folder = self.folder(path)
        if path in self._touched:
            return folder
        if not os.access(b".", os.W_OK | os.X_OK, dir_fd=folder, effective_ids=True):
            mode = os.fstat(folder).st_mode
            os.fchmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)
            self._loosened.setdefault(path, mode)
        self._touched[path] = self._together.covers(folder)
        return folder

    def begin_settling(self) -> None:
        """Puts widened modes back and begins to make all changes durable; nothing is changed after."""
        self._is_settling = True
        self.discard_prepared()
        self._freeing.leave(self._root)
        if len(self._touched) >= together.MANY:
            self._together.begin()
        if self._loosened:
            self._settle_folders()

    def settle(self) -> list[Kept]:
        """Waits until all changes are durable; returns what failed."""
        if not self._is_settling:
            self.begin_settling()
        self._settle_folders()
        return self._failed

    def _settle_folders(self) -> None:
        durable = self._together.end()
        for path in sorted(self._touched.keys() | self._loosened.keys(), reverse=True):
            if durable and self._touched.get(path) and path not in self._loosened:
                continue
            try:
                folder = self.folder(path)
                if path in self._loosened:
                    os.fchmod(folder, stat.S_IMODE(self._loosened[path]))
                _sync(folder)
            except OSError as error:
                if error.errno not in _GONE:
                    self._failed.append(
                        Kept(path, f"the folder's mode or durability is not sure: {words(error)}")
                    )
        self._touched.clear()
        self._loosened.clear()


def words(error: OSError) -> str:
    """Returns the reason of a system error for a person."""
    if error.errno in NO_SPACE:
        return "no space left, or a limit on file sizes"
    if error.errno == errno.EPERM:
        return "not permitted; it may be immutable or of another owner"
    return (os.strerror(error.errno) if error.errno else str(error)).lower()


def _checked(name: bytes) -> bytes:
    if name in (b"", b".", b".."):
        raise OSError(errno.EINVAL, "no name that a file can have", escape(name))
    return name


def _name(path: bytes) -> bytes:
    return _checked(path.rpartition(b"/")[2])


def _drafted(
    folder: int, names: Names, make: Callable[[int, bytes], os.stat_result]
) -> os.stat_result:
    """Returns the stat of a draft that `make` makes; what it made is gone when it fails."""
    try:
        return make(folder, names.draft)
    except FileExistsError:
        # The draft's name is another's file; cleaning up must not take it.
        raise
    except BaseException:
        with suppress(OSError):
            os.unlink(names.draft, dir_fd=folder)
        raise


def _set_mode(fd: int, mode: int) -> None:
    os.fchmod(fd, mode)
    # The system drops the set-group-id bit in silence when the caller is not of the group.
    if stat.S_IMODE(os.fstat(fd).st_mode) != mode:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def _sync(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        # Some file systems have no fsync for folders, and say so with this number.
        if error.errno != errno.EINVAL:
            raise
