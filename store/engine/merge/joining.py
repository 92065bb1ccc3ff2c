"""Merging git trees where nothing has to be decided: each name was changed by one side alone.

git would give the same tree, but for that a process has to be started. Whatever may be more than
it looks (a name that both sides changed, a file that one deleted and the other may have renamed) is
left to git.
"""

from __future__ import annotations

from stepwell.store.engine.objects import (
    EMPTY_TREE,
    MODE_TREE,
    TREE,
    LayeredObjects,
    TreeEntry,
    decode_tree,
    encode_tree,
)
from stepwell.store.model.ids import Oid

_Slot = TreeEntry | None


def join_trees(reader: LayeredObjects, base: Oid, ours: Oid, theirs: Oid) -> Oid | None:
    """Returns the merged tree, which is added to the reader; None: it takes git to merge these.

    A file that one side renamed is deleted at its old name. Only when the other side changed that
    name, or deleted or filled the folder around it, does the renaming matter; then both sides
    changed one name, and the answer is None.
    """
    if theirs == base:
        return ours
    if ours == base:
        return theirs
    sides = [_children(reader, tree) for tree in (base, ours, theirs)]
    merged: list[TreeEntry] = []
    for name in sorted(set().union(*sides)):
        slots = (sides[0].get(name), sides[1].get(name), sides[2].get(name))
        known, slot = _joined(reader, *slots)
        if not known:
            return None
        if slot is not None:
            merged.append(slot)
    return reader.add(TREE, encode_tree(merged))


def _joined(reader: LayeredObjects, base: _Slot, ours: _Slot, theirs: _Slot) -> tuple[bool, _Slot]:
    """Returns whether a name's entry is known without git, and which it is."""
    if theirs == base:
        return True, ours
    if ours == base:
        return True, theirs
    if base is None or ours is None or theirs is None:
        return False, None
    if not (base.mode == ours.mode == theirs.mode == MODE_TREE):
        return False, None
    tree = join_trees(reader, base.oid, ours.oid, theirs.oid)
    if tree is None:
        return False, None
    return True, None if tree == EMPTY_TREE else base._replace(oid=tree)


def _children(reader: LayeredObjects, tree: Oid) -> dict[bytes, TreeEntry]:
    if tree == EMPTY_TREE:
        return {}
    return {entry.name: entry for entry in decode_tree(reader.read(tree)[1])}
