"""Git objects as values: ids, trees, and the names that git refuses; the seams to read and add them.

Encoding follows git's object format (gitformat-pack and the fsck message table); what
`git fsck --strict` would reject in a tree is kept in Extras instead (engine/extras.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from stepwell.store.model.errors import ObjectDamagedError, ObjectMissingError
from stepwell.store.model.ids import Oid, object_id

BLOB = "blob"
TREE = "tree"

MODE_FILE = 0o100644
MODE_EXEC = 0o100755
MODE_LINK = 0o120000
MODE_TREE = 0o040000

EMPTY_TREE = object_id(TREE, b"")
EMPTY_BLOB = object_id(BLOB, b"")

_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DOT_GIT = re.compile(r"(\.git|git~1)[. ]*(:.*)?$", re.IGNORECASE | re.DOTALL)
_GITMODULES = re.compile(r"(\.gitmodules|gitmod~\d|gi7eba~\d)[. ]*(:.*)?$", re.I | re.S)
_GITATTRIBUTES = re.compile(r"(\.gitattributes|gitatt~\d|gi7d29~\d)[. ]*(:.*)?$", re.I | re.S)
_RAW_ENTRY = re.compile(rb"[^\0]*\0.{20}", re.DOTALL)
_ATTRIBUTES_LINE = 2048
_ATTRIBUTES_SIZE = 100 << 20


class FileMovedError(Exception):
    """A file did not hold the promised bytes while it was streamed; the caller reads it again."""


class TreeEntry(NamedTuple):
    """One name in a tree; `mode` is one of the MODE_ constants."""

    name: bytes
    mode: int
    oid: Oid


class ObjectReader(Protocol):
    """Where objects are read."""

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind and bytes, checked against the id.

        Raises:
            ObjectMissingError: the store does not hold it.
            ObjectDamagedError: what it holds does not hash to the id.
        """

    def has(self, oid: Oid) -> bool:
        """Tells whether the store knows the object; its bytes are not checked."""


class ObjectSink(ObjectReader, Protocol):
    """Where objects are added; what is already known is not added again."""

    def add(self, kind: str, data: bytes) -> Oid:
        """Adds an object and returns its id."""

    def add_file(self, fd: int, size: int) -> Oid:
        """Adds the first `size` bytes of an open file as a blob, in bounded memory.

        Raises:
            FileMovedError: the file holds another number of bytes, or changed meanwhile.
        """


class MemoryObjects:
    """An ObjectSink in memory: for plans, comparisons and tests."""

    def __init__(self) -> None:
        self._objects: dict[Oid, tuple[str, bytes]] = {}

    def read(self, oid: Oid) -> tuple[str, bytes]:
        try:
            return self._objects[oid]
        except KeyError:
            raise missing(oid) from None

    def has(self, oid: Oid) -> bool:
        return oid in self._objects

    def add(self, kind: str, data: bytes) -> Oid:
        oid = object_id(kind, data)
        self._objects[oid] = (kind, data)
        return oid

    def add_file(self, fd: int, size: int) -> Oid:
        data = b"".join(iter(lambda: os.read(fd, 1 << 20), b""))
        if len(data) != size:
            raise FileMovedError
        return self.add(BLOB, data)


class LayeredObjects:
    """Adds to memory, reads from memory first and then from another reader.

    With it a comparison with the disk can be computed without writing the store.
    """

    def __init__(self, below: ObjectReader) -> None:
        self._above = MemoryObjects()
        self._below = below

    def read(self, oid: Oid) -> tuple[str, bytes]:
        return self._above.read(oid) if self._above.has(oid) else self._below.read(oid)

    def has(self, oid: Oid) -> bool:
        return self._above.has(oid) or self._below.has(oid)

    def add(self, kind: str, data: bytes) -> Oid:
        oid = object_id(kind, data)
        return oid if self._below.has(oid) else self._above.add(kind, data)

    def add_file(self, fd: int, size: int) -> Oid:
        return self._above.add_file(fd, size)


class RememberingObjects:
    """Reads from another reader and remembers trees, for work that comes by them several times."""

    def __init__(self, below: ObjectReader) -> None:
        self._below = below
        self._trees: dict[Oid, tuple[str, bytes]] = {}

    def read(self, oid: Oid) -> tuple[str, bytes]:
        found = self._trees.get(oid)
        if found is None:
            found = self._below.read(oid)
            if found[0] == TREE:
                self._trees[oid] = found
        return found

    def has(self, oid: Oid) -> bool:
        return oid in self._trees or self._below.has(oid)


def missing(oid: Oid) -> ObjectMissingError:
    """Returns the error for an object that a store does not hold."""
    return ObjectMissingError(
        f"object {oid.hex()} is not in the store",
        hint="run `stepwell verify --full` to see which steps are affected",
        object=oid.hex(),
    )


def damaged_object(oid: Oid) -> ObjectDamagedError:
    """Returns the error for an object of which no copy is intact."""
    return ObjectDamagedError(
        f"object {oid.hex()} is damaged: its bytes do not match its id",
        hint="run `stepwell verify --full` to see which steps are affected",
        object=oid.hex(),
    )


def encode_tree(entries: Iterable[TreeEntry]) -> bytes:
    """Returns the bytes of a tree, its entries in git's order."""
    ordered = sorted(entries, key=_tree_order)
    return b"".join(b"%o %s\0%s" % (mode, name, oid) for name, mode, oid in ordered)


def _tree_order(entry: TreeEntry) -> bytes:
    return entry.name + b"/" if entry.mode == MODE_TREE else entry.name


def raw_entries(data: bytes) -> set[bytes]:
    """Returns the entries of a tree as they lie there: a tenth of the cost of decoding them."""
    found = _RAW_ENTRY.findall(data)
    if sum(map(len, found)) != len(data):
        raise ValueError("a tree does not end with an entry")
    return set(found)


def entry_named(data: bytes, name: bytes) -> TreeEntry | None:
    """Returns one entry of a tree, without decoding the others; None when there is none."""
    at, end, wanted = 0, len(data), b" " + name + b"\0"
    if wanted not in data:
        return None
    while at < end:
        nul = data.index(b"\0", at)
        space = data.index(b" ", at)
        if data[space : nul + 1] == wanted:
            return TreeEntry(name, int(data[at:space], 8), Oid(data[nul + 1 : nul + 21]))
        at = nul + 21
    return None


def decode_tree(data: bytes) -> list[TreeEntry]:
    """Returns the entries of a tree in git's order."""
    entries = []
    at = 0
    end = len(data)
    while at < end:
        space = data.index(b" ", at)
        nul = data.index(b"\0", space)
        entries.append(
            TreeEntry(data[space + 1 : nul], int(data[at:space], 8), Oid(data[nul + 1 : nul + 21]))
        )
        at = nul + 21
    return entries


def git_refuses(name: bytes) -> bool:
    """Tells whether git refuses the name in a tree: `.git` as some file system would read it."""
    if b"git" not in name.lower() and not _may_hide(name):
        return False
    text = _plain(name)
    return any(_DOT_GIT.match(part) for part in text.split("\\"))


def refuses_entry(name: bytes, mode: int, content: bytes | None) -> bool:
    """Tells whether `git fsck --strict` would object to a file or link of that name in a tree.

    `.gitmodules` and its disguises are always refused, because fsck judges their content as
    configuration. `.gitattributes` is refused when a line or the file is over git's limits;
    `content` None means that it is too large to look at.
    """
    if git_refuses(name):
        return True
    if b"git" not in name.lower() and b"gi7" not in name.lower() and not _may_hide(name):
        return False
    text = _plain(name)
    if _GITMODULES.match(text):
        return True
    if mode == MODE_LINK or not _GITATTRIBUTES.match(text):
        return False
    if content is None or len(content) > _ATTRIBUTES_SIZE:
        return True
    return any(len(line) >= _ATTRIBUTES_LINE for line in content.split(b"\n"))


def _may_hide(name: bytes) -> bool:
    return b"\xe2\x80" in name or b"\xe2\x81" in name or b"\xef\xbb\xbf" in name


def _plain(name: bytes) -> str:
    return _IGNORABLE.sub("", name.decode("utf-8", "surrogateescape"))
