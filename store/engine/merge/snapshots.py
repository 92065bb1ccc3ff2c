"""Merging snapshots: git merges what a tree holds, and the rest goes path by path.

The rest is what only Extras knows: exact permission bits, empty folders, names that git refuses.
With several bases git merges the bases first; for the rest the newest base stands alone.
"""

from __future__ import annotations

import stat
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from stepwell.store.engine.extras import read_extras
from stepwell.store.engine.merge.conflicts import Preferring, Side, conflicts_of
from stepwell.store.engine.merge.trees import Tips, TreeMerge, joined, merge_trees
from stepwell.store.engine.objects import BLOB, LayeredObjects
from stepwell.store.engine.renames import renames
from stepwell.store.engine.rollback.looking import SET_ID_BITS
from stepwell.store.engine.snapshots import Difference, Entry, below, by_path, differing, lookup
from stepwell.store.engine.threeway import Clash, merge_states, merge_texts
from stepwell.store.engine.treebuild import git_mode
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, parent
from stepwell.store.model.plans import Conflict, PathState
from stepwell.store.model.steps import Snapshot

Pairs = dict[TrackedPath, Difference]

Three = tuple[Entry | None, Entry | None, Entry | None]
"""What base, ours and theirs have at a path."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge makes of ours."""

    pairs: Pairs
    """(ours, result) by path; where there are conflicts, with markers."""
    conflicts: tuple[Conflict, ...]
    contents: tuple[bytes, ...]
    """Blobs that are new with the merge; the reader has them, too."""


def merge_snapshots(
    reader: LayeredObjects,
    base: Snapshot,
    ours: Snapshot,
    tips: Tips,
    bench: AbstractContextManager[Path],
    prefer: Side | None,
) -> Merged:
    """Merges theirs into ours; `base` is the newest base's snapshot.

    `bench` is entered when git is needed, and gives the folder for it to work in.

    Raises:
        FailedError: git is not there, too old, or failed.
        IntegrityError: an object that is needed is missing or damaged.
    """
    merge = joined(reader, tips)
    if merge is None:
        with bench as folder:
            merge = merge_trees(reader, tips, folder)
    work = _Work(reader, base, ours, tips.theirs.snapshot, merge, prefer)
    return work.merged()


@dataclass
class _Work:
    """One merge under way."""

    reader: LayeredObjects
    base: Snapshot
    ours: Snapshot
    theirs: Snapshot
    git: TreeMerge
    prefer: Side | None
    pairs: Pairs = field(default_factory=dict)
    conflicts: dict[TrackedPath, Conflict] = field(default_factory=dict)
    contents: list[bytes] = field(default_factory=list)

    def merged(self) -> Merged:
        self.contents += self.git.contents
        tree = self.git.tree
        if self.prefer is None:
            self.conflicts = {one.path: one for one in conflicts_of(self.reader, self.git)}
        else:
            own = self.ours.tree if self.prefer == "ours" else self.theirs.tree
            settled = Preferring(self.reader, self.git, self.prefer, own, self._is_known)
            tree, fresh = settled.tree()
            self.contents += fresh
        self.pairs = by_path(differing(self.reader, self.ours, Snapshot(tree, self.ours.extras)))
        self._modes()
        self._refused()
        self._folders()
        ordered = tuple(self.conflicts[path] for path in sorted(self.conflicts))
        return Merged(self.pairs, ordered, tuple(self.contents))

    @cached_property
    def _their_changes(self) -> Pairs:
        return by_path(differing(self.reader, self.base, self.theirs))

    @cached_property
    def _our_changes(self) -> Pairs:
        return by_path(differing(self.reader, self.base, self.ours))

    def _sides(self, path: TrackedPath) -> Three:
        """Returns what the sides have at a path; three times nothing when it differs nowhere."""
        their, our = self._their_changes.get(path), self._our_changes.get(path)
        if their is None and our is None:
            return None, None, None
        if our is None:
            base, theirs = their or (None, None)
            return base, base, theirs
        base, ours = our
        return base, ours, base if their is None else their[1]

    def _is_known(self, path: TrackedPath) -> bool:
        if any(self._sides(path)):
            return True
        return lookup(self.reader, self.ours, path) is not None

    def _modes(self) -> None:
        """Gives every file that is written its bits, and lets theirs' changes of bits alone come."""
        for path, (was, now) in list(self.pairs.items()):
            if now is not None and stat.S_ISREG(now.mode):
                self.pairs[path] = (was, now._replace(mode=self._mode(path, now)))
        for path in self._their_changes.keys() - self.pairs.keys():
            _, ours, theirs = self._sides(path)
            if ours is None or theirs is None or not stat.S_ISREG(ours.mode & theirs.mode):
                continue
            if stat.S_ISREG(ours.mode) and stat.S_ISREG(theirs.mode):
                mode = self._mode(path, ours)
                if _plain(mode) != _plain(ours.mode):
                    self.pairs[path] = (ours, ours._replace(mode=mode))

    def _mode(self, path: TrackedPath, now: Entry) -> int:
        """Returns the full mode of a file of the result."""
        base, ours, theirs = (_file_mode(side) for side in self._sides(path))
        if ours is None and theirs is None:
            return now.mode
        if base is None and (ours is None or theirs is None):
            base, ours, theirs = self._renamed(path, ours, theirs)
        if ours is None or theirs is None:
            mode = ours or theirs or now.mode
        elif theirs in (base, ours) or base is None:
            mode = ours
        elif ours == base:
            mode = theirs
        else:
            mode = self._both_changed(path, ours, theirs)
        return _with_execute(mode, git_mode(now.mode) == git_mode(stat.S_IFREG | 0o755))

    def _both_changed(self, path: TrackedPath, ours: int, theirs: int) -> int:
        if self.prefer is not None:
            return ours if self.prefer == "ours" else theirs
        if path not in self.conflicts and path not in self.git.stages:
            sides = (_state(side) for side in self._sides(path))
            self.conflicts[path] = Conflict(path, "mode", *sides)
        return ours

    def _renamed(
        self, path: TrackedPath, ours: int | None, theirs: int | None
    ) -> tuple[int | None, int | None, int | None]:
        """Returns the modes with the side that knows the file by its old name filled in."""
        names = self._names_of_theirs if ours is None else self._names_of_ours
        old = names.get(path)
        if old is None:
            return None, ours, theirs
        base, mine, other = (_file_mode(side) for side in self._sides(old))
        return (base, mine, theirs) if ours is None else (base, ours, other)

    @cached_property
    def _names_of_theirs(self) -> dict[TrackedPath, TrackedPath]:
        """New name -> old name in theirs, where ours has other bits than the base."""
        return self._names(self._our_changes, self._their_changes, self.theirs)

    @cached_property
    def _names_of_ours(self) -> dict[TrackedPath, TrackedPath]:
        return self._names(self._their_changes, self._our_changes, self.ours)

    def _names(
        self, changed: Pairs, moved: Pairs, side: Snapshot
    ) -> dict[TrackedPath, TrackedPath]:
        """Finding renames costs reading files, so only where a change of bits may follow one."""
        concerned = any(
            was and now and was.mode != now.mode and path in moved and moved[path][1] is None
            for path, (was, now) in changed.items()
        )
        if not concerned:
            return {}
        return {new: old for old, new in renames(self.reader, self.base, side).items()}

    def _refused(self) -> None:
        """Merges the paths that any side keeps out of its tree."""
        sides = (self.base, self.ours, self.theirs)
        paths = {p for side in sides for p in read_extras(self.reader, side.extras).entries}
        for path in sorted(paths & self._their_changes.keys()):
            base, ours, theirs = self._sides(path)
            self.conflicts.pop(path, None)
            result = self._three_way(path, _state(base), _state(ours), _state(theirs))
            self.pairs.pop(path, None)
            if result != _state(ours):
                wanted = None if result is None else Entry(path, result.mode, result.blob)
                self.pairs[path] = (ours, wanted)

    def _three_way(
        self,
        path: TrackedPath,
        base: PathState | None,
        ours: PathState | None,
        theirs: PathState | None,
    ) -> PathState | None:
        try:
            return merge_states(base, ours, theirs, self._blob)
        except Clash as clash:
            if self.prefer is None:
                self.conflicts[path] = Conflict(path, clash.kind, base, ours, theirs)
            return theirs if self.prefer == "theirs" else ours

    def _blob(self, base: Oid, ours: Oid, theirs: Oid) -> Oid:
        texts = (self.reader.read(oid)[1] for oid in (base, ours, theirs))
        content = merge_texts(*texts, favour=self.prefer)
        self.contents.append(content)
        return self.reader.add(BLOB, content)

    def _folders(self) -> None:
        """A folder is there when it holds something, or when the side that changed it says so."""
        for path in sorted(self._their_changes.keys() | self.pairs.keys(), reverse=True):
            base, ours, theirs = self._sides(path)
            if _is_folder(ours):
                self._own_folder(path, base, ours, theirs)
            elif _is_folder(theirs):
                self._their_folder(path, base, ours, theirs)
        self._ways()

    def _ways(self) -> None:
        """Brings back the folders that ours has deleted and something of theirs is to lie in."""
        for path, (_, now) in list(self.pairs.items()):
            above = parent(path)
            while now is not None and above and above not in self.pairs:
                if lookup(self.reader, self.ours, above) is not None:
                    break
                self.pairs[above] = (None, lookup(self.reader, self.theirs, above))
                above = parent(above)

    def _own_folder(
        self, path: TrackedPath, base: Entry | None, ours: Entry | None, theirs: Entry | None
    ) -> None:
        now = self.pairs.get(path, (ours, ours))[1]
        if now is not None and not _is_folder(now):
            return
        goes = _is_folder(base) and not _is_folder(theirs)
        if goes and not self._holds(path):
            self.pairs[path] = (ours, None)
        elif _is_folder(base) and _is_folder(theirs) and ours == base and theirs != ours:
            self.pairs[path] = (ours, theirs)
        elif now is None:
            del self.pairs[path]

    def _their_folder(
        self, path: TrackedPath, base: Entry | None, ours: Entry | None, theirs: Entry | None
    ) -> None:
        was, now = self.pairs.get(path, (ours, ours))
        if now is not None:
            if _is_folder(now):
                self.pairs[path] = (was, theirs)
        elif not _is_folder(base) or self._holds(path):
            self.pairs[path] = (was, theirs)

    def _holds(self, folder: TrackedPath) -> bool:
        """Tells whether something is in a folder of the result."""
        inside = folder + b"/"
        if any(p.startswith(inside) and now is not None for p, (_, now) in self.pairs.items()):
            return True
        own = below(self.reader, self.ours, folder)
        return any(self.pairs.get(e.path, (e, e))[1] is not None for e in own)


def _state(entry: Entry | None) -> PathState | None:
    if entry is None:
        return None
    return PathState(_plain(entry.mode), entry.oid)


def _plain(mode: int) -> int:
    """Returns a mode without the bits that are never put back on files."""
    return mode & ~SET_ID_BITS if stat.S_ISREG(mode) else mode


def _file_mode(entry: Entry | None) -> int | None:
    return _plain(entry.mode) if entry is not None and stat.S_ISREG(entry.mode) else None


def _with_execute(mode: int, wanted: bool) -> int:
    """Returns a mode on whose owner's execute bit git has the last word."""
    if bool(mode & stat.S_IXUSR) == wanted:
        return mode
    return mode | (mode & 0o444) >> 2 if wanted else mode & ~0o111


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and stat.S_ISDIR(entry.mode)
