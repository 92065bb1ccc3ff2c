"""Bringing what is known up to date: looking at the names that events, or doubts, speak of.

A folder that is new, came from elsewhere, or lies under changed rules is watched first and listed
then, so that nothing falls between. What was known of the same watch, or of the same place, is
believed file by file as far as its stat agrees.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field

from stepwell.store.engine.files import OpenFolders, is_exhausted, is_gone, list_folder, lstat_at
from stepwell.store.engine.ignore import RULE_FILES, Chain
from stepwell.store.engine.live.folders import NO_WATCH, Folder, is_within, pack_file, unpack_file
from stepwell.store.engine.live.known import Known, Was
from stepwell.store.engine.live.placed import PlacedFiles
from stepwell.store.engine.live.watcher import Watcher
from stepwell.store.engine.looker import FileRow, Limits, Looker, RuleFiles
from stepwell.store.engine.moved import sure_times
from stepwell.store.engine.objects import ObjectSink
from stepwell.store.engine.stattable import UNSURE
from stepwell.store.engine.treebuild import refused_file, refused_folder
from stepwell.store.model.steps import Reason


class LostWatchError(Exception):
    """Two folders share a watch, or the root has none, so events cannot be relied upon."""


@dataclass(slots=True)
class _Place:
    """The folder whose names are being looked at; a `looker.Place` over memory."""

    update: Update
    folder: Folder
    chain: Chain
    was: Folder | None = None
    """The folder that was known at the name that is being looked at."""
    same: dict[bytes, bytes] = field(default_factory=dict)
    """Name -> record of files that are as they were."""
    asked: list[tuple[bytes, bool]] = field(default_factory=list)
    """Names of the folders to be looked at, and whether the parent stands in for them."""

    @property
    def path(self) -> bytes:
        return self.folder.path

    @property
    def within(self) -> bool:
        return self.folder.within

    def has_same_file(self, name: bytes) -> bool:
        return name in self.same

    def has_same_folder(self, name: bytes) -> bool:
        return False

    def carry_over(self, name: bytes) -> None:
        record = self.same[name]
        row = unpack_file(record)
        refused = self._refused(name, row)
        if self.was is not None:
            self.update.forget(self.was)
        self.update.known.enter(self.folder, name, record, shared=row.shared, refused=refused)

    def add(self, name: bytes, row: FileRow) -> None:
        known, refused = self.update.known, self._refused(name, row)
        if self.was is not None:
            self.update.forget(self.was)
        known.enter(self.folder, name, pack_file(row), shared=row.shared, refused=refused)
        known.touch(self.folder, name)
        if row.shared:
            self.update.shared.add(row.inode)
        self.update.done.setdefault(self.folder, set()).add(name)

    def _refused(self, name: bytes, row: FileRow) -> bool:
        if self.folder.shut:
            return True
        return refused_file(self.update.sink, name, row.mode, row.oid, row.size)

    def odd(self, name: bytes, reason: Reason) -> None:
        self.folder.odd = self.folder.odd or {}
        self.folder.odd[name] = reason

    def force(self, name: bytes) -> None:
        self.folder.forced = self.folder.forced or set()
        self.folder.forced.add(name)
        self.update.known.sums.forced_moved(self.folder)

    def visit(self, name: bytes, *, kept: bool = False) -> None:
        self.asked.append((name, kept))


@dataclass(slots=True)
class _Visit:
    """A folder that is to be listed."""

    above: Folder | None
    name: bytes
    chain: Chain
    old: Folder | None
    """What was known at its place."""
    force: bool = False
    """The rules above it changed, so every verdict in it is made anew."""
    kept: bool = False
    """It cannot be read: the parent snapshot's entries stand in."""


class Update:
    """One round of looking; used once, by one capture."""

    def __init__(
        self,
        known: Known,
        watcher: Watcher,
        looker: Looker,
        folders: OpenFolders,
        sink: ObjectSink,
        outer: Chain,
        limits: Limits,
        placed: PlacedFiles,
    ) -> None:
        self.known = known
        self._watcher = watcher
        self._looker = looker
        self._open = folders
        self.sink = sink
        self._outer = outer
        self._fresh_from = limits.fresh_from
        self._placed = placed
        self.shared: set[int] = set()
        """Inodes with other names that were met in this round."""
        self._stack: list[_Visit] = []
        self._gone: list[Folder] = []
        self.done: dict[Folder, set[bytes]] = {}
        """Names that were looked at in this round."""
        self._settled: set[Folder] = set()
        self._listed: list[tuple[Folder, tuple[int, int]]] = []
        self._moved: set[int] = set()

    def run(self) -> None:
        """Looks at everything that is touched or unlisted, and at what that leads to.

        Raises:
            LimitError: no more watches are granted.
            LostWatchError: two places share one watch, or the root has none.
            OSError: the workspace folder cannot be read, or descriptors or memory ran out.
        """
        known = self.known
        for folder in sorted(known.unlisted, key=lambda f: f.path):
            if folder.alive:
                self._again(folder, force=False)
        known.unlisted.clear()
        self._look_at_touched()
        if known.share(self.shared):
            self._look_at_touched()
        self._finish()

    def _look_at_touched(self) -> None:
        while todo := self._todo():
            for folder, names in todo:
                self.done.setdefault(folder, set()).update(names)
                if folder.alive:
                    self._look_at(folder, names)

    def _finish(self) -> None:
        """Settles what could not be told before everything was looked at."""
        for folder in self._settled:
            if folder.alive:
                self.known.sums.filled(folder)
        for folder, times in self._listed:
            mode, _, inode = folder.get_stat()
            folder.set_stat(mode, times, inode)
        self.known.doubted.clear()
        self._end_watches()

    def _todo(self) -> list[tuple[Folder, set[bytes]]]:
        """Returns the touched names that were not looked at in this round, outer folders first."""
        left = []
        for folder, names in self.known.touched.items():
            fresh = names.difference(self.done.get(folder, ()))
            if fresh:
                left.append((folder, fresh))
        return sorted(left, key=lambda one: one[0].path)

    def _look_at(self, folder: Folder, names: Collection[bytes]) -> None:
        if folder.kept:
            self.known.touch_itself(folder)
            return
        if not folder.within and self._rules_moved(folder, names):
            self._again(folder, force=True)
            return
        folder.doubt_listing()
        self._settled.add(folder)
        place: _Place | None = None
        for name in sorted(names):
            row = self._placed.row(folder, name)
            if row is not None and self._placed.exchange(folder, name, row):
                continue
            # Most unknown names were a program's temporary files.
            if folder.knows(name) or _is_there(self._open, folder, name):
                place = place or _Place(self, folder, _chain(self._outer, folder))
                if row is not None:
                    place.same[name] = pack_file(row)
                self._settle(place, name, self.known.take_out(folder, name))
        self._drain()

    def _rules_moved(self, folder: Folder, names: Collection[bytes]) -> bool:
        """Takes in the folder's rule files when they were touched; tells whether they differ."""
        if not any(name in names for name in RULE_FILES):
            return False
        before = folder.rules or {}
        now = self._looker.read_rules(folder.path, {})
        if _texts(now) != _texts(before):
            return True
        folder.rules = now or None
        return False

    def _settle(self, place: _Place, name: bytes, was: Was) -> None:
        place.was = was.folder
        self._looker.settle(place, name)
        for asked, kept in place.asked:
            self._come_to(place, asked, kept, was.folder)
        place.asked.clear()
        if was.folder is not None and place.folder.folders.get(name) is not was.folder:
            self.forget(was.folder)
        self.known.compare(place.folder, name, was)

    def _come_to(self, place: _Place, name: bytes, kept: bool, old: Folder | None) -> None:
        """Puts a folder back as it was known, or has it listed."""
        if old is not None and not kept and self._is_same(place, name, old):
            old.doubt_listing()
            place.folder.folders[name] = old
            return
        if old is not None:
            self.forget(old)
        self._stack.append(_Visit(place.folder, name, place.chain, old, kept=kept))

    def forget(self, folder: Folder) -> None:
        """Ends a folder that was taken out and does not come back."""
        if folder.alive:
            self._gone += self.known.forget(folder)

    def _is_same(self, place: _Place, name: bytes, old: Folder) -> bool:
        """Tells whether the folder is the one that was watched here all the time."""
        path = place.folder.path_of(name)
        if old.kept or old.within != is_within(place.folder, name):
            return False
        try:
            found = lstat_at(self._open.open(place.path), name)
            if found is None or found.st_mode != old.mode or self._watcher.add(path) != old.wd:
                return False
        except OSError:
            return False
        return self.known.watched.get(old.wd) is old

    def _again(self, folder: Folder, *, force: bool) -> None:
        """Lists a known folder anew."""
        above = folder.parent
        chain = self._outer if above is None else _chain(self._outer, above)
        if above is not None:
            above.folders.pop(folder.name, None)
            above.doubt_listing()
            self.known.changed_more(above, folder.name)
        else:
            self.known.before = None
        self.forget(folder)
        self._stack.append(_Visit(above, folder.name, chain, folder, force, folder.kept))
        self._drain()

    def _drain(self) -> None:
        while self._stack:
            self._visit(self._stack.pop())

    def _visit(self, visit: _Visit) -> None:
        above, name = visit.above, visit.name
        path = above.path_of(name) if above else b""
        made = Folder(
            path,
            name,
            above,
            within=is_within(above, name) if above else False,
            shut=above is not None and (above.shut or refused_folder(name)),
            kept=visit.kept,
        )
        if visit.kept:
            self._keep(visit, made)
            return
        try:
            names, old = self._watch_and_list(visit, made)
        except OSError as error:
            self._not_listed(visit, made, error)
            return
        self._fill(visit, made, names, old)

    def _watch_and_list(self, visit: _Visit, made: Folder) -> tuple[list[bytes], Folder | None]:
        """Returns the names in the folder, and what was known of it here or elsewhere."""
        made.wd = self._watch(visit, made)
        elsewhere = self.known.watched.get(made.wd)
        folder_fd = self._open.open(made.path)
        found = os.fstat(folder_fd)
        names = list_folder(folder_fd)
        # The watch went by the path, the list by what was opened: both must have met one folder.
        if not os.path.samestat(found, os.lstat(self._watcher.absolute(made.path))):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        times = sure_times(found, self._fresh_from)
        made.set_stat(found.st_mode, (times[0], UNSURE), found.st_ino)
        self._listed.append((made, times))
        if elsewhere is not None and elsewhere.alive:
            self._came_from(elsewhere)
        self.known.attach(made)
        return names, elsewhere or visit.old

    def _watch(self, visit: _Visit, made: Folder) -> int:
        try:
            return self._watcher.add(made.path)
        except OSError as error:
            if visit.above is None:
                raise LostWatchError from error
            raise

    def _came_from(self, elsewhere: Folder) -> None:
        """Has the folder's former place looked at: it must be gone from there."""
        if elsewhere.wd in self._moved or elsewhere.parent is None:
            raise LostWatchError
        self._moved.add(elsewhere.wd)
        self.known.touch_itself(elsewhere)

    def _fill(self, visit: _Visit, made: Folder, names: list[bytes], old: Folder | None) -> None:
        known = self.known
        before: RuleFiles = (old.rules if old else None) or {}
        now = {} if made.within else self._looker.read_rules(made.path, {})
        made.set_rules(now)
        if now:
            known.sums.rules_changed(made)
        chain = visit.chain.below(made.compiled)
        force = visit.force or old is None or old.path != made.path or _texts(now) != _texts(before)
        place = _Place(self, made, chain)
        if old is not None:
            place.same = self._as_they_were(made, old)
        for name in names:
            self._looker.settle(place, name)
        for name, kept in place.asked:
            child = old.folders.get(name) if old else None
            self._stack.append(_Visit(made, name, chain, child, force, kept))
        if made.odd:
            known.sums.odd_moved(made)
        self._settled.add(made)
        known.stale.setdefault(made, set())
        if visit.above is not None:
            known.changed_more(visit.above, visit.name)

    def _as_they_were(self, made: Folder, old: Folder) -> dict[bytes, bytes]:
        """Returns the records that the disk agrees with."""
        folder_fd = self._open.open(made.path)
        doubted = self.known.doubted_names(old)
        same = {}
        for name, record in old.files.items():
            if name in doubted:
                continue
            try:
                found = lstat_at(folder_fd, name)
            except OSError:
                continue
            if found is not None and agrees(record, found):
                same[name] = record
        return same

    def _not_listed(self, visit: _Visit, made: Folder, error: OSError) -> None:
        if visit.above is None or is_exhausted(error):
            raise error
        place = _Place(self, visit.above, visit.chain)
        self._settled.add(visit.above)
        if is_gone(error):
            place.odd(visit.name, "unstable")
        else:
            place.odd(visit.name, "unreadable")
            made.kept, made.wd = True, NO_WATCH
            self._keep(visit, made)
        self.known.sums.odd_moved(visit.above)

    def _keep(self, visit: _Visit, made: Folder) -> None:
        mode = self._looker.kept_mode(made.path)
        if mode is None:
            return
        made.set_stat(mode, (0, UNSURE), 0)
        self.known.attach(made)
        place = _Place(self, made, visit.chain)
        self._looker.keep_below(place)
        for name, _ in place.asked:
            self._stack.append(_Visit(made, name, visit.chain, None, kept=True))
        self._settled.add(made)
        self.known.stale.setdefault(made, set())
        if visit.above is not None:
            self.known.changed_more(visit.above, visit.name)

    def _end_watches(self) -> None:
        watched = self.known.watched
        for folder in self._gone:
            if folder.wd != NO_WATCH and watched.get(folder.wd) is folder:
                del watched[folder.wd]
                self._watcher.remove(folder.wd)


def _chain(outer: Chain, folder: Folder) -> Chain:
    """Returns the rules in force in a folder."""
    line: list[Folder] = []
    at: Folder | None = folder
    while at is not None:
        line.append(at)
        at = at.parent
    chain = outer
    for one in reversed(line):
        chain = chain.below(one.compiled)
    return chain


def _is_there(folders: OpenFolders, folder: Folder, name: bytes) -> bool:
    """Tells whether a name is worth a look: only when surely nothing is there it is not."""
    try:
        return lstat_at(folders.open(folder.path), name) is not None
    except OSError:
        return True


def agrees(record: bytes, found: os.stat_result) -> bool:
    """Tells whether a file is what its record says, as far as its stat tells."""
    row = unpack_file(record)
    return (
        row.times == (found.st_mtime_ns, found.st_ctime_ns)
        and row.size == found.st_size
        and row.inode == found.st_ino
        and row.mode == (found.st_mode if not stat.S_ISLNK(found.st_mode) else row.mode)
    )


def _texts(files: RuleFiles) -> dict[bytes, bytes]:
    return {name: text for name, (_, text) in files.items()}
