"""What of a saved stat table is not as it was: one look at every folder and file it knows."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress
from typing import TypeVar

from stepwell.store.engine.stattable import UNSURE, Mark, StatTable

_T = TypeVar("_T")

GRAIN_NS = 20_000_000
"""Writes closer together than this may carry the same time stamp (the kernel's coarse clock)."""

_COARSE_NS = 2_020_000_000
_SECOND_NS = 1_000_000_000

_LOOK_AGAIN = frozenset({"capped", "unreadable", "unstable"})


@dataclass(slots=True)
class Changed:
    """What of a table is not as it was."""

    files: set[int] = field(default_factory=set)
    """Files that moved, or that were too fresh when they were read."""
    listings: set[int] = field(default_factory=set)
    """Folders whose names must be listed again."""
    folders: list[int] = field(default_factory=list)
    """Every folder that must be looked through, sorted."""
    shared: set[bytes] = field(default_factory=set)
    """Known paths of files whose inode has other names."""

    def any_within(self, start: int, end: int) -> bool:
        """Tells whether one of the folders `start` to `end` must be looked through."""
        at = bisect_left(self.folders, start)
        return at < len(self.folders) and self.folders[at] < end


def is_fresh(ctime_ns: int, mtime_ns: int, fresh_from: int) -> bool:
    """Tells whether a later write could leave the same time stamps.

    A file system that keeps whole seconds gives no finer answer for two seconds.
    """
    if ctime_ns >= fresh_from:
        return True
    coarse = ctime_ns % _SECOND_NS == 0 and mtime_ns % _SECOND_NS == 0
    return coarse and ctime_ns >= fresh_from + GRAIN_NS - _COARSE_NS


def sure_times(found: os.stat_result, fresh_from: int) -> tuple[int, int]:
    """Returns mtime and ctime to be remembered; UNSURE instead of a ctime that may repeat."""
    fresh = is_fresh(found.st_ctime_ns, found.st_mtime_ns, fresh_from)
    return found.st_mtime_ns, UNSURE if fresh else found.st_ctime_ns


def mark_of(found: os.stat_result, fresh_from: int) -> Mark:
    """Returns what is compared of a rule file."""
    return (found.st_size, *sure_times(found, fresh_from), found.st_ino)


def find_changed(
    root_fd: int, old: StatTable, new: StatTable, among: Collection[bytes] | None = None
) -> Changed:
    """Compares the disk with what `old` remembers; `new` tells the rules in force now.

    With `among` only those paths, and the folders that they lie in, are looked at.
    """
    changed = Changed()
    looked = None if among is None else _with_folders(among)
    changed.listings = _moved_folders(root_fd, old, looked)
    changed.files = _moved_files(root_fd, old, looked, changed.shared)
    if looked is not None:
        changed.shared |= old.shared - looked
    folders = set(changed.listings)
    first = old.folders.first
    folders.update(bisect_right(first, at) - 1 for at in changed.files)
    folders.update(at for at, odd in old.odd.items() if any(r in _LOOK_AGAIN for _, r in odd))
    folders.update(at for at, rules in old.rules.items() if _rules_moved(root_fd, old, at, rules))
    if new.wanted != old.wanted:
        folders.update(old.forced)
        folders.update(at for at, odd in old.odd.items() if any(r == "ignored" for _, r in odd))
    if (new.user_rules, new.exclude_rules) != (old.user_rules, old.exclude_rules):
        folders.add(0)
    changed.folders = sorted(folders)
    return changed


def any_as_remembered(root: bytes, table: StatTable) -> bool:
    """Tells whether anything below the folder is what the table remembers there.

    The inode of the folder itself says little: file systems give numbers of deleted folders again.
    """
    for rows in (table.folders, table.files):
        for path, inode, mtime in zip(rows.paths, rows.inode, rows.mtime, strict=True):
            try:
                found = os.lstat(os.path.join(root, path))
            except OSError:
                continue
            if (found.st_ino, found.st_mtime_ns) == (inode, mtime):
                return True
    return False


def _with_folders(paths: Collection[bytes]) -> set[bytes]:
    """Returns the paths and all that they lie in, the root too."""
    found = {b""}
    for path in paths:
        while path not in found:
            found.add(path)
            path = path.rpartition(b"/")[0]
    return found


def _numbered(
    columns: Iterable[_T], paths: list[bytes], looked: Collection[bytes] | None
) -> Iterator[tuple[int, _T]]:
    """Returns the rows that are looked at, with their numbers."""
    rows = enumerate(columns)
    return rows if looked is None else compress(rows, (path in looked for path in paths))


def _moved_folders(root_fd: int, old: StatTable, looked: Collection[bytes] | None) -> set[int]:
    lstat, f, moved = os.lstat, old.folders, set()
    columns = zip(f.paths, f.mtime, f.ctime, f.inode, f.mode, strict=True)
    for at, (path, mtime, ctime, inode, mode) in _numbered(columns, f.paths, looked):
        try:
            found = lstat(path or b".", dir_fd=root_fd)
        except OSError:
            moved.add(at)
            continue
        if (
            found.st_ctime_ns != ctime
            or found.st_mtime_ns != mtime
            or found.st_ino != inode
            or found.st_mode != mode
        ):
            moved.add(at)
    return moved


def _moved_files(
    root_fd: int, old: StatTable, looked: Collection[bytes] | None, shared: set[bytes]
) -> set[int]:
    lstat, f, moved = os.lstat, old.files, set()
    columns = zip(f.paths, f.mtime, f.ctime, f.size, f.inode, f.mode, strict=True)
    for at, (path, mtime, ctime, size, inode, mode) in _numbered(columns, f.paths, looked):
        try:
            found = lstat(path, dir_fd=root_fd)
        except OSError:
            moved.add(at)
            continue
        if (
            found.st_ctime_ns != ctime
            or found.st_mtime_ns != mtime
            or found.st_size != size
            or found.st_ino != inode
            or found.st_mode != mode
        ):
            moved.add(at)
        if found.st_nlink != 1:
            shared.add(path)
    return moved


def _rules_moved(
    root_fd: int, old: StatTable, folder: int, rules: dict[bytes, tuple[Mark, bytes]]
) -> bool:
    path = old.folders.paths[folder]
    for name, (mark, _) in rules.items():
        try:
            found = os.lstat(path + b"/" + name if path else name, dir_fd=root_fd)
        except OSError:
            return True
        now = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        if now != tuple(mark):
            return True
    return False
