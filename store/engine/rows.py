"""Writing what a walk meets into the new stat table, with its trees."""

from __future__ import annotations

from dataclasses import dataclass, field

from stepwell.store.engine.looker import FileRow
from stepwell.store.engine.objects import MODE_TREE, TREE, ObjectSink, TreeEntry, encode_tree
from stepwell.store.engine.stattable import StatTable
from stepwell.store.engine.treebuild import git_mode, refused_file
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Reason


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

    def __init__(self, new: StatTable, old: StatTable, sink: ObjectSink) -> None:
        self._new = new
        self._old = old
        self._sink = sink

    def odd(self, node: Node, name: bytes, reason: Reason) -> None:
        """Notes that a name is not stored, or not surely."""
        self._new.odd.setdefault(node.index, []).append((name, reason))

    def force(self, node: Node, name: bytes) -> None:
        """Notes that a name is stored although it is ignored."""
        forced = self._new.forced.setdefault(node.index, [])
        if name not in forced:
            forced.append(name)

    def add(self, node: Node, name: bytes, row: FileRow) -> None:
        """Writes the row of a file or link that was stored."""
        path = node.path + b"/" + name if node.path else name
        self._new.add_file(path, row.mode, row.times, row.size, row.inode, row.oid)
        if row.shared:
            self._new.shared.add(path)
        self._enter(node, name, row.mode, row.oid, row.size)

    def carry_over(self, node: Node, name: bytes, known: int) -> None:
        """Takes one unchanged file from the old table."""
        files = self._old.files
        self._new.copy_files(self._old, known, known + 1)
        self._enter(node, name, files.mode[known], Oid(files.oids[known]), files.size[known])

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
