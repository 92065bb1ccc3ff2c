"""Checking the trees of a bundle: each object once, the folders that they stand for as a whole.

Equal folders are one object, so a few small trees can stand for more files than any disk holds.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from stepwell.store.engine.bundles.format import malformed
from stepwell.store.engine.bundles.said import is_name
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    MODE_TREE,
    TREE,
    ObjectReader,
    TreeEntry,
    decode_tree,
    encode_tree,
    refuses_entry,
)
from stepwell.store.model.ids import Oid

MODES = frozenset({MODE_FILE, MODE_EXEC, MODE_LINK, MODE_TREE})
"""What a tree may hold; a submodule is none of it."""
_DEEPEST = 300
_MOST_FILES = 5_000_000


class Carried(ObjectReader, Protocol):
    """An ObjectReader over objects from elsewhere, which tells what it does not have."""

    def kind(self, oid: Oid) -> str | None:
        """Returns the kind of an object once its bytes were hashed; None when it is not here.

        Raises:
            IntegrityError: it is beyond the limits of what is taken.
        """


class _Size(NamedTuple):
    """What a folder stands for."""

    entries: int
    """Files and folders, at whatever depth."""
    height: int
    """Of the folders in each other."""


class TreeChecker:
    """Checks trees and remembers them: the folders of steps are mostly the same."""

    def __init__(self, objects: Carried) -> None:
        self._objects = objects
        self._sizes: dict[Oid, _Size] = {EMPTY_TREE: _Size(0, 1)}

    def check(self, root: Oid) -> None:
        """Raises IntegrityError unless a tree and all below it can be put on a disk."""
        opened: dict[Oid, list[TreeEntry]] = {}
        waiting = [root]
        while waiting:
            oid = waiting[-1]
            if oid in self._sizes:
                waiting.pop()
            elif oid in opened:
                self._sizes[oid] = self._size(opened.pop(oid))
            else:
                opened[oid] = self._entries(oid)
                waiting += [entry.oid for entry in opened[oid] if entry.mode == MODE_TREE]

    def blob(self, oid: Oid) -> None:
        """Raises IntegrityError unless there is such a blob."""
        if self._objects.kind(oid) != BLOB:
            raise malformed(f"blob {oid.hex()} is missing")

    def _size(self, entries: list[TreeEntry]) -> _Size:
        below = [self._sizes[entry.oid] for entry in entries if entry.mode == MODE_TREE]
        count = len(entries) + sum(size.entries for size in below)
        height = 1 + max((size.height for size in below), default=0)
        if height > _DEEPEST:
            raise malformed("its folders lie too deep")
        if count > _MOST_FILES:
            raise malformed(f"a step in it has more than {_MOST_FILES:,} files")
        return _Size(count, height)

    def _entries(self, oid: Oid) -> list[TreeEntry]:
        if self._objects.kind(oid) != TREE:
            raise malformed(f"tree {oid.hex()} is missing")
        entries = _decoded(self._objects.read(oid)[1])
        for entry in entries:
            self._entry(entry)
            if entry.mode != MODE_TREE:
                self.blob(entry.oid)
        return entries

    def _entry(self, entry: TreeEntry) -> None:
        if not is_name(entry.name) or entry.mode not in MODES:
            raise malformed("a name or mode in it cannot stand in a tree")
        content = b"" if entry.mode == MODE_TREE else None
        if refuses_entry(entry.name, entry.mode, content):
            whole = self._objects.read(entry.oid)[1] if entry.mode == MODE_FILE else None
            if refuses_entry(entry.name, entry.mode, whole):
                raise malformed("a name in it could reach a repository's own files")


def _decoded(data: bytes) -> list[TreeEntry]:
    try:
        entries = decode_tree(data)
    except (ValueError, IndexError) as error:
        raise malformed("a tree in it cannot be read") from error
    names = [entry.name for entry in entries]
    # In git's order, nothing twice, no padded modes: then encoding it again gives the same bytes.
    if len(set(names)) != len(names) or encode_tree(entries) != data:
        raise malformed("a tree in it is malformed")
    return entries
