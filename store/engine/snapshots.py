"""Reading snapshots: their entries, one entry, and what differs between two (own tree walk).

An entry carries the full st_mode, type bits included, so that a plan can say exactly what is to be
on disk. Equal subtrees are skipped by id, so the cost follows the difference, not the tree.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from stepwell.store.engine import extras as extras_module
from stepwell.store.engine.extras import Extras, read_extras
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_EXEC,
    MODE_LINK,
    MODE_TREE,
    TREE,
    ObjectReader,
    ObjectSink,
    TreeEntry,
    decode_tree,
    entry_named,
    raw_entries,
)
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, join, parent
from stepwell.store.model.steps import Snapshot


class Entry(NamedTuple):
    """A file, link or folder of a snapshot."""

    path: TrackedPath
    mode: int
    """Full st_mode; a link's is always 0o120777."""
    oid: Oid | None
    """Blob of content or link target; None for a folder."""


_WIDE = 16 << 10
"""Trees of more bytes are decoded each time, so that few of them cannot fill the memory."""

Difference = tuple[Entry | None, Entry | None]


def empty_snapshot(sink: ObjectSink) -> Snapshot:
    """Adds and returns the snapshot of an empty workspace."""
    tree = sink.add(TREE, b"")
    return Snapshot(tree, sink.add(BLOB, extras_module.encode(Extras())))


def entries(reader: ObjectReader, snapshot: Snapshot, *, folders: bool = False) -> list[Entry]:
    """Returns all files and links in path order; empty folders too; every folder on request."""
    side = _Side(reader, snapshot)
    found = {e.path: e for e in side.under(TrackedPath(b""), snapshot.tree)}
    found.update(side.refused())
    if not folders:
        empty = side.extras.empty_folders
        found = {p: e for p, e in found.items() if e.oid is not None or p in empty}
    return [found[path] for path in sorted(found)]


def lookup(reader: ObjectReader, snapshot: Snapshot, path: bytes) -> Entry | None:
    """Returns the entry at `path` (a folder too), or None."""
    return _Side(reader, snapshot).lookup(TrackedPath(path))


def differing(reader: ObjectReader, a: Snapshot | None, b: Snapshot | None) -> list[Difference]:
    """Returns (entry in a, entry in b) for each path that differs, in path order.

    A folder is listed when only one side has it, or when its mode differs, or when the other side
    has something else there. None stands for a snapshot that holds nothing.
    """
    if a == b:
        return []
    left, right = _Side(reader, a), _Side(reader, b)
    if left.defaults() != right.defaults() and a is not None and b is not None:
        return _compare_whole(left, right)
    found: dict[TrackedPath, Difference] = {}
    _walk(left, right, TrackedPath(b""), left.tree, right.tree, found)
    # A folder that one tree has may be in the other side's extras alone.
    twice = found.keys() & (left.refused().keys() | right.refused().keys())
    for path in _candidates(left.extras, right.extras) | twice:
        pair = (left.lookup(path), right.lookup(path))
        if pair[0] == pair[1]:
            found.pop(path, None)
        else:
            found[path] = pair
    return [found[path] for path in sorted(found)]


def by_path(found: Iterable[Difference]) -> dict[TrackedPath, Difference]:
    """Returns differences by their path, in the same order."""
    return {entry.path: (a, b) for a, b in found if (entry := a or b) is not None}


def below(reader: ObjectReader, snapshot: Snapshot, folder: bytes) -> list[Entry]:
    """Returns everything below a folder, folders included, in path order; [] when it is none."""
    side = _Side(reader, snapshot)
    tree = side.subtree(TrackedPath(folder))
    found = {e.path: e for e in side.under(TrackedPath(folder), tree)} if tree else {}
    inside = folder + b"/"
    found.update((p, e) for p, e in side.refused().items() if p.startswith(inside))
    return [found[path] for path in sorted(found)]


@lru_cache(maxsize=512)
def _entries_of(content: bytes) -> tuple[TreeEntry, ...]:
    return tuple(decode_tree(content))


class _Side:
    """One snapshot of a comparison."""

    def __init__(self, reader: ObjectReader, snapshot: Snapshot | None) -> None:
        self.reader = reader
        self.tree = EMPTY_TREE if snapshot is None else snapshot.tree
        self.extras = Extras() if snapshot is None else read_extras(reader, snapshot.extras)

    def defaults(self) -> tuple[int, int, int]:
        return (self.extras.file_mode, self.extras.exec_mode, self.extras.folder_mode)

    def children(self, tree: Oid) -> Sequence[TreeEntry]:
        if tree == EMPTY_TREE:
            return ()
        content = self.reader.read(tree)[1]
        return decode_tree(content) if len(content) > _WIDE else _entries_of(content)

    def raw(self, tree: Oid) -> set[bytes]:
        return set() if tree == EMPTY_TREE else raw_entries(self.reader.read(tree)[1])

    def entry(self, path: TrackedPath, mode: int, oid: Oid) -> Entry:
        if mode == MODE_TREE:
            return self.folder(path)
        if mode == MODE_LINK:
            return Entry(path, stat.S_IFLNK | 0o777, oid)
        default = self.extras.exec_mode if mode == MODE_EXEC else self.extras.file_mode
        return Entry(path, stat.S_IFREG | self.extras.modes.get(path, default), oid)

    def folder(self, path: TrackedPath) -> Entry:
        mode = self.extras.modes.get(path, self.extras.folder_mode)
        return Entry(path, stat.S_IFDIR | mode, None)

    def under(self, path: TrackedPath, tree: Oid) -> Iterator[Entry]:
        for name, mode, oid in self.children(tree):
            below = join(path, name)
            yield self.entry(below, mode, oid)
            if mode == MODE_TREE:
                yield from self.under(below, oid)

    def refused(self) -> dict[TrackedPath, Entry]:
        """Returns the entries that only Extras holds, with the folders that lead to them."""
        found = {path: self.folder(path) for path in self.extras.empty_folders}
        for path, (mode, oid) in self.extras.entries.items():
            found[path] = self.entry(path, mode, oid)
        for path in list(found):
            for folder in _ancestors(path):
                found.setdefault(folder, self.folder(folder))
        return found

    def lookup(self, path: TrackedPath) -> Entry | None:
        if path in self.extras.entries:
            return self.entry(path, *self.extras.entries[path])
        found = self._in_tree(path)
        if found is None and self._holds(path):
            return self.folder(path)
        return found

    def _in_tree(self, path: TrackedPath) -> Entry | None:
        found = self._walked(path)
        return None if found is None else self.entry(path, *found)

    def subtree(self, path: TrackedPath) -> Oid | None:
        """Returns the tree of a folder; None when the tree has no such folder."""
        found = self._walked(path)
        return found[1] if found and found[0] == MODE_TREE else None

    def _walked(self, path: TrackedPath) -> tuple[int, Oid] | None:
        """Returns mode and id of what the tree has at a path."""
        oid, mode = self.tree, MODE_TREE
        for name in path.split(b"/"):
            if mode != MODE_TREE:
                return None
            match = None if oid == EMPTY_TREE else entry_named(self.reader.read(oid)[1], name)
            if match is None:
                return None
            oid, mode = match.oid, match.mode
        return mode, oid

    def _holds(self, path: TrackedPath) -> bool:
        if path in self.extras.empty_folders:
            return True
        inside = path + b"/"
        named = (*self.extras.entries, *self.extras.empty_folders)
        return any(p.startswith(inside) for p in named)


def _ancestors(path: TrackedPath) -> Iterator[TrackedPath]:
    while path := parent(path):
        yield path


def _walk(
    left: _Side,
    right: _Side,
    path: TrackedPath,
    a: Oid,
    b: Oid,
    found: dict[TrackedPath, Difference],
) -> None:
    """Collects what differs below two unequal trees; modes of folders are Extras' business."""
    if a == b:
        return
    old, new = left.raw(a), right.raw(b)
    moved = old ^ new
    before, after = _by_name(moved & old), _by_name(moved & new)
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        below = join(path, name)
        if was and now and was.mode == now.mode == MODE_TREE:
            _walk(left, right, below, was.oid, now.oid, found)
            continue
        found[below] = (
            left.entry(below, was.mode, was.oid) if was else None,
            right.entry(below, now.mode, now.oid) if now else None,
        )
        if was and was.mode == MODE_TREE:
            found.update((e.path, (e, None)) for e in left.under(below, was.oid))
        if now and now.mode == MODE_TREE:
            found.update((e.path, (None, e)) for e in right.under(below, now.oid))


def _by_name(found: Iterable[bytes]) -> dict[bytes, TreeEntry]:
    return {entry.name: entry for entry in decode_tree(b"".join(found))}


def _candidates(a: Extras, b: Extras) -> set[TrackedPath]:
    """Returns the paths whose entry may differ although the trees agree, or agree although not."""
    if a is b or a == b:
        return set()
    paths = {p for p, _ in a.modes.items() ^ b.modes.items()}
    paths |= a.empty_folders ^ b.empty_folders
    paths |= {p for p, _ in a.entries.items() ^ b.entries.items()}
    for path in list(paths):
        paths.update(_ancestors(path))
    return paths


def _compare_whole(left: _Side, right: _Side) -> list[Difference]:
    """Compares every entry: needed when the default modes differ, which touches them all."""
    sides = []
    for side in (left, right):
        found = {e.path: e for e in side.under(TrackedPath(b""), side.tree)}
        found.update(side.refused())
        sides.append(found)
    old, new = sides
    paths = sorted(p for p in old.keys() | new.keys() if old.get(p) != new.get(p))
    return [(old.get(path), new.get(path)) for path in paths]
