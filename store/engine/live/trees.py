"""Tree objects of folders in memory: only those on the way to a change are built.

The entries of folders that changed lately are kept ready in git's order, so that one changed name
is spliced in instead of sorting ten thousand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from stepwell.store.engine.live.folders import NO_TREE, Folder
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.objects import TREE, ObjectSink
from stepwell.store.engine.treebuild import git_mode

_WIDE = 24
"""Folders with fewer names are encoded anew: that costs less than it would to keep them ready."""

_READY = 24_000
"""How many entries are kept ready, of the folders that changed last; those of one always are."""


class Trees:
    """Builds and offers the trees of folders that changed."""

    def __init__(self) -> None:
        self._ready: OrderedDict[Folder, _WideTree] = OrderedDict()
        self._count = 0
        self._kept: dict[Folder, bytes] = {}
        """Tree ids when kept last, of the folders whose trees were built or put back since."""

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

    def put_back(self, known: Known, trees: Mapping[Folder, bytes]) -> bool:
        """Gives folders the trees that they had, when what they hold is again what it was then.

        `trees` are of all folders that are not now, or were not when kept last, what they were
        then, and of those above them. Returns False, nothing done, where others are stale or some
        are gone. Nothing is offered.
        """
        concerned = known.stale.keys() | self._kept.keys()
        if not (concerned <= trees.keys() and all(folder.alive for folder in trees)):
            return False
        for folder, tree in trees.items():
            self._kept.setdefault(folder, folder.tree)
            folder.tree = tree
            if folder.parent is not None:
                known.stale.setdefault(folder.parent, set()).add(folder.name)
        for folder in trees.keys() & self._ready.keys():
            self._make_ready(folder, known.stale.get(folder, ()))
        return True

    def kept(self) -> dict[Folder, bytes]:
        """The store holds what was built; returns what was kept before, of the folders concerned."""
        kept, self._kept = self._kept, {}
        return kept

    def _build_one(self, folder: Folder, changed: Collection[bytes], sink: ObjectSink) -> None:
        self._kept.setdefault(folder, folder.tree)
        folder.tree = NO_TREE
        if folder.shut:
            return
        content = self._content(folder, changed)
        if content or folder.parent is None:
            folder.tree = sink.add(TREE, content)

    def _content(self, folder: Folder, changed: Collection[bytes]) -> bytes:
        if len(folder.files) + len(folder.folders) < _WIDE:
            self._drop(folder)
            return b"".join([encoded for _, encoded in sorted(_entries(folder))])
        return b"".join(self._make_ready(folder, changed).encoded)

    def _make_ready(self, folder: Folder, changed: Collection[bytes]) -> _WideTree:
        wide = self._ready.pop(folder, None)
        if wide is None:
            wide = _WideTree(folder)
        else:
            self._count -= len(wide.encoded)
            wide.update(folder, changed)
        self._ready[folder] = wide
        self._count += len(wide.encoded)
        while self._count > _READY and len(self._ready) > 1:
            self._drop(next(iter(self._ready)))
        return wide

    def _drop(self, folder: Folder) -> None:
        wide = self._ready.pop(folder, None)
        self._count -= len(wide.encoded) if wide else 0


class _WideTree:
    """A folder's entries in git's order, encoded, each under the key that orders it."""

    def __init__(self, folder: Folder) -> None:
        ordered = sorted(_entries(folder))
        self._keys = [key for key, _ in ordered]
        self.encoded = [encoded for _, encoded in ordered]

    def update(self, folder: Folder, names: Collection[bytes]) -> None:
        """Splices in what the folder has now at the names."""
        for name in names:
            self._cut(name)
            self._cut(name + b"/")
            for key, encoded in _entries_at(folder, name):
                at = bisect_left(self._keys, key)
                self._keys.insert(at, key)
                self.encoded.insert(at, encoded)

    def _cut(self, key: bytes) -> None:
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            del self._keys[at], self.encoded[at]


def _entries(folder: Folder) -> Iterator[tuple[bytes, bytes]]:
    """Yields what orders a folder's entries in its tree, and the entries encoded as git does."""
    refused = folder.refused or ()
    for name, record in folder.files.items():
        if name not in refused:
            yield name, _head(record[:4]) + name + b"\0" + record[-20:]
    for name, child in folder.folders.items():
        if child.tree:
            yield name + b"/", b"40000 " + name + b"\0" + child.tree


def _entries_at(folder: Folder, name: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields what `_entries` has of one name."""
    record, child = folder.files.get(name), folder.folders.get(name)
    if record is not None and name not in (folder.refused or ()):
        yield name, _head(record[:4]) + name + b"\0" + record[-20:]
    if child is not None and child.tree:
        yield name + b"/", b"40000 " + name + b"\0" + child.tree


@lru_cache(maxsize=256)
def _head(mode: bytes) -> bytes:
    return b"%o " % git_mode(int.from_bytes(mode, "little"))


def _depth(folder: Folder) -> int:
    return folder.path.count(b"/") + 1 if folder.path else 0
