"""Building a new stat table, and the tree objects with it, from an old one and what moved.

Three ways to go on at a folder: nothing below it moved, so its slice is carried over; something
below it moved, so its own names are carried over; or it moved itself, so each of its names is
looked at. Folders are visited without recursion, since a path may hold two thousand of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from stepwell.store.engine.coverage import RuleTexts, folder_rules
from stepwell.store.engine.files import OpenFolders, is_exhausted, is_gone, list_folder
from stepwell.store.engine.ignore import Chain, Rules
from stepwell.store.engine.keeping import KeptEntries
from stepwell.store.engine.looker import FileRow, Limits, Looker, RuleFiles
from stepwell.store.engine.moved import Changed, sure_times
from stepwell.store.engine.objects import ObjectSink
from stepwell.store.engine.rows import Node, Rows
from stepwell.store.engine.stattable import UNSURE, StatTable
from stepwell.store.engine.treebuild import refused_folder
from stepwell.store.engine.userindex import Wanted
from stepwell.store.model.steps import Reason, Snapshot


@dataclass(slots=True)
class _Visit:
    """A folder that is still to be looked at."""

    path: bytes
    name: bytes
    above: Node | None
    chain: Chain
    old: int = -1
    """Its index in the old table, -1 when that does not know it."""
    within: bool = False
    """It is ignored and visited only for the wanted paths below it."""
    refused: bool = False
    """Its name, or one above it, cannot stand in a git tree."""
    force: bool = False
    """The rules above it changed, so every verdict in it is made anew."""
    kept: bool = False
    """It cannot be read: the parent snapshot's entries stand in."""


@dataclass(slots=True)
class _Place:
    """The folder whose names are being looked at; a `looker.Place` over the tables."""

    of: _Visit
    node: Node
    chain: Chain
    rows: Rows
    same_files: dict[bytes, int] = field(default_factory=dict)
    """Name -> old index of files that did not move."""
    same_folders: dict[bytes, int] = field(default_factory=dict)
    """Name -> old index of folders that are known still to be folders."""
    asked: list[tuple[bytes, bool]] = field(default_factory=list)
    """Names of the folders to be looked at later, and whether the parent stands in for them."""

    @property
    def path(self) -> bytes:
        return self.node.path

    @property
    def within(self) -> bool:
        return self.of.within

    def has_same_file(self, name: bytes) -> bool:
        return name in self.same_files

    def has_same_folder(self, name: bytes) -> bool:
        return name in self.same_folders

    def carry_over(self, name: bytes) -> None:
        self.rows.carry_over(self.node, name, self.same_files[name])

    def add(self, name: bytes, row: FileRow) -> None:
        self.rows.add(self.node, name, row)

    def odd(self, name: bytes, reason: Reason) -> None:
        self.rows.odd(self.node, name, reason)

    def force(self, name: bytes) -> None:
        self.rows.force(self.node, name)

    def visit(self, name: bytes, *, kept: bool = False) -> None:
        self.asked.append((name, kept))


class Walk:
    """One pass over the workspace that fills `new`; used once."""

    def __init__(
        self,
        root_fd: int,
        sink: ObjectSink,
        parent: Snapshot | None,
        wanted: Wanted,
        limits: Limits,
        old: StatTable,
        changed: Changed,
        new: StatTable,
    ) -> None:
        self._fresh_from = limits.fresh_from
        self._old = old
        self._changed = changed
        self._new = new
        self._open = OpenFolders(root_fd)
        self._looker = Looker(self._open, sink, KeptEntries(sink, parent), wanted, limits)
        self._rows = Rows(new, old, sink)
        self._dirty = frozenset(changed.folders)
        self._known = {path: at for at, path in enumerate(old.folders.paths)}
        self._stack: list[_Visit | Node] = []

    def run(self) -> None:
        """Fills the new table and adds blobs and trees to the sink.

        Raises:
            OSError: the workspace folder itself cannot be read, or descriptors or memory ran out.
        """
        new, old = self._new, self._old
        outer = RuleTexts(new.user_rules, new.exclude_rules).outer()
        same = (old.user_rules, old.exclude_rules) == (new.user_rules, new.exclude_rules)
        root = self._known.get(b"", -1)
        self._stack.append(_Visit(b"", b"", None, outer, root, force=not same))
        try:
            while self._stack:
                item = self._stack.pop()
                if isinstance(item, Node):
                    self._rows.finish(item)
                else:
                    self._visit(item)
        finally:
            self._open.close()
        new.odd = dict(sorted(new.odd.items()))

    def _visit(self, visit: _Visit) -> None:
        at, old = visit.old, self._old
        if visit.kept:
            self._keep_folder(visit)
        elif at < 0 or visit.force or at in self._dirty:
            self._look_through(visit)
        elif self._changed.any_within(at, old.folders.end[at]):
            self._pass_through(visit)
        else:
            self._attach(visit, len(self._new.folders.paths))
            self._new.copy_folders(old, at, old.folders.end[at])

    def _attach(self, visit: _Visit, index: int) -> Node:
        if visit.above is not None:
            visit.above.children.append((visit.name, index))
        return Node(index, visit.path, visit.refused)

    def _push(self, node: Node, visits: list[_Visit]) -> None:
        self._stack.append(node)
        self._stack.extend(reversed(visits))

    def _pass_through(self, visit: _Visit) -> None:
        """Carries a folder's own names over and goes on with its folders."""
        old, at = self._old, visit.old
        node = self._old_row(visit)
        self._rows.carry_own(node, at)
        chain = visit.chain.below(_compiled(visit.path, old.rules.get(at, {})))
        forced = set(old.forced.get(at, ()))
        visits = []
        for child in old.children(at):
            path = old.folders.paths[child]
            name = path.rpartition(b"/")[2]
            refused = visit.refused or refused_folder(name)
            within = visit.within or name in forced
            visits.append(_Visit(path, name, node, chain, child, within, refused))
        self._push(node, visits)

    def _old_row(self, visit: _Visit) -> Node:
        f, at = self._old.folders, visit.old
        times = (f.mtime[at], f.ctime[at])
        return self._attach(visit, self._new.add_folder(visit.path, f.mode[at], times, f.inode[at]))

    def _look_through(self, visit: _Visit) -> None:
        try:
            node, names = self._row_and_names(visit)
        except OSError as error:
            self._not_listed(visit, error)
            return
        place, force = self._place(visit, node)
        for name in names:
            self._looker.settle(place, name)
        self._push(node, [self._below(place, name, kept, force) for name, kept in place.asked])

    def _row_and_names(self, visit: _Visit) -> tuple[Node, list[bytes]]:
        if visit.old >= 0 and visit.old not in self._changed.listings:
            return self._old_row(visit), self._old_names(visit.old)
        folder_fd = self._open.open(visit.path)
        found = os.fstat(folder_fd)
        names = list_folder(folder_fd)
        times = sure_times(found, self._fresh_from)
        index = self._new.add_folder(visit.path, found.st_mode, times, found.st_ino)
        return self._attach(visit, index), names

    def _old_names(self, at: int) -> list[bytes]:
        old = self._old
        start = _name_start(old.folders.paths[at])
        names = {old.files.paths[n][start:] for n in old.own_files(at)}
        names.update(old.folders.paths[child][start:] for child in old.children(at))
        names.update(name for name, _ in old.odd.get(at, ()))
        return sorted(names)

    def _not_listed(self, visit: _Visit, error: OSError) -> None:
        if visit.above is None or is_exhausted(error):
            raise error
        if is_gone(error):
            self._rows.odd(visit.above, visit.name, "unstable")
            return
        self._rows.odd(visit.above, visit.name, "unreadable")
        self._keep_folder(visit)

    def _keep_folder(self, visit: _Visit) -> None:
        mode = self._looker.kept_mode(visit.path)
        if mode is None:
            return
        node = self._attach(visit, self._new.add_folder(visit.path, mode, (0, UNSURE), 0))
        place = _Place(visit, node, visit.chain, self._rows)
        self._looker.keep_below(place)
        self._push(node, [self._below(place, name, kept, False) for name, kept in place.asked])

    def _place(self, visit: _Visit, node: Node) -> tuple[_Place, bool]:
        """Returns the place, and whether its rules changed, so that nothing in it is sure."""
        old, at = self._old, visit.old
        before: RuleFiles = old.rules.get(at, {})
        now = {} if visit.within else self._looker.read_rules(visit.path, before)
        if now:
            self._new.rules[node.index] = now
        chain = visit.chain.below(_compiled(visit.path, now))
        place = _Place(visit, node, chain, self._rows)
        if at >= 0:
            start, paths = _name_start(visit.path), old.files.paths
            same = (n for n in old.own_files(at) if n not in self._changed.files)
            place.same_files = {paths[n][start:]: n for n in same}
            still = (c for c in old.children(at) if c not in self._changed.listings)
            place.same_folders = {old.folders.paths[c][start:]: c for c in still}
        return place, visit.force or _texts(now) != _texts(before)

    def _below(self, place: _Place, name: bytes, kept: bool, force: bool) -> _Visit:
        visit = place.of
        path = place.path + b"/" + name if place.path else name
        refused = visit.refused or refused_folder(name)
        if kept:
            return _Visit(path, name, place.node, place.chain, refused=refused, kept=True)
        forced = name in self._new.forced.get(place.node.index, ())
        was_forced = name in self._old.forced.get(visit.old, ())
        return _Visit(
            path,
            name,
            place.node,
            place.chain,
            self._known.get(path, -1),
            visit.within or forced,
            refused,
            force or forced != was_forced,
        )


def _name_start(folder: bytes) -> int:
    return len(folder) + 1 if folder else 0


def _texts(files: RuleFiles) -> dict[bytes, bytes]:
    return {name: text for name, (_, text) in files.items()}


def _compiled(folder: bytes, files: RuleFiles) -> Rules | None:
    return folder_rules(folder, _texts(files))
