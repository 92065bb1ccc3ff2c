"""A Sight that follows the workspace instead of scanning it.

The watcher is a hint, never the truth: whenever it may have missed something (events lost, no
watch granted, the root or the rules replaced), the next look is a scan of every file, and so it
stays until a snapshot that was scanned is kept. Elsewhere than on Linux, and on file systems that
others change (network, another system's), it always scans.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from stepwell.store.engine.capture import Captured, ScanCaptured, capture_tree
from stepwell.store.engine.files import Placed, Seen, failed, open_root
from stepwell.store.engine.live.following import DoubtError, Following, Terms
from stepwell.store.engine.live.inotify import (
    DELETE_SELF,
    IGNORED,
    ISDIR,
    MOVE_SELF,
    Event,
)
from stepwell.store.engine.live.watcher import DeafError, LimitError, News, Watcher
from stepwell.store.engine.looker import Limits
from stepwell.store.engine.moved import GRAIN_NS
from stepwell.store.engine.objects import ObjectSink
from stepwell.store.engine.scan import Around, CaptureConfig, Scanner, stamping_clock
from stepwell.store.engine.sight import NONE_PLACED, load_table, save_table
from stepwell.store.engine.snapshots import Difference
from stepwell.store.engine.stattable import StatTable
from stepwell.store.model.ids import Clock
from stepwell.store.model.steps import Snapshot

_FOLDERS_MOVED = ISDIR | DELETE_SELF | MOVE_SELF | IGNORED
_NO_WATCHES = "the system grants no more watches"
_DEAF = "the folder lies on a file system that does not tell of all changes"
_RETRY_NS = 60_000_000_000


class LiveSight:
    """Follows one workspace from the first kept capture on; close it after use.

    Only the holder of the writer lock follows, since two would read each other's cookies.

    `clock` is the one that stamps files; `most_watches` stays below what the system grants. `store`
    keeps the barrier's cookie, and the stat table that a scan begins with.
    """

    def __init__(
        self,
        root: bytes,
        store: Path,
        config: CaptureConfig,
        *,
        clock: Clock = stamping_clock,
        most_watches: int | None = None,
    ) -> None:
        self._root = root
        self._store = store
        self._config = config
        self._clock = clock
        self._most_watches = most_watches
        self._watcher: Watcher | None = None
        self._watches: dict[bytes, int] | None = None
        self._retry_at = 0
        self._following: Following | None = None
        self._terms: Terms | None = None
        self._table: StatTable | None = load_table(store)
        self._last: Captured | None = None
        self.doubt = "the workspace was not scanned yet"
        """Why the next look is a scan; empty while the workspace is followed."""

    @property
    def follows(self) -> bool:
        """Tells whether the next look costs what changed, as far as is known now."""
        return self._following is not None

    def fileno(self) -> int | None:
        """Returns a descriptor that is readable when something happened; None: nothing is told."""
        return self._watcher.fileno() if self._watcher else None

    def hear(self) -> None:
        """Takes in what happened, without looking at it; keeps the system's queue short."""
        if self._following is not None and self._watcher is not None:
            try:
                self._following.hear(self._watcher.drain())
            except DoubtError as doubt:
                self._give_up(str(doubt))

    def take(
        self,
        sink: ObjectSink,
        parent: Snapshot | None,
        also: Collection[bytes] = (),
        *,
        among: Collection[bytes] | None = None,  # what it follows tells it more
        placed: Mapping[bytes, Placed] = NONE_PLACED,
    ) -> Captured:
        started = self._clock()
        root_fd = open_root(self._root)
        try:
            around = Around.look(self._root, root_fd, self._config)
            captured = self._follow(started, root_fd, around, sink, parent, also, placed)
            if captured is None:
                captured = self._scan(around, sink, parent, also)
        except OSError as error:
            self._give_up("a look at the workspace failed")
            raise failed(error, "looking at the workspace", self._root) from error
        except BaseException:
            self._give_up("a look at the workspace was broken off")
            raise
        finally:
            os.close(root_fd)
        self._last = captured
        if captured.snapshot == parent:
            self.keep(captured)
        return captured

    def _follow(
        self,
        started: int,
        root_fd: int,
        around: Around,
        sink: ObjectSink,
        parent: Snapshot | None,
        also: Collection[bytes],
        placed: Mapping[bytes, Placed],
    ) -> Captured | None:
        """Returns what was captured by following; None when only a scan can tell."""
        if self._following is None or self._watcher is None:
            return None
        limits = Limits(self._config.cap_bytes, started - GRAIN_NS, self._config.apart)
        try:
            self._following.hear(self._watcher.barrier())
            return self._following.take(root_fd, around, sink, parent, also, limits, placed)
        except DoubtError as doubt:
            self._give_up(str(doubt))
        except LimitError:
            self._give_up(_NO_WATCHES)
            self._retry_at = self._clock() + _RETRY_NS
        return None

    def _scan(
        self, around: Around, sink: ObjectSink, parent: Snapshot | None, also: Collection[bytes]
    ) -> ScanCaptured:
        self._watch()
        self._terms = Terms.of(around, also)
        scanner = Scanner(self._root, self._table, config=self._config, clock=self._clock)
        return capture_tree(scanner, sink, parent, also)

    def keep(self, captured: Captured) -> None:
        if captured is not self._last:
            return
        self._last = None
        if self._following is not None:
            self._following.kept(captured)
        elif isinstance(captured, ScanCaptured):
            self._table = captured.table
            self._begin(captured)

    def between(self, a: Snapshot, b: Snapshot) -> list[Difference] | None:
        return self._following.between(a, b) if self._following else None

    def seen(self, paths: Iterable[bytes]) -> Mapping[bytes, Seen]:
        return self._following.seen(paths) if self._following else {}

    def _begin(self, scanned: ScanCaptured) -> None:
        """Begins to follow, if the folders could be watched before they were scanned."""
        if self._watcher is None or self._watches is None or self._terms is None:
            return
        try:
            watches = self._watches
            self._following = Following(scanned, self._terms, self._watcher, watches)
        except DoubtError as doubt:
            self._end_watcher(str(doubt))
            return
        self.doubt = ""
        self._table = self._watches = None

    def forget(self) -> None:
        """Lets go of all that was seen: the store does not hold what it was told to keep."""
        self._give_up("what was recorded last could not be forced to disk")
        self._table = load_table(self._store)

    def _give_up(self, why: str) -> None:
        """Goes back to scanning, with what is known so far."""
        following, self._following = self._following, None
        self._last = None
        if following is not None:
            self._table = following.table()
            self._end_watcher(why)

    def _end_watcher(self, why: str) -> None:
        self.doubt = why
        watcher, self._watcher = self._watcher, None
        self._watches = None
        if watcher is not None:
            watcher.close()

    def _watch(self) -> None:
        """Watches the folders known so far, so that none changes unseen after it was scanned."""
        if self._watcher is not None and self._watches is not None:
            if not _folders_moved(self._watcher.drain()):
                return
            self._end_watcher("folders were moved while they were scanned")
        if self._clock() < self._retry_at:
            return
        try:
            self._watcher = Watcher(self._root, self._store, most=self._most_watches)
            known = self._table.folders.paths if self._table else (b"",)
            self._watches = self._watcher.add_all(known)
        except (DeafError, LimitError, OSError) as error:
            self._end_watcher(_DEAF if isinstance(error, DeafError) else _NO_WATCHES)
            self._retry_at = self._clock() + _RETRY_NS

    def sweep(self, folders: int) -> int:
        """Compares the next so many folders with the disk; returns how many names have drifted.

        Finds what makes no event: writes through memory, another name or another machine. The next
        look takes it in. Meant for idle moments.
        """
        self.hear()
        return self._following.sweep(folders) if self._following else 0

    def sweep_all(self) -> int:
        """As `sweep`, every folder: for the beginning and the end of a session."""
        self.hear()
        return self._following.sweep_all() if self._following else 0

    def save(self) -> None:
        """Saves the stat table, so that the next scan by anybody is a quick one."""
        table = self._following.table() if self._following else self._table
        if table is not None:
            save_table(self._store, table)

    def close(self) -> None:
        """Saves the stat table and ends all watches."""
        self.save()
        self._give_up("closed")
        self._end_watcher("closed")


def _folders_moved(news: News) -> bool:
    return not news.whole or any(_is_of_folder(event) for event in news.events)


def _is_of_folder(event: Event) -> bool:
    return bool(event.mask & _FOLDERS_MOVED)
