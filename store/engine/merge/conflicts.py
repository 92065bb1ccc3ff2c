"""From git's stages and notes to conflicts as values, and settling them in favour of one side."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from stepwell.store.engine.diff import is_binary
from stepwell.store.engine.merge.trees import Staged, TreeMerge
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_LINK,
    MODE_TREE,
    TREE,
    LayeredObjects,
    ObjectReader,
    TreeEntry,
    decode_tree,
    encode_tree,
)
from stepwell.store.engine.threeway import Clash, merge_texts
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import Conflict, ConflictKind, PathState

Side = Literal["ours", "theirs"]

_STAGES: Mapping[Side, int] = {"ours": 2, "theirs": 3}

_KINDS: tuple[tuple[str, ConflictKind], ...] = (
    ("file/directory", "file/directory"),
    ("rename/rename", "rename/rename"),
    ("rename involved in collision", "rename/rename"),
    ("directory rename", "location"),
    ("modify/delete", "modify/delete"),
    ("rename/delete", "modify/delete"),
    ("distinct modes", "mode"),
)
"""What git's word holds -> kind; the first that fits."""

Edits = Mapping[TrackedPath, Staged | None]
"""What a tree is to have at some paths; None: nothing."""


def conflicts_of(reader: ObjectReader, merge: TreeMerge) -> list[Conflict]:
    """Returns a conflict for each path that git could not settle, in path order."""
    return [
        Conflict(
            path,
            _kind(reader, merge, path),
            *(_state(sides.get(stage)) for stage in (1, 2, 3)),
        )
        for path, sides in sorted(merge.stages.items())
    ]


def _state(side: Staged | None) -> PathState | None:
    if side is None:
        return None
    mode = stat.S_IFLNK | 0o777 if side.mode == MODE_LINK else side.mode
    return PathState(mode, side.oid)


def _kind(reader: ObjectReader, merge: TreeMerge, path: TrackedPath) -> ConflictKind:
    said = [note.kind for note in merge.notes if path in note.paths and "CONFLICT" in note.kind]
    for word, kind in _KINDS:
        if any(word in one for one in said):
            return kind
    sides = merge.stages[path]
    ours, theirs = sides.get(2), sides.get(3)
    if ours is None or theirs is None:
        return "modify/delete"
    if ours.oid == theirs.oid:
        return "mode"
    if any(is_binary(reader.read(side.oid)[1]) for side in sides.values()):
        return "binary"
    return "content" if 1 in sides else "add/add"


@dataclass(frozen=True, slots=True)
class Preferring:
    """Settles conflicts in favour of a side: the clashing lines of texts, else the whole path."""

    reader: LayeredObjects
    merge: TreeMerge
    side: Side
    own_tree: Oid
    """The tree of the preferred side."""
    known: Callable[[TrackedPath], bool]
    """Tells whether a path is in any of the sides, and not a name that git made up."""

    def tree(self) -> tuple[Oid, list[bytes]]:
        """Returns the settled tree and the contents that are new in it."""
        contents: list[bytes] = []
        edits: dict[TrackedPath, Staged | None] = {}
        for conflict in conflicts_of(self.reader, self.merge):
            if conflict.kind in ("content", "add/add", "binary"):
                edits[conflict.path] = self._text(conflict.path, contents)
            elif conflict.kind != "location":
                edits.update(self._whole(conflict.path))
        return edited_tree(self.reader, self.merge.tree, edits), contents

    def _text(self, path: TrackedPath, contents: list[bytes]) -> Staged | None:
        sides = self.merge.stages[path]
        own = sides.get(_STAGES[self.side])
        if own is None or any(side.mode == MODE_LINK for side in sides.values()):
            return own
        texts = [self.reader.read(sides[n].oid)[1] if n in sides else b"" for n in (1, 2, 3)]
        try:
            content = merge_texts(texts[0], texts[1], texts[2], favour=self.side)
        except Clash:
            return own
        contents.append(content)
        return Staged(own.mode, self.reader.add(BLOB, content))

    def _whole(self, path: TrackedPath) -> Iterator[tuple[TrackedPath, Staged | None]]:
        """Yields what the preferred side has at a path and at all that its conflict concerns."""
        concerned = {path}
        for note in self.merge.notes:
            if path in note.paths and "CONFLICT" in note.kind:
                concerned.update(note.paths)
        for one in sorted(concerned):
            staged = self.merge.stages.get(one, {}).get(_STAGES[self.side])
            if not self.known(one):
                yield one, None
            elif staged is not None:
                yield one, staged
            else:
                yield from self._as_own(one)

    def _as_own(self, path: TrackedPath) -> Iterator[tuple[TrackedPath, Staged | None]]:
        own = _at(self.reader, self.own_tree, path)
        if own is None and path in self.merge.stages:
            yield path, None
        if own is not None and own.mode != MODE_TREE:
            yield path, Staged(own.mode, own.oid)


def _at(reader: ObjectReader, tree: Oid, path: TrackedPath) -> TreeEntry | None:
    entry = TreeEntry(b"", MODE_TREE, tree)
    for name in path.split(b"/"):
        if entry.mode != MODE_TREE or entry.oid == EMPTY_TREE:
            return None
        inside = decode_tree(reader.read(entry.oid)[1])
        found = next((one for one in inside if one.name == name), None)
        if found is None:
            return None
        entry = found
    return entry


def edited_tree(reader: LayeredObjects, tree: Oid, edits: Edits) -> Oid:
    """Returns the tree with other files at some paths; a folder gives way to a file, and goes with its last one."""
    inside = [] if tree == EMPTY_TREE else decode_tree(reader.read(tree)[1])
    entries = {entry.name: entry for entry in inside}
    below: dict[bytes, dict[TrackedPath, Staged | None]] = {}
    for path, wanted in edits.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(name, {})[TrackedPath(rest)] = wanted
        elif wanted is None:
            entries.pop(name, None)
        else:
            entries[name] = TreeEntry(name, wanted.mode, wanted.oid)
    for name, further in below.items():
        was = entries.get(name)
        if was is not None and was.mode != MODE_TREE and not any(further.values()):
            continue
        old = was.oid if was is not None and was.mode == MODE_TREE else EMPTY_TREE
        new = edited_tree(reader, old, further)
        entries.pop(name, None)
        if new != EMPTY_TREE:
            entries[name] = TreeEntry(name, MODE_TREE, new)
    return reader.add(TREE, encode_tree(entries.values()))
