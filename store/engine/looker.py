"""Looking at one name of a folder: what lies there, and whether it is stored.

A scan and a watcher come to a name in different ways; what they make of it is decided here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from stepwell.store.engine.files import (
    LINK_MODE,
    OpenFolders,
    PathMovedError,
    is_exhausted,
    is_gone,
    lstat_at,
    read_link_at,
    read_small,
    read_stable,
)
from stepwell.store.engine.ignore import LARGEST_RULE_FILE, RULE_FILES, Chain
from stepwell.store.engine.keeping import KeptEntries
from stepwell.store.engine.moved import mark_of, sure_times
from stepwell.store.engine.objects import BLOB, FileMovedError, ObjectSink
from stepwell.store.engine.snapshots import Entry
from stepwell.store.engine.stattable import UNSURE, Mark
from stepwell.store.engine.userindex import Wanted
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Reason

_LONGEST_PATH = 4_000
_TRIES = 5
_REPOSITORIES = frozenset({b".hg", b".jj", b".svn"})
_UNKNOWN_TIMES = (0, UNSURE)

RuleFiles = Mapping[bytes, tuple[Mark, bytes]]
"""A folder's rule files by name: their mark and text."""


class Limits(NamedTuple):
    """Numbers that a look goes by."""

    cap_bytes: int
    """Files above this are stored only if the parent snapshot has them."""
    fresh_from: int
    """A ctime (ns) from here on may be repeated by a later write."""
    apart: bytes = b""
    """A folder that is left out like a repository's own data; empty: none."""


class FileRow(NamedTuple):
    """What is remembered of a stored file or link."""

    mode: int
    """Full st_mode."""
    times: tuple[int, int]
    """mtime and ctime in ns; a ctime that may repeat is UNSURE."""
    size: int
    inode: int
    oid: Oid
    shared: bool = False
    """The inode has other names, here or elsewhere."""


class Place(Protocol):
    """The folder whose names are being looked at: what is known of it, and what takes it down."""

    @property
    def path(self) -> bytes:
        """Workspace path of the folder."""

    @property
    def within(self) -> bool:
        """It is ignored, and looked at only for the wanted paths in it."""

    @property
    def chain(self) -> Chain:
        """The ignore rules in force in it."""

    def has_same_file(self, name: bytes) -> bool:
        """Tells whether what is remembered of a file there still holds."""

    def has_same_folder(self, name: bytes) -> bool:
        """Tells whether a folder is known still to be there."""

    def carry_over(self, name: bytes) -> None:
        """Takes down a file of which everything remembered still holds."""

    def add(self, name: bytes, row: FileRow) -> None:
        """Takes down a file or link that was stored."""

    def odd(self, name: bytes, reason: Reason) -> None:
        """Takes down that a name is not stored, or not surely."""

    def force(self, name: bytes) -> None:
        """Takes down that a name is stored although it is ignored."""

    def visit(self, name: bytes, *, kept: bool = False) -> None:
        """Has a folder looked at later; `kept`: the parent snapshot stands in for all of it."""


class Looker:
    """Looks at names for one capture; the caller closes the folders."""

    def __init__(
        self,
        folders: OpenFolders,
        sink: ObjectSink,
        kept: KeptEntries,
        wanted: Wanted,
        limits: Limits,
    ) -> None:
        self._folders = folders
        self._sink = sink
        self._kept = kept
        self._wanted = wanted
        self._limits = limits

    def settle(self, place: Place, name: bytes) -> None:
        """Takes one name down, or notes why it is not stored.

        Raises:
            OSError: descriptors or memory ran out.
            StepwellError: the sink cannot store.
        """
        for _ in range(_TRIES):
            try:
                self._look(place, name)
                return
            except PathMovedError:
                continue
            except FileMovedError:
                break
            except OSError as error:
                if is_gone(error):
                    return
                if is_exhausted(error):
                    raise
                self._let_stand(place, name, "unreadable")
                return
        self._let_stand(place, name, "unstable")

    def keep_below(self, place: Place) -> None:
        """Lets the parent snapshot's entries stand in for a folder that cannot be read."""
        for child in self._kept.children(place.path):
            name = child.path.rpartition(b"/")[2]
            if child.oid is None:
                place.visit(name, kept=True)
            else:
                _stand_in(place, name, child, None)

    def kept_mode(self, path: bytes) -> int | None:
        """Returns the mode of a folder that cannot be read; None when the parent has none there."""
        entry = self._kept.get(path)
        if entry is None or entry.oid is not None:
            return None
        folder, _, name = path.rpartition(b"/")
        try:
            found = lstat_at(self._folders.open(folder), name)
        except OSError:
            return entry.mode
        return found.st_mode if found is not None and stat.S_ISDIR(found.st_mode) else entry.mode

    def read_rules(self, path: bytes, before: RuleFiles) -> dict[bytes, tuple[Mark, bytes]]:
        """Returns a folder's rule files; what `before` has and still holds is not read again."""
        found: dict[bytes, tuple[Mark, bytes]] = {}
        for name in RULE_FILES:
            try:
                folder_fd = self._folders.open(path)
                look = lstat_at(folder_fd, name)
            except OSError:
                continue
            if look is None or not stat.S_ISREG(look.st_mode):
                continue
            mark = mark_of(look, self._limits.fresh_from)
            if name in before and before[name][0] == mark and UNSURE not in mark:
                found[name] = before[name]
                continue
            text = read_small(folder_fd, name, LARGEST_RULE_FILE)
            if text is not None:
                found[name] = (mark, text)
        return found

    def _let_stand(self, place: Place, name: bytes, reason: Reason) -> None:
        """Notes the reason and lets the parent snapshot's entry stand in, if it has one."""
        place.odd(name, reason)
        entry = self._kept.get(_join(place.path, name))
        if entry is None:
            return
        if entry.oid is None:
            place.visit(name, kept=True)
            return
        try:
            folder_fd = self._folders.open(place.path)
        except OSError:
            _stand_in(place, name, entry, None)
        else:
            _stand_in(place, name, entry, folder_fd)

    def _look(self, place: Place, name: bytes) -> None:
        path = _join(place.path, name)
        is_same, is_folder = place.has_same_file(name), place.has_same_folder(name)
        found = None
        if not is_same and not is_folder:
            found = lstat_at(self._folders.open(place.path), name)
            if found is None:
                return
            is_folder = stat.S_ISDIR(found.st_mode)
        is_other = name in _REPOSITORIES or path == self._limits.apart
        if name == b".git" or (is_folder and is_other):
            place.odd(name, "repository")
        elif len(path) > _LONGEST_PATH:
            place.odd(name, "too_long")
        elif not self._let_in(place, path, name, is_folder):
            place.odd(name, "ignored")
        elif is_folder:
            place.visit(name)
        elif is_same:
            place.carry_over(name)
        elif found is not None:
            self._store(place, name, found)

    def _let_in(self, place: Place, path: bytes, name: bytes, is_folder: bool) -> bool:
        if not place.within and not place.chain.ignores(path, name, is_folder):
            return True
        if not self._wanted.covers(path, is_folder):
            return False
        place.force(name)
        return True

    def _store(self, place: Place, name: bytes, found: os.stat_result) -> None:
        """Stores what was found at a name that is no folder, or notes why not.

        Raises:
            PathMovedError: something else is there now.
            FileMovedError: the file keeps changing and is too large for a torn copy.
            OSError: it cannot be read.
        """
        path = _join(place.path, name)
        folder_fd = self._folders.open(place.path)
        if stat.S_ISLNK(found.st_mode):
            oid = self._sink.add(BLOB, read_link_at(folder_fd, name))
            place.add(name, self._row(LINK_MODE, found, oid))
        elif not stat.S_ISREG(found.st_mode):
            place.odd(name, "special")
        elif self._capped(path, found.st_size):
            place.odd(name, "capped")
        else:
            fresh_from = self._limits.fresh_from
            done = read_stable(folder_fd, name, self._sink, fresh_from=fresh_from)
            row = self._row(done.stat.st_mode, done.stat, done.oid)
            if not done.stable:
                place.odd(name, "unstable")
                row = row._replace(times=_UNKNOWN_TIMES)
            place.add(name, row)

    def _row(self, mode: int, found: os.stat_result, oid: Oid) -> FileRow:
        times = sure_times(found, self._limits.fresh_from)
        return FileRow(mode, times, found.st_size, found.st_ino, oid, found.st_nlink > 1)

    def _capped(self, path: bytes, size: int) -> bool:
        if size <= self._limits.cap_bytes or self._wanted.asked_for(path):
            return False
        return not self._kept.is_file(path)


def _stand_in(place: Place, name: bytes, entry: Entry, folder_fd: int | None) -> None:
    """Takes down the parent's file or link; its mode is the present one where that shows."""
    if entry.oid is None:
        return
    mode = entry.mode
    if stat.S_ISREG(mode) and folder_fd is not None:
        mode = _present_mode(folder_fd, name, mode)
    place.add(name, FileRow(mode, _UNKNOWN_TIMES, 0, 0, entry.oid))


def _present_mode(folder_fd: int, name: bytes, otherwise: int) -> int:
    try:
        found = lstat_at(folder_fd, name)
    except OSError:
        return otherwise
    return found.st_mode if found is not None and stat.S_ISREG(found.st_mode) else otherwise


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name
