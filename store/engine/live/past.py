"""What the newest captures changed, in memory: going back over them reads and builds no tree."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.store.engine.capture import Since
from stepwell.store.engine.live.folders import Folder
from stepwell.store.engine.snapshots import Difference, Entry
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot

MOST = 10_000
"""How many changed paths, and folders above them, are remembered, of all captures together.

A path takes about 400 bytes, a folder 150.
"""

FolderTrees = Mapping[Folder, bytes]
"""Tree ids, empty of folders that have none."""


@dataclass(frozen=True, slots=True)
class _Change:
    since: Since
    now: Snapshot
    trees: FolderTrees
    """Of the base, of all folders whose trees were built."""

    @property
    def weight(self) -> int:
        return len(self.since.pairs) + len(self.trees)


@dataclass(frozen=True, slots=True)
class WayBack:
    """What leads from the newest capture back to an older one."""

    pairs: tuple[Difference, ...]
    """(newest, older) of each path that differs, in path order."""
    trees: FolderTrees
    """Of the older one, of all folders that were built since; the others' are what they were."""

    def contents(self) -> dict[bytes, Oid]:
        """Returns the contents that the older one has, by their paths."""
        return {now.path: now.oid for _, now in self.pairs if now is not None and now.oid}


class Past:
    """Captures that were kept one after the other, the oldest first; for one thread at a time."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._changes: deque[_Change] = deque()
        self._weight = 0

    def note(self, since: Since | None, now: Snapshot, trees: FolderTrees) -> None:
        """Takes in that a capture was kept; `since` None: what it changed is not known.

        `trees` are the base's, of all folders whose trees were built since it was kept.
        """
        if since is None or (self._changes and self._changes[-1].now != since.base):
            self._changes.clear()
            self._weight = 0
        if since is None or since.base == now:
            return
        self._changes.append(_Change(since, now, trees))
        self._weight += self._changes[-1].weight
        while self._weight > self._most:
            self._weight -= self._changes.popleft().weight

    def between(self, a: Snapshot, b: Snapshot) -> list[Difference] | None:
        """Returns what `snapshots.differing` does; None where only the trees can tell."""
        passed = self._passed(a, b)
        if passed is None:
            return None
        changes, turned = passed
        found = _together(changes)
        return [(now, was) for was, now in found] if turned else found

    def way_back(self, newest: Snapshot, older: Snapshot) -> WayBack | None:
        """Returns what leads from the capture that was noted last to an older one; None: not known."""
        if newest == older or not self._changes or self._changes[-1].now != newest:
            return None
        passed = self._passed(newest, older)
        if passed is None:
            return None
        changes, _ = passed
        trees: dict[Folder, bytes] = {}
        for change in reversed(changes):
            trees.update(change.trees)
        return WayBack(tuple((now, was) for was, now in _together(changes)), trees)

    def _passed(self, a: Snapshot, b: Snapshot) -> tuple[list[_Change], bool] | None:
        """Returns what lies between, the oldest first, and whether `b` is the older one."""
        passed: list[_Change] = []
        newer: Snapshot | None = None
        for change in reversed(self._changes):
            if newer is None and change.now in (a, b):
                newer = change.now
            if newer is not None:
                passed.append(change)
                if change.since.base == (b if newer == a else a):
                    return passed[::-1], newer == a
        return None


def _together(changes: list[_Change]) -> list[Difference]:
    """Returns (before all, after all) of each path that differs, in path order."""
    first: dict[TrackedPath, Entry | None] = {}
    last: dict[TrackedPath, Entry | None] = {}
    for change in changes:
        for was, now in change.since.pairs:
            path = _path(was, now)
            first.setdefault(path, was)
            last[path] = now
    pairs = ((first[path], last[path]) for path in sorted(last))
    return [(was, now) for was, now in pairs if was != now]


def _path(was: Entry | None, now: Entry | None) -> TrackedPath:
    entry = now or was
    assert entry is not None, "a pair has at least one side"
    return entry.path
