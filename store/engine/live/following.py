"""Following a workspace: what is known of it, brought up to date by events at each capture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from stepwell.store.engine.capture import Captured, ScanCaptured, Since
from stepwell.store.engine.coverage import RuleTexts
from stepwell.store.engine.files import OpenFolders, Placed, Seen
from stepwell.store.engine.keeping import KeptEntries
from stepwell.store.engine.live.events import (
    touch_again,
    touch_drift,
    touch_events,
    touch_paths,
    touch_shared,
    touch_tracked,
)
from stepwell.store.engine.live.folders import NO_WATCH, Folder
from stepwell.store.engine.live.past import Past, WayBack
from stepwell.store.engine.live.placed import PlacedFiles
from stepwell.store.engine.live.summary import Summary
from stepwell.store.engine.live.tables import known_of, table_of
from stepwell.store.engine.live.trees import Trees
from stepwell.store.engine.live.update import LostWatchError, Update
from stepwell.store.engine.live.watcher import News, Watcher
from stepwell.store.engine.looker import Limits, Looker
from stepwell.store.engine.objects import ObjectSink
from stepwell.store.engine.scan import Around
from stepwell.store.engine.snapshots import Difference
from stepwell.store.engine.stattable import StatTable
from stepwell.store.engine.userindex import Wanted, index_mark
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Snapshot


class DoubtError(Exception):
    """What is known cannot be relied upon; the message says why. Only a scan helps."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms files were captured last."""

    around: Around
    index: bytes
    """Mark of the repository's index."""
    also: frozenset[bytes]
    """Paths that were stored although ignored."""

    @classmethod
    def of(cls, around: Around, also: Collection[bytes]) -> Terms:
        """Returns the present terms."""
        return cls(around, index_mark(around.git), frozenset(also))

    @property
    def wanted(self) -> bytes:
        """What a stat table calls the mark of the wanted paths."""
        return Wanted(self.around.git, self.also).mark


class Following:
    """Knows the workspace as of the last capture; begins with a scan whose snapshot is kept.

    Raises:
        DoubtError: the scan cannot be followed.
    """

    def __init__(
        self, scanned: ScanCaptured, terms: Terms, watcher: Watcher, watches: dict[bytes, int]
    ) -> None:
        self._known = known_of(scanned.table, watches)
        self._terms = terms
        self._watcher = watcher
        self._policy = scanned.table.policy
        self._trees = Trees()
        self._snapshot = scanned.snapshot
        self._past = Past()
        around = terms.around
        self._summary = Summary(self._known, around.user_rules, around.exclude_rules)
        self._unswept: list[Folder] = []
        folders = self._known.root.below()
        if len(self._known.watched) != sum(folder.wd != NO_WATCH for folder in folders):
            raise DoubtError("two folders share a watch")
        if self._summary.refresh() != scanned.snapshot.extras:
            raise DoubtError("the summary differs from the scan's")
        self._summary.kept()

    def hear(self, news: News) -> None:
        """Takes in events.

        Raises:
            DoubtError: some were lost, or the root was moved.
        """
        if not news.whole:
            raise DoubtError("events were lost")
        if not touch_events(self._known, self._watcher, news.events):
            raise DoubtError("the workspace folder itself was moved")

    def take(
        self,
        root_fd: int,
        around: Around,
        sink: ObjectSink,
        parent: Snapshot | None,
        also: Collection[bytes],
        limits: Limits,
        placed: Mapping[bytes, Placed],
    ) -> Captured:
        """Captures what is on disk after the events that were heard; `placed` as in `Sight.take`.

        Raises:
            DoubtError: only a scan can tell.
            LimitError: a new folder cannot be watched, so only a scan can tell.
            OSError: the workspace folder cannot be read, or descriptors or memory ran out.
        """
        self._check(around, sink)
        way = self._way_back(sink, parent)
        terms = Terms.of(around, also)
        wanted = Wanted(around.git, also)
        self._touch(root_fd, terms, wanted, limits.cap_bytes)
        folders = OpenFolders(root_fd)
        looker = Looker(folders, sink, KeptEntries(sink, parent), wanted, limits)
        outer = RuleTexts(around.user_rules, around.exclude_rules).outer()
        stored = way.contents() if way else {}
        put = PlacedFiles(placed, stored, self._known, root_fd, sink, limits.fresh_from)
        update = Update(self._known, self._watcher, looker, folders, sink, outer, limits, put)
        try:
            update.run()
        except LostWatchError as error:
            raise DoubtError("a folder has no watch of its own") from error
        finally:
            folders.close()
        pairs = self._known.differences()
        if not self._went_back(way, pairs):
            self._trees.build(self._known, sink)
        return self._captured(sink, pairs)

    def _way_back(self, sink: ObjectSink, parent: Snapshot | None) -> WayBack | None:
        """Returns what leads back to the parent, when that is an older capture.

        A store that has the root's tree of a recorded snapshot has all that it reaches; what is
        damaged in it the parent itself lacks, and who verifies the store finds and mends it once.
        """
        way = None if parent is None else self._past.way_back(self._snapshot, parent)
        if way is None or parent is None or not sink.has(parent.tree):
            return None
        return way if way.trees.get(self._known.root) == parent.tree else None

    def _went_back(self, way: WayBack | None, pairs: tuple[Difference, ...] | None) -> bool:
        """Puts trees back instead of building them, when all files are as they were then."""
        return (
            way is not None and pairs == way.pairs and self._trees.put_back(self._known, way.trees)
        )

    def _check(self, around: Around, sink: ObjectSink) -> None:
        before = self._terms.around
        if around.root != before.root:
            raise DoubtError("another folder took the workspace's place")
        if (around.user_rules, around.exclude_rules) != (before.user_rules, before.exclude_rules):
            raise DoubtError("the rules for the whole workspace changed")
        if not (sink.has(self._snapshot.tree) and sink.has(self._snapshot.extras)):
            raise DoubtError("the store does not hold what was captured last")

    def _touch(self, root_fd: int, terms: Terms, wanted: Wanted, cap_bytes: int) -> None:
        known, before = self._known, self._terms
        touch_again(known)
        touch_shared(known, root_fd)
        if terms.index != before.index:
            touch_tracked(known, wanted)
        touch_paths(known, before.also ^ terms.also, cap_bytes)
        self._terms = terms

    def _captured(self, sink: ObjectSink, pairs: tuple[Difference, ...] | None) -> Captured:
        self._summary.refresh()
        snapshot = Snapshot(Oid(self._known.root.tree), self._summary.offer_extras(sink))
        return Captured(
            snapshot,
            self._summary.covered,
            self._summary.counts(),
            self._summary.offer_rules(sink),
            self._summary.offer_coverage(sink),
            None if pairs is None else Since(self._snapshot, pairs),
        )

    def kept(self, captured: Captured) -> None:
        """The store holds what was captured last."""
        self._known.kept()
        self._summary.kept()
        self._past.note(captured.since, captured.snapshot, self._trees.kept())
        self._snapshot = captured.snapshot

    def between(self, a: Snapshot, b: Snapshot) -> list[Difference] | None:
        """Returns what differs between two snapshots that were kept lately; None: not known."""
        return self._past.between(a, b)

    def seen(self, paths: Iterable[bytes]) -> dict[bytes, Seen]:
        """Returns how files looked at paths where nothing is known to have happened since."""
        found = ((path, self._known.seen_at(path)) for path in paths)
        return {path: seen for path, seen in found if seen is not None}

    def table(self) -> StatTable:
        """Returns what is known for a scan to begin with."""
        empty = self._terms.around.table(self._policy, self._terms.wanted)
        empty.snapshot = self._snapshot
        return table_of(self._known, empty)

    def sweep(self, folders: int) -> int:
        """Compares the next so many folders with the disk and touches what no event told of.

        Returns how many names that were. After the last folder the first follows.
        """
        self._unswept = self._unswept or list(self._known.root.below())
        now, self._unswept = self._unswept[:folders], self._unswept[folders:]
        return sum(self._drift(folder) for folder in now)

    def sweep_all(self) -> int:
        """As `sweep`, every folder."""
        self._unswept = []
        return sum(self._drift(folder) for folder in list(self._known.root.below()))

    def _drift(self, folder: Folder) -> int:
        if not folder.alive or folder.kept:
            return 0
        return touch_drift(self._known, folder, self._watcher.absolute(folder.path))
