"""How the engine sees the workspace: what every capture, plan and status asks.

A Sight remembers what it saw, so that the next look costs what changed. What it adds to a sink counts
as stored only once `keep` says so; until then the next look offers it again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from stepwell.store.engine.atomic import write_atomic
from stepwell.store.engine.capture import Captured, ScanCaptured, capture_tree
from stepwell.store.engine.files import Placed, Seen
from stepwell.store.engine.objects import ObjectSink
from stepwell.store.engine.scan import CaptureConfig, Scanner
from stepwell.store.engine.snapshots import Difference
from stepwell.store.engine.stattable import StatTable
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.steps import Snapshot

NONE_PLACED: Mapping[bytes, Placed] = MappingProxyType({})

_TABLE = "stats"


class Sight(Protocol):
    """One workspace as it is now; asked by one thread at a time."""

    def take(
        self,
        sink: ObjectSink,
        parent: Snapshot | None,
        also: Collection[bytes] = (),
        *,
        among: Collection[bytes] | None = None,
        placed: Mapping[bytes, Placed] = NONE_PLACED,
    ) -> Captured:
        """Captures the workspace into `sink`; every write finished before the call is in it.

        `parent` is the recorded snapshot that the result will be compared with: its files are
        stored whatever their size, and its entries stand in for what cannot be read. `also` names
        files and links (workspace paths) that are stored although ignored or above the cap.
        `among` is for a caller that has changed the workspace itself, there and nowhere else, since
        it kept its last capture: what others did elsewhere meanwhile may be left to the next one.
        `placed` are files that the caller has written, by their paths: who knows of every event need
        not read them again.

        Raises:
            FailedError: the workspace folder cannot be opened or listed.
            StepwellError: whatever the sink raises when it cannot store.
        """

    def keep(self, captured: Captured) -> None:
        """Says that the store holds the snapshot of the last `take`; any older one is ignored."""

    def between(self, a: Snapshot, b: Snapshot) -> list[Difference] | None:
        """Returns what `snapshots.differing` does, where memory has it; None: the trees can tell."""

    def seen(self, paths: Iterable[bytes]) -> Mapping[bytes, Seen]:
        """Returns how files looked that were as the last kept capture says, as far as memory has it."""


class ScanSight:
    """Looks at every file each time, with the stat table that the store keeps.

    The scan goes by the clock that stamps files, whatever clock stamps the steps.
    """

    def __init__(self, root: bytes, store: Path, config: CaptureConfig) -> None:
        self._root = root
        self._store = store
        self._config = config
        self._table: StatTable | None = None
        self._stamp: tuple[int, ...] = ()
        self._last: ScanCaptured | None = None
        self._kept: StatTable | None = None
        """What the last look saw, if it was kept."""

    def take(
        self,
        sink: ObjectSink,
        parent: Snapshot | None,
        also: Collection[bytes] = (),
        *,
        among: Collection[bytes] | None = None,
        placed: Mapping[bytes, Placed] = NONE_PLACED,  # they are fresh: a scan has to read them
    ) -> ScanCaptured:
        table = self._kept if among is not None else None
        if table is None:
            table, among, self._kept = self._newest_table(), None, None
        scanner = Scanner(self._root, table, config=self._config)
        self._last = capture_tree(scanner, sink, parent, also, among)
        return self._last

    def keep(self, captured: Captured) -> None:
        if captured is not self._last or not isinstance(captured, ScanCaptured):
            return
        self._kept = captured.table
        if captured.table_changed:
            save_table(self._store, captured.table)
            self._table, self._stamp = captured.table, table_stamp(self._store)

    def between(self, a: Snapshot, b: Snapshot) -> None:
        return None

    def seen(self, paths: Iterable[bytes]) -> Mapping[bytes, Seen]:
        return {}

    def _newest_table(self) -> StatTable | None:
        """Returns the saved table, read again only when another one took its place."""
        stamp = table_stamp(self._store)
        if stamp != self._stamp:
            self._table, self._stamp = load_table(self._store), stamp
        return self._table


def table_stamp(store: Path) -> tuple[int, ...]:
    """Returns what tells one saved stat table from the next; empty when there is none."""
    try:
        found = os.stat(store / _TABLE)
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def load_table(store: Path) -> StatTable | None:
    """Returns the saved stat table; None when there is none or it cannot be trusted."""
    try:
        return StatTable.loads((store / _TABLE).read_bytes())
    except OSError:
        return None


def save_table(store: Path, table: StatTable) -> None:
    """Saves a stat table whose snapshot the store holds.

    It is derived: a failure costs the next capture a full scan and nothing else, so it is not
    reported, and a missing fsync cannot hurt because a torn table fails its checksum.
    """
    with suppress(StepwellError):
        write_atomic(store / _TABLE, table.dumps(), durable=False)
