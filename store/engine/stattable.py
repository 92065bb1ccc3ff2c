"""What the last scan saw, so that the next one looks only at what moved.

Folders stand in walk order (a folder, then all that lies in it), files grouped by folder, each
attribute in a column of its own. So everything below a folder is one slice of every column, and an
unchanged subtree is carried over by slicing.

A time stamp that a later write could still repeat is stored as UNSURE, which equals no real one.
"""

from __future__ import annotations

import hashlib
import marshal
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stepwell.store.engine.coverage import RuleTexts
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Covered, Reason, Snapshot

UNSURE = -1

_MAGIC = b"stepwell-stats 1 " + sys.byteorder.encode("ascii") + b"\n"
_DIGEST = hashlib.sha256().digest_size
_OID = 20
_BIGGEST = (1 << 63) - 1
_NO_TREE = b""
_ABSENT = bytes(_OID)

Mark = tuple[int, int, int, int]
"""Size, mtime, ctime and inode of a rule file."""

_T = TypeVar("_T")


@dataclass(slots=True)
class Folders:
    """Columns of folders."""

    paths: list[bytes] = field(default_factory=list)
    mtime: array[int] = field(default_factory=lambda: array("q"))
    ctime: array[int] = field(default_factory=lambda: array("q"))
    inode: array[int] = field(default_factory=lambda: array("Q"))
    mode: array[int] = field(default_factory=lambda: array("I"))
    first: array[int] = field(default_factory=lambda: array("I"))
    """Index of the folder's first own file."""
    end: array[int] = field(default_factory=lambda: array("I"))
    """Index of the first folder behind the subtree."""
    tree: list[bytes] = field(default_factory=list)
    """Tree id; empty when git's tree of the folder would be empty."""


@dataclass(slots=True)
class Files:
    """Columns of files and links."""

    paths: list[bytes] = field(default_factory=list)
    mtime: array[int] = field(default_factory=lambda: array("q"))
    ctime: array[int] = field(default_factory=lambda: array("q"))
    size: array[int] = field(default_factory=lambda: array("q"))
    inode: array[int] = field(default_factory=lambda: array("Q"))
    mode: array[int] = field(default_factory=lambda: array("I"))
    oids: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class StatTable:
    """One scan's result; a value once the scan is over."""

    root: tuple[int, int] = (0, 0)
    """Device and inode of the workspace folder."""
    policy: bytes = b""
    """Digest of the settings that decide what is captured."""
    wanted: bytes = b""
    """Mark of the paths that are stored although ignored."""
    snapshot: Snapshot = field(default_factory=lambda: Snapshot(Oid(b""), Oid(b"")))
    user_rules: bytes | None = None
    exclude_rules: bytes | None = None
    folders: Folders = field(default_factory=Folders)
    files: Files = field(default_factory=Files)
    odd: dict[int, list[tuple[bytes, Reason]]] = field(default_factory=dict)
    """Folder -> names in it that are not stored, or not surely, and why."""
    forced: dict[int, list[bytes]] = field(default_factory=dict)
    """Folder -> names in it that are stored although ignored."""
    refused: dict[int, list[bytes]] = field(default_factory=dict)
    """Folder -> its files that git refuses, or that lie below a name that it refuses."""
    rules: dict[int, dict[bytes, tuple[Mark, bytes]]] = field(default_factory=dict)
    """Folder -> its rule files by name: their mark and text."""
    shared: set[bytes] = field(default_factory=set)
    """Paths of files whose inode has other names, as this scan found them; not saved."""

    def own_files(self, folder: int) -> range:
        """Returns the indices of the files directly in a folder."""
        return range(self.folders.first[folder], self.first_file(folder + 1))

    def first_file(self, folder: int) -> int:
        """Returns the index of the folder's first file; `folder` may be one past the last."""
        first = self.folders.first
        return first[folder] if folder < len(first) else len(self.files.paths)

    def children(self, folder: int) -> Iterator[int]:
        """Yields the folders directly in a folder, in name order."""
        child, end = folder + 1, self.folders.end[folder]
        while child < end:
            yield child
            child = self.folders.end[child]

    def add_folder(self, path: bytes, mode: int, times: tuple[int, int], inode: int) -> int:
        """Appends a folder and returns its index; its `end` and `tree` are set when they are known.

        `times` are mtime and ctime in ns.
        """
        f = self.folders
        f.paths.append(path)
        mtime, ctime = storable(times)
        f.mtime.append(mtime)
        f.ctime.append(ctime)
        f.inode.append(inode)
        f.mode.append(mode)
        f.first.append(len(self.files.paths))
        f.end.append(len(f.paths))
        f.tree.append(_NO_TREE)
        return len(f.paths) - 1

    def add_file(
        self, path: bytes, mode: int, times: tuple[int, int], size: int, inode: int, oid: Oid
    ) -> None:
        """Appends a file or link to the folder added last."""
        f = self.files
        f.paths.append(path)
        mtime, ctime = storable(times)
        f.mtime.append(mtime)
        f.ctime.append(ctime)
        f.size.append(size)
        f.inode.append(inode)
        f.mode.append(mode)
        f.oids.append(oid)

    def copy_files(self, old: StatTable, start: int, end: int) -> None:
        """Appends a run of files of another table."""
        if start == end:
            return
        to, of = self.files, old.files
        to.paths += of.paths[start:end]
        to.mtime += of.mtime[start:end]
        to.ctime += of.ctime[start:end]
        to.size += of.size[start:end]
        to.inode += of.inode[start:end]
        to.mode += of.mode[start:end]
        to.oids += of.oids[start:end]

    def copy_folders(self, old: StatTable, start: int, end: int) -> None:
        """Appends whole subtrees of another table: folders `start` to `end`, with all in them."""
        to, of = self.folders, old.folders
        at = len(to.paths)
        file_shift = len(self.files.paths) - old.first_file(start)
        to.paths += of.paths[start:end]
        to.mtime += of.mtime[start:end]
        to.ctime += of.ctime[start:end]
        to.inode += of.inode[start:end]
        to.mode += of.mode[start:end]
        to.first.extend([n + file_shift for n in of.first[start:end]])
        to.end.extend([n + at - start for n in of.end[start:end]])
        to.tree += of.tree[start:end]
        self.copy_files(old, old.first_file(start), old.first_file(end))
        _carry(old.odd, self.odd, start, end, at)
        _carry(old.forced, self.forced, start, end, at)
        _carry(old.refused, self.refused, start, end, at)
        _carry(old.rules, self.rules, start, end, at)

    def covered(self) -> tuple[Covered, ...]:
        """Returns what is not stored, or not surely, in path order."""
        paths = self.folders.paths
        found = [
            Covered(TrackedPath(paths[folder] + b"/" + name if paths[folder] else name), reason)
            for folder, names in self.odd.items()
            for name, reason in names
        ]
        return tuple(sorted(found))

    def rule_texts(self) -> RuleTexts:
        """Returns the rules in force."""
        texts: dict[TrackedPath, bytes] = {}
        for folder, named in self.rules.items():
            path = self.folders.paths[folder]
            for name, (_, text) in named.items():
                texts[TrackedPath(path + b"/" + name if path else name)] = text
        return RuleTexts(self.user_rules, self.exclude_rules, texts)

    def dumps(self) -> bytes:
        """Returns the bytes to be saved."""
        f, g = self.folders, self.files
        content = marshal.dumps(
            (
                (*self.root, self.policy, self.wanted, *_ids(self.snapshot)),
                (self.user_rules, self.exclude_rules),
                (b"\0".join(f.paths), b"".join(oid or _ABSENT for oid in f.tree)),
                tuple(c.tobytes() for c in (f.mtime, f.ctime, f.inode, f.mode, f.first, f.end)),
                (b"\0".join(g.paths), b"".join(g.oids)),
                tuple(c.tobytes() for c in (g.mtime, g.ctime, g.size, g.inode, g.mode)),
                (self.odd, self.forced, self.refused, self.rules),
            ),
            2,
        )
        return _MAGIC + hashlib.sha256(content).digest() + content

    @classmethod
    def loads(cls, data: bytes) -> StatTable | None:
        """Returns the table of saved bytes; None when they are torn, foreign or of another format.

        A None table only means that the next scan reads everything.
        """
        start = len(_MAGIC) + _DIGEST
        content = data[start:]
        if not data.startswith(_MAGIC):
            return None
        if hashlib.sha256(content).digest() != data[len(_MAGIC) : start]:
            return None
        try:
            return _table(marshal.loads(content))
        except (ValueError, TypeError, EOFError, IndexError):
            return None


def storable(times: tuple[int, int]) -> tuple[int, int]:
    """Returns mtime and ctime (ns) as a column can hold them; UNSURE when it cannot."""
    mtime, ctime = times
    if -_BIGGEST <= mtime <= _BIGGEST and -_BIGGEST <= ctime <= _BIGGEST:
        return times
    return 0, UNSURE


def _carry(theirs: dict[int, _T], ours: dict[int, _T], start: int, end: int, at: int) -> None:
    keys = list(theirs)
    for key in keys[bisect_left(keys, start) : bisect_left(keys, end)]:
        ours[key - start + at] = theirs[key]


def _ids(snapshot: Snapshot) -> tuple[bytes, bytes]:
    return snapshot.tree, snapshot.extras


def _table(parts: Any) -> StatTable | None:
    identity, outer, names, numbers, file_names, file_numbers, sparse = parts
    device, inode, policy, wanted, tree, extras = identity
    mtime, ctime, inodes, mode, first, end = _columns("qqQIII", numbers)
    trees = [b"" if oid == _ABSENT else oid for oid in _cut(names[1])]
    folders = Folders(_split(names[0]), mtime, ctime, inodes, mode, first, end, trees)
    mtime, ctime, size, inodes, mode = _columns("qqqQI", file_numbers)
    paths = _split(file_names[0]) if file_names[1] else []
    files = Files(paths, mtime, ctime, size, inodes, mode, _cut(file_names[1]))
    if not _even(folders.paths, folders.mtime, folders.mode, folders.tree):
        return None
    if not _even(files.paths, files.mtime, files.mode, files.oids):
        return None
    snapshot = Snapshot(Oid(tree), Oid(extras))
    user, exclude = outer
    odd, forced, refused, rules = map(_by_key, sparse)
    return StatTable(
        (device, inode),
        policy,
        wanted,
        snapshot,
        user,
        exclude,
        folders,
        files,
        odd,
        forced,
        refused,
        rules,
    )


def _even(*columns: Any) -> bool:
    return len({len(c) for c in columns}) == 1


def _by_key(sparse: dict[int, Any]) -> dict[int, Any]:
    return dict(sorted(sparse.items()))


def _split(joined: bytes) -> list[bytes]:
    return joined.split(b"\0")


def _cut(joined: bytes) -> list[bytes]:
    return [joined[at : at + _OID] for at in range(0, len(joined), _OID)]


def _columns(codes: str, contents: Iterable[bytes]) -> list[Any]:
    return [array(code, content) for code, content in zip(codes, contents, strict=True)]
