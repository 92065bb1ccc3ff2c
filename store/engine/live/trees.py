"""Tree objects of folders in memory: only those on the way to a change are built.

A wide folder's entries are kept ready in git's order, so that one changed name is spliced in
instead of sorting ten thousand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator

from stepwell.store.engine.live.folders import NO_TREE, Folder, mode_and_oid
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.objects import MODE_TREE, TREE, ObjectSink, TreeEntry, encode_tree
from stepwell.store.engine.treebuild import git_mode
from stepwell.store.model.ids import Oid

_WIDE = 200
"""Folders with fewer names are encoded anew: that costs less than it would to keep them ready."""

_READY = 16
"""How many wide folders are kept ready."""


class Trees:
    """Builds and offers the trees of folders that changed."""

    def __init__(self) -> None:
        self._ready: OrderedDict[Folder, _WideTree] = OrderedDict()

    def build(self, known: Known, sink: ObjectSink) -> None:
        """Adds the trees of all stale folders and of those above them; they are stale then, too."""
        by_depth: defaultdict[int, set[Folder]] = defaultdict(set)
        for folder in known.stale:
            by_depth[_depth(folder)].add(folder)
        for depth in range(max(by_depth, default=-1), -1, -1):
            for folder in by_depth[depth]:
                self._build_one(folder, known.stale[folder], sink)
                if folder.parent is not None:
                    known.stale.setdefault(folder.parent, set()).add(folder.name)
                    by_depth[depth - 1].add(folder.parent)

    def _build_one(self, folder: Folder, changed: Collection[bytes], sink: ObjectSink) -> None:
        folder.tree = NO_TREE
        if folder.shut:
            return
        content = self._content(folder, changed)
        if content or folder.parent is None:
            folder.tree = sink.add(TREE, content)

    def _content(self, folder: Folder, changed: Collection[bytes]) -> bytes:
        if len(folder.files) + len(folder.folders) < _WIDE:
            self._ready.pop(folder, None)
            return encode_tree(_entries(folder))
        wide = self._ready.get(folder)
        if wide is None:
            wide = self._ready[folder] = _WideTree(folder)
        else:
            wide.update(folder, changed)
        self._ready.move_to_end(folder)
        while len(self._ready) > _READY:
            self._ready.popitem(last=False)
        return b"".join(wide.encoded)


class _WideTree:
    """A folder's entries in git's order, encoded, each under the key that orders it."""

    def __init__(self, folder: Folder) -> None:
        ordered = sorted((_key(entry), encode_tree((entry,))) for entry in _entries(folder))
        self._keys = [key for key, _ in ordered]
        self.encoded = [encoded for _, encoded in ordered]

    def update(self, folder: Folder, names: Collection[bytes]) -> None:
        """Splices in what the folder has now at the names."""
        for name in names:
            self._cut(name)
            self._cut(name + b"/")
            entry = _entry(folder, name)
            if entry is not None:
                at = bisect_left(self._keys, _key(entry))
                self._keys.insert(at, _key(entry))
                self.encoded.insert(at, encode_tree((entry,)))

    def _cut(self, key: bytes) -> None:
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            del self._keys[at], self.encoded[at]


def _key(entry: TreeEntry) -> bytes:
    return entry.name + b"/" if entry.mode == MODE_TREE else entry.name


def _entries(folder: Folder) -> Iterator[TreeEntry]:
    for name in (*folder.files, *folder.folders):
        entry = _entry(folder, name)
        if entry is not None:
            yield entry


def _entry(folder: Folder, name: bytes) -> TreeEntry | None:
    """Returns what a folder's tree has at a name; None when it has nothing there."""
    record = folder.files.get(name)
    if record is not None:
        if folder.refused and name in folder.refused:
            return None
        mode, oid = mode_and_oid(record)
        return TreeEntry(name, git_mode(mode), oid)
    child = folder.folders.get(name)
    return TreeEntry(name, MODE_TREE, Oid(child.tree)) if child and child.tree else None


def _depth(folder: Folder) -> int:
    return folder.path.count(b"/") + 1 if folder.path else 0
