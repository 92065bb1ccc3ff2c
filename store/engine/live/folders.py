"""Folders in memory: what is remembered of a workspace, one object a folder, one record a file.

A record is packed: a hundred thousand of them as tuples would take four times the memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from stepwell.store.engine.coverage import folder_rules
from stepwell.store.engine.ignore import Rules
from stepwell.store.engine.looker import FileRow, RuleFiles
from stepwell.store.engine.stattable import UNSURE, storable
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Reason

_FILE = struct.Struct("<IqqqQ?20s")
_FOLDER = struct.Struct("<IqqQ")
_UNSURE_CTIME = struct.pack("<q", UNSURE)

NO_WATCH = -1
NO_TREE = b""


pack_record = _FILE.pack
"""Makes a record of mode, mtime, ctime (both storable), size, inode, shared, oid."""


def pack_file(row: FileRow) -> bytes:
    """Returns the record of a file or link."""
    mode, times, size, inode, oid, shared = row
    return _FILE.pack(mode, *storable(times), size, inode, shared, oid)


def unpack_file(record: bytes) -> FileRow:
    """Returns what a record holds."""
    mode, mtime, ctime, size, inode, shared, oid = _FILE.unpack(record)
    return FileRow(mode, (mtime, ctime), size, inode, Oid(oid), shared)


def mode_and_oid(record: bytes) -> tuple[int, Oid]:
    """Returns the part of a record that a snapshot is made of."""
    return int.from_bytes(record[:4], "little"), Oid(record[-20:])


def says_the_same(a: bytes | None, b: bytes | None) -> bool:
    """Tells whether that part of two records, or of none, is the same."""
    if a is None or b is None:
        return a is b
    return a[:4] == b[:4] and a[-20:] == b[-20:]


def is_unsure(record: bytes) -> bool:
    """Tells whether a file's stat does not tell whether it changed."""
    return unpack_file(record).times[1] == UNSURE


def inode_of(record: bytes) -> int:
    """Returns the inode of a file."""
    return int.from_bytes(record[28:36], "little")


class Folder:
    """One folder; alive as long as it is reached from the root."""

    __slots__ = (
        "alive",
        "compiled",
        "files",
        "folders",
        "forced",
        "kept",
        "name",
        "odd",
        "parent",
        "path",
        "refused",
        "rules",
        "shut",
        "stat",
        "tree",
        "wd",
        "within",
    )

    def __init__(
        self,
        path: bytes,
        name: bytes,
        parent: Folder | None,
        *,
        within: bool = False,
        shut: bool = False,
        kept: bool = False,
    ) -> None:
        self.path = path
        self.name = name
        self.parent = parent
        self.within = within
        """Ignored, and looked at only for the wanted paths below it."""
        self.shut = shut
        """Nothing in it can stand in a git tree."""
        self.kept = kept
        """It cannot be read: the parent snapshot's entries stand in."""
        self.alive = True
        self.wd = NO_WATCH
        self.stat = b""
        self.tree = NO_TREE
        """Tree id; empty when git's tree of the folder would be empty."""
        self.files: dict[bytes, bytes] = {}
        """Name -> record."""
        self.folders: dict[bytes, Folder] = {}
        self.odd: dict[bytes, Reason] | None = None
        """Names that are not stored, or not surely."""
        self.forced: set[bytes] | None = None
        """Names that are stored although ignored."""
        self.refused: set[bytes] | None = None
        """Files that cannot stand in a git tree."""
        self.rules: RuleFiles | None = None
        self.compiled: Rules | None = None
        """The same rules, compiled."""

    def path_of(self, name: bytes) -> bytes:
        """Returns the workspace path of a name in the folder."""
        return self.path + b"/" + name if self.path else name

    def knows(self, name: bytes) -> bool:
        """Tells whether anything is remembered of a name."""
        return (
            name in self.files
            or name in self.folders
            or bool(self.odd and name in self.odd)
            or bool(self.forced and name in self.forced)
        )

    @property
    def mode(self) -> int:
        """Full st_mode."""
        return int.from_bytes(self.stat[:4], "little")

    def set_stat(self, mode: int, times: tuple[int, int], inode: int) -> None:
        """Remembers the folder's own mode, mtime and ctime (ns), and inode."""
        self.stat = _FOLDER.pack(mode, *storable(times), inode)

    def get_stat(self) -> tuple[int, tuple[int, int], int]:
        """Returns what `set_stat` was given."""
        mode, mtime, ctime, inode = _FOLDER.unpack(self.stat)
        return mode, (mtime, ctime), inode

    def doubt_listing(self) -> None:
        """Remembers that a later scan must not believe that it knows all names of the folder."""
        self.stat = self.stat[:12] + _UNSURE_CTIME + self.stat[20:]

    def set_rules(self, rules: RuleFiles) -> None:
        """Puts rule files in force."""
        self.rules = rules or None
        texts = {name: text for name, (_, text) in rules.items()}
        self.compiled = folder_rules(self.path, texts)

    def below(self) -> Iterator[Folder]:
        """Yields the folder and all below it: a folder, then all that lies in it, by name."""
        stack = [self]
        while stack:
            folder = stack.pop()
            yield folder
            stack.extend(folder.folders[name] for name in sorted(folder.folders, reverse=True))


def is_within(above: Folder, name: bytes) -> bool:
    """Tells whether a folder of that name is ignored, and visited only for wanted paths below it."""
    return above.within or bool(above.forced and name in above.forced)
