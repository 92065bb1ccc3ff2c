"""Building a new stat table, and the tree objects with it, from an old one and what moved.

Three ways to go on at a folder: nothing below it moved, so its slice is carried over; something
below it moved, so its own names are carried over; or it moved itself, so each of its names is
looked at. Folders are visited without recursion, since a path may hold two thousand of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field

from stepwell.store.engine.coverage import RuleTexts, folder_rules
from stepwell.store.engine.files import (
    OpenFolders,
    PathMovedError,
    is_exhausted,
    is_gone,
    list_folder,
    lstat_at,
    read_small,
)
from stepwell.store.engine.ignore import LARGEST_RULE_FILE, RULE_FILES, Chain, Rules
from stepwell.store.engine.keeping import KeptEntries
from stepwell.store.engine.moved import Changed, mark_of, sure_times
from stepwell.store.engine.objects import FileMovedError, ObjectSink
from stepwell.store.engine.rows import Limits, Node, Rows
from stepwell.store.engine.stattable import UNSURE, Mark, StatTable
from stepwell.store.engine.treebuild import refused_folder
from stepwell.store.engine.userindex import Wanted
from stepwell.store.model.steps import Snapshot

_LONGEST_PATH = 4_000
_TRIES = 5
_REPOSITORIES = frozenset({b".hg", b".jj", b".svn"})

_RuleFiles = Mapping[bytes, tuple[Mark, bytes]]


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
    """The folder whose names are being looked at."""

    visit: _Visit
    node: Node
    chain: Chain
    force: bool
    same_files: dict[bytes, int] = field(default_factory=dict)
    """Name -> old index of files that did not move."""
    same_folders: dict[bytes, int] = field(default_factory=dict)
    """Name -> old index of folders that are known still to be folders."""
    visits: list[_Visit] = field(default_factory=list)

    def path_of(self, name: bytes) -> bytes:
        return self.node.path + b"/" + name if self.node.path else name


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
        self._wanted = wanted
        self._fresh_from = limits.fresh_from
        self._apart = limits.apart
        self._old = old
        self._changed = changed
        self._new = new
        self._open = OpenFolders(root_fd)
        self._kept = KeptEntries(sink, parent)
        self._rows = Rows(new, old, sink, self._kept, wanted, limits)
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
        """Looks at each name of a folder."""
        try:
            node, names = self._row_and_names(visit)
        except OSError as error:
            self._not_listed(visit, error)
            return
        place = self._place(visit, node)
        for name in names:
            self._settle(place, name)
        self._push(node, place.visits)

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
        entry = self._kept.get(visit.path)
        if entry is None or entry.oid is not None:
            return
        mode = self._present_mode(visit, entry.mode)
        node = self._attach(visit, self._new.add_folder(visit.path, mode, (0, UNSURE), 0))
        visits = []
        for child in self._kept.children(visit.path):
            name = child.path.rpartition(b"/")[2]
            if child.oid is None:
                refused = visit.refused or refused_folder(name)
                below = _Visit(child.path, name, node, visit.chain, refused=refused, kept=True)
                visits.append(below)
            else:
                self._rows.keep(node, child, None)
        self._push(node, visits)

    def _present_mode(self, visit: _Visit, otherwise: int) -> int:
        try:
            found = lstat_at(self._open.open(visit.path.rpartition(b"/")[0]), visit.name)
        except OSError:
            return otherwise
        return found.st_mode if found is not None and stat.S_ISDIR(found.st_mode) else otherwise

    def _place(self, visit: _Visit, node: Node) -> _Place:
        old, at = self._old, visit.old
        before: _RuleFiles = old.rules.get(at, {})
        now = {} if visit.within else self._read_rules(visit.path, before)
        if now:
            self._new.rules[node.index] = now
        force = visit.force or _texts(now) != _texts(before)
        place = _Place(visit, node, visit.chain.below(_compiled(visit.path, now)), force)
        if at >= 0:
            start, paths = _name_start(visit.path), old.files.paths
            same = (n for n in old.own_files(at) if n not in self._changed.files)
            place.same_files = {paths[n][start:]: n for n in same}
            still = (c for c in old.children(at) if c not in self._changed.listings)
            place.same_folders = {old.folders.paths[c][start:]: c for c in still}
        return place

    def _read_rules(self, path: bytes, before: _RuleFiles) -> dict[bytes, tuple[Mark, bytes]]:
        found: dict[bytes, tuple[Mark, bytes]] = {}
        for name in RULE_FILES:
            try:
                folder_fd = self._open.open(path)
                look = lstat_at(folder_fd, name)
            except OSError:
                continue
            if look is None or not stat.S_ISREG(look.st_mode):
                continue
            mark = mark_of(look, self._fresh_from)
            if name in before and before[name][0] == mark:
                found[name] = before[name]
                continue
            text = read_small(folder_fd, name, LARGEST_RULE_FILE)
            if text is not None:
                found[name] = (mark, text)
        return found

    def _settle(self, place: _Place, name: bytes) -> None:
        """Brings one name into the table, or notes why it is not there."""
        for _ in range(_TRIES):
            try:
                self._look(place, name)
                return
            except PathMovedError:
                continue
            except FileMovedError:
                break
            except OSError as error:
                if is_gone(error):
                    return
                if is_exhausted(error):
                    raise
                self._keep(place, name, unreadable=True)
                return
        self._keep(place, name, unreadable=False)

    def _keep(self, place: _Place, name: bytes, *, unreadable: bool) -> None:
        self._rows.odd(place.node, name, "unreadable" if unreadable else "unstable")
        path = place.path_of(name)
        entry = self._kept.get(path)
        if entry is None:
            return
        if entry.oid is None:
            refused = place.visit.refused or refused_folder(name)
            below = _Visit(path, name, place.node, place.chain, refused=refused, kept=True)
            place.visits.append(below)
            return
        try:
            folder_fd = self._open.open(place.node.path)
        except OSError:
            self._rows.keep(place.node, entry, None)
        else:
            self._rows.keep(place.node, entry, folder_fd)

    def _look(self, place: _Place, name: bytes) -> None:
        path = place.path_of(name)
        known = place.same_files.get(name)
        found = None
        if known is None and name not in place.same_folders:
            found = lstat_at(self._open.open(place.node.path), name)
            if found is None:
                return
        is_folder = name in place.same_folders or (
            found is not None and stat.S_ISDIR(found.st_mode)
        )
        if name == b".git" or (is_folder and (name in _REPOSITORIES or path == self._apart)):
            self._rows.odd(place.node, name, "repository")
        elif len(path) > _LONGEST_PATH:
            self._rows.odd(place.node, name, "too_long")
        elif not self._let_in(place, path, name, is_folder):
            self._rows.odd(place.node, name, "ignored")
        elif is_folder:
            place.visits.append(self._below(place, path, name))
        elif known is not None:
            self._rows.carry_over(place.node, name, known)
        elif found is not None:
            self._rows.store(place.node, self._open.open(place.node.path), name, found)

    def _let_in(self, place: _Place, path: bytes, name: bytes, is_folder: bool) -> bool:
        if not place.visit.within and not place.chain.ignores(path, name, is_folder):
            return True
        if not self._wanted.covers(path, is_folder):
            return False
        forced = self._new.forced.setdefault(place.node.index, [])
        if name not in forced:
            forced.append(name)
        return True

    def _below(self, place: _Place, path: bytes, name: bytes) -> _Visit:
        forced = name in self._new.forced.get(place.node.index, ())
        was_forced = name in self._old.forced.get(place.visit.old, ())
        return _Visit(
            path,
            name,
            place.node,
            place.chain,
            self._known.get(path, -1),
            place.visit.within or forced,
            place.visit.refused or refused_folder(name),
            place.force or forced != was_forced,
        )


def _name_start(folder: bytes) -> int:
    return len(folder) + 1 if folder else 0


def _texts(files: _RuleFiles) -> dict[bytes, bytes]:
    return {name: text for name, (_, text) in files.items()}


def _compiled(folder: bytes, files: _RuleFiles) -> Rules | None:
    return folder_rules(folder, _texts(files))
