"""Writing what a walk meets into the new stat table, with its blobs and trees."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

from stepwell.store.engine.files import LINK_MODE, lstat_at, read_link_at, read_stable
from stepwell.store.engine.keeping import KeptEntries
from stepwell.store.engine.moved import sure_times
from stepwell.store.engine.objects import (
    BLOB,
    MODE_TREE,
    TREE,
    ObjectSink,
    TreeEntry,
    encode_tree,
)
from stepwell.store.engine.snapshots import Entry
from stepwell.store.engine.stattable import UNSURE, StatTable
from stepwell.store.engine.treebuild import git_mode, refused_file
from stepwell.store.engine.userindex import Wanted
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Reason

_UNKNOWN_TIMES = (0, UNSURE)


class Limits(NamedTuple):
    """Numbers that a walk goes by."""

    cap_bytes: int
    """Files above this are stored only if the parent snapshot has them."""
    fresh_from: int
    """A ctime (ns) from here on may be repeated by a later write."""
    apart: bytes = b""
    """A folder that is left out like a repository's own data; empty: none."""


@dataclass(slots=True)
class Node:
    """A folder whose row is written and whose tree is made once its children are done."""

    index: int
    path: bytes
    refused: bool
    """Nothing in it can stand in a git tree."""
    files: list[TreeEntry] = field(default_factory=list)
    children: list[tuple[bytes, int]] = field(default_factory=list)


class Rows:
    """The new table as it grows; `old` is where unchanged rows come from."""

    def __init__(
        self,
        new: StatTable,
        old: StatTable,
        sink: ObjectSink,
        kept: KeptEntries,
        wanted: Wanted,
        limits: Limits,
    ) -> None:
        self._new = new
        self._old = old
        self._sink = sink
        self._kept = kept
        self._wanted = wanted
        self._limits = limits

    def odd(self, node: Node, name: bytes, reason: Reason) -> None:
        """Notes that a name is not stored, or not surely."""
        self._new.odd.setdefault(node.index, []).append((name, reason))

    def store(self, node: Node, folder_fd: int, name: bytes, found: os.stat_result) -> None:
        """Stores what was found at a name that is no folder, or notes why not.

        Raises:
            PathMovedError: something else is there now.
            FileMovedError: the file keeps changing and is too large for a torn copy.
            OSError: it cannot be read.
        """
        path = node.path + b"/" + name if node.path else name
        if stat.S_ISLNK(found.st_mode):
            target = read_link_at(folder_fd, name)
            self._file(node, path, LINK_MODE, found, self._sink.add(BLOB, target))
        elif not stat.S_ISREG(found.st_mode):
            self.odd(node, name, "special")
        elif self._capped(path, found.st_size):
            self.odd(node, name, "capped")
        else:
            fresh = self._limits.fresh_from
            done = read_stable(folder_fd, name, self._sink, fresh_from=fresh)
            if not done.stable:
                self.odd(node, name, "unstable")
            self._file(node, path, done.stat.st_mode, done.stat, done.oid, sure=done.stable)

    def _capped(self, path: bytes, size: int) -> bool:
        if size <= self._limits.cap_bytes or self._wanted.asked_for(path):
            return False
        return not self._kept.is_file(path)

    def _file(
        self,
        node: Node,
        path: bytes,
        mode: int,
        found: os.stat_result,
        oid: Oid,
        *,
        sure: bool = True,
    ) -> None:
        times = sure_times(found, self._limits.fresh_from) if sure else _UNKNOWN_TIMES
        self._new.add_file(path, mode, times, found.st_size, found.st_ino, oid)
        self._enter(node, path.rpartition(b"/")[2], mode, oid, found.st_size)

    def carry_over(self, node: Node, name: bytes, known: int) -> None:
        """Takes one unchanged file from the old table."""
        files = self._old.files
        self._new.copy_files(self._old, known, known + 1)
        self._enter(node, name, files.mode[known], Oid(files.oids[known]), files.size[known])

    def keep(self, node: Node, entry: Entry, folder_fd: int | None) -> None:
        """Lets the parent's file or link stand in; its mode is the present one where that shows."""
        name = entry.path.rpartition(b"/")[2]
        mode, oid = entry.mode, entry.oid
        if oid is None:
            return
        if stat.S_ISREG(mode) and folder_fd is not None:
            mode = _present_mode(folder_fd, name, mode)
        self._new.add_file(entry.path, mode, _UNKNOWN_TIMES, 0, 0, oid)
        self._enter(node, name, mode, oid, 0)

    def _enter(self, node: Node, name: bytes, mode: int, oid: Oid, size: int) -> None:
        if node.refused or refused_file(self._sink, name, mode, oid, size):
            self._new.refused.setdefault(node.index, []).append(name)
        else:
            node.files.append(TreeEntry(name, git_mode(mode), oid))

    def carry_own(self, node: Node, at: int) -> None:
        """Takes everything directly in an unchanged folder of the old table, its folders aside."""
        old, new = self._old, self._new
        refused = set(old.refused.get(at, ()))
        start = len(node.path) + 1 if node.path else 0
        own = old.own_files(at)
        for n in own:
            name = old.files.paths[n][start:]
            if name not in refused:
                mode = git_mode(old.files.mode[n])
                node.files.append(TreeEntry(name, mode, Oid(old.files.oids[n])))
        new.copy_files(old, own.start, own.stop)
        if at in old.odd:
            new.odd[node.index] = list(old.odd[at])
        if at in old.forced:
            new.forced[node.index] = old.forced[at]
        if at in old.refused:
            new.refused[node.index] = old.refused[at]
        if at in old.rules:
            new.rules[node.index] = old.rules[at]

    def finish(self, node: Node) -> None:
        """Closes a folder's row and adds its tree, once everything below it is done."""
        folders = self._new.folders
        folders.end[node.index] = len(folders.paths)
        if node.refused:
            return
        trees = [(name, folders.tree[at]) for name, at in node.children]
        entries = node.files + [TreeEntry(n, MODE_TREE, Oid(t)) for n, t in trees if t]
        if entries or node.index == 0:
            folders.tree[node.index] = self._sink.add(TREE, encode_tree(entries))


def _present_mode(folder_fd: int, name: bytes, otherwise: int) -> int:
    try:
        found = lstat_at(folder_fd, name)
    except OSError:
        return otherwise
    return found.st_mode if found is not None and stat.S_ISREG(found.st_mode) else otherwise
