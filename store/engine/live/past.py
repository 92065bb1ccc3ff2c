"""What the newest captures changed, in memory: going back over them needs no tree of the store."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from stepwell.store.engine.capture import Since
from stepwell.store.engine.snapshots import Difference, Entry
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot

MOST = 5_000
"""How many changed paths are remembered, of all captures together; one takes about 400 bytes."""


@dataclass(frozen=True, slots=True)
class _Change:
    since: Since
    now: Snapshot


class Past:
    """Captures that were kept one after the other, the oldest first; for one thread at a time."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._changes: deque[_Change] = deque()
        self._paths = 0

    def note(self, since: Since | None, now: Snapshot) -> None:
        """Takes in that a capture was kept; `since` None: what it changed is not known."""
        if since is None or (self._changes and self._changes[-1].now != since.base):
            self._changes.clear()
            self._paths = 0
        if since is None or since.base == now:
            return
        self._changes.append(_Change(since, now))
        self._paths += len(since.pairs)
        while self._paths > self._most:
            self._paths -= len(self._changes.popleft().since.pairs)

    def between(self, a: Snapshot, b: Snapshot) -> list[Difference] | None:
        """Returns what `snapshots.differing` does; None where only the trees can tell."""
        passed = self._passed(a, b)
        if passed is None:
            return None
        changes, turned = passed
        first: dict[TrackedPath, Entry | None] = {}
        last: dict[TrackedPath, Entry | None] = {}
        for change in changes:
            for was, now in change.since.pairs:
                path = _path(was, now)
                first.setdefault(path, was)
                last[path] = now
        pairs = ((first[path], last[path]) for path in sorted(last))
        found = [(was, now) for was, now in pairs if was != now]
        return [(now, was) for was, now in found] if turned else found

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


def _path(was: Entry | None, now: Entry | None) -> TrackedPath:
    entry = now or was
    assert entry is not None, "a pair has at least one side"
    return entry.path
