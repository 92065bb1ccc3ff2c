"""Bringing some of a change to the disk, which went on since: a three-way merge path by path.

To take back a step's own change, base is the content after it and theirs the content before it;
for what is picked of candidates, base is the step that they began at. Ours is the disk. A file that
was renamed since is changed under its present name.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from stepwell.store.engine.objects import BLOB, ObjectReader, ObjectSink
from stepwell.store.engine.renames import Names, renames
from stepwell.store.engine.rollback.looking import SET_ID_BITS
from stepwell.store.engine.snapshots import Difference, Entry, below, by_path, differing, lookup
from stepwell.store.engine.threeway import Clash, merge_states, merge_texts
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, parent
from stepwell.store.model.plans import Conflict, PathState
from stepwell.store.model.steps import Snapshot

StateAt = Callable[[TrackedPath], PathState | None]
"""Returns what is on disk at a path, captured or not."""


class OneChange(NamedTuple):
    """One path of what leads from base to theirs: its name and state in base, and in theirs."""

    base_path: TrackedPath | None
    base: PathState | None
    theirs_path: TrackedPath | None
    theirs: PathState | None

    def names(self) -> set[TrackedPath]:
        return {path for path in (self.base_path, self.theirs_path) if path is not None}


@dataclass(slots=True)
class PathMerge:
    """What a merge by paths does: `pairs` as a plan takes them, or conflicts."""

    reader: ObjectSink
    """Holds all that is compared; takes merged contents."""
    disk: Snapshot
    state_at: StateAt
    follow: Callable[[], Names]
    """Returns name in base -> name on disk of the files that were renamed since."""
    prefer: Literal["ours", "theirs"] | None = None
    """Whose side wins where two clash; None: that is a conflict."""
    moved: Names = field(default_factory=dict)
    pairs: dict[TrackedPath, Difference] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    contents: dict[Oid, bytes] = field(default_factory=dict)

    def where(
        self, base: Snapshot, theirs: Snapshot, wanted: Callable[[set[TrackedPath]], bool]
    ) -> None:
        """Brings what leads from `base` to `theirs` where `wanted` says so of a file's names."""
        found = one_by_one(self.reader, base, theirs)
        self._follow(found)
        self.bring([own for own in found if wanted(own.names() | {self._now_at(own)})], theirs)

    def bring(self, found: Sequence[OneChange], theirs: Snapshot) -> None:
        """Brings these changes; `theirs` knows the folders that they need."""
        self._follow(found)
        for own in found:
            self._one(own)
        self._make_folders(theirs)
        self._spare_folders()

    def _follow(self, found: Sequence[OneChange]) -> None:
        names = [own.base_path for own in found if own.base_path is not None]
        if not self.moved and any(self.state_at(name) is None for name in names):
            self.moved = self.follow()

    def _now_at(self, own: OneChange) -> TrackedPath:
        """Returns the name on disk of the file concerned."""
        if own.base_path is not None:
            return self.moved.get(own.base_path, own.base_path)
        assert own.theirs_path is not None
        return own.theirs_path

    def _one(self, own: OneChange) -> None:
        ours_path = self._now_at(own)
        ours = self.state_at(ours_path)
        try:
            result = merge_states(_plain(own.base), _plain(ours), _plain(own.theirs), self._merged)
        except Clash as clash:
            if self.prefer is None:
                conflict = Conflict(ours_path, clash.kind, own.base, ours, own.theirs)
                self.conflicts.append(conflict)
                return
            result = _plain(own.theirs if self.prefer == "theirs" else ours)
        to = ours_path
        if own.theirs_path and result is not None and ours_path == own.base_path:
            to = own.theirs_path
        if to == ours_path:
            self._put(ours_path, ours, result)
            return
        there = self.state_at(to)
        if there is not None and _plain(there) != result:
            self.conflicts.append(Conflict(to, "add/add", None, there, own.theirs))
            return
        self._put(ours_path, ours, None)
        self._put(to, there, result)

    def _put(self, path: TrackedPath, found: PathState | None, result: PathState | None) -> None:
        if _plain(found) == result:
            return
        wanted = None if result is None else Entry(path, result.mode, result.blob)
        self.pairs[path] = (lookup(self.reader, self.disk, path), wanted)

    def _merged(self, base: Oid, ours: Oid, theirs: Oid) -> Oid:
        sides = (self.reader.read(oid)[1] for oid in (base, ours, theirs))
        content = merge_texts(*sides, favour=self.prefer)
        oid = self.reader.add(BLOB, content)
        self.contents[oid] = content
        return oid

    def _make_folders(self, theirs: Snapshot) -> None:
        """Adds the folders that are gone and have to hold something again."""
        coming = [path for path, (_, now) in self.pairs.items() if now is not None]
        for folder in {folder for path in coming for folder in _ancestors(path)}:
            if self.pairs.get(folder, (None, None))[1] is not None:
                continue
            state = self.state_at(folder)
            if state is None:
                entry = lookup(self.reader, theirs, folder)
                mode = entry.mode if entry else stat.S_IFDIR | 0o755
                self.pairs[folder] = (None, Entry(folder, mode, None))
            elif not stat.S_ISDIR(state.mode):
                self.conflicts.append(Conflict(folder, "file/directory", None, state, None))

    def _spare_folders(self) -> None:
        """Leaves folders that hold more than what goes; one that was to be a file is a conflict."""
        leaving = [p for p, (was, _) in self.pairs.items() if was is not None and was.oid is None]
        held = {
            folder
            for path, (_, now) in self.pairs.items()
            if now is not None
            for folder in _ancestors(path)
        }
        for path in sorted(leaving, reverse=True):
            now = self.pairs[path][1]
            if now is not None and now.oid is None:
                continue
            inside = below(self.reader, self.disk, path)
            if path not in held and all(entry.path in self.pairs for entry in inside):
                continue
            was = self.pairs.pop(path)[0]
            if now is not None and was is not None:
                theirs = PathState(now.mode, now.oid)
                ours = PathState(was.mode)
                self.conflicts.append(Conflict(path, "file/directory", None, ours, theirs))


def one_by_one(reader: ObjectReader, base: Snapshot, theirs: Snapshot) -> list[OneChange]:
    """Returns what leads from `base` to `theirs`, a renamed file as one, folders too."""
    pairs = by_path(differing(reader, theirs, base))
    names: Names = renames(reader, theirs, base)
    found = [
        OneChange(new, _state(pairs[new][1]), old, _state(pairs[old][0]))
        for old, new in names.items()
    ]
    done = names.keys() | set(names.values())
    for path, (now, was) in pairs.items():
        if path not in done:
            base_state, their_state = _state(was), _state(now)
            named = (path if base_state else None, path if their_state else None)
            found.append(OneChange(named[0], base_state, named[1], their_state))
    return found


def _state(entry: Entry | None) -> PathState | None:
    return None if entry is None else PathState(entry.mode, entry.oid)


def _plain(state: PathState | None) -> PathState | None:
    """Returns a state without the bits that are never put back."""
    if state is None or not stat.S_ISREG(state.mode):
        return state
    return PathState(state.mode & ~SET_ID_BITS, state.blob)


def _ancestors(path: TrackedPath) -> Iterator[TrackedPath]:
    while path := parent(path):
        yield path
