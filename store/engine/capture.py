"""Capturing a workspace: from a scan to a snapshot, its coverage, and the table to be saved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from stepwell.store.engine import extras
from stepwell.store.engine.coverage import count_coverage, encode_coverage, encode_rules
from stepwell.store.engine.objects import BLOB, ObjectSink
from stepwell.store.engine.scan import Scanner
from stepwell.store.engine.snapshots import Difference
from stepwell.store.engine.stattable import StatTable
from stepwell.store.engine.treebuild import build_extras
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import CoverageCounts, Covered, Snapshot


@dataclass(frozen=True, slots=True)
class Since:
    """What differs from an earlier snapshot."""

    base: Snapshot
    pairs: tuple[Difference, ...]
    """As `snapshots.differing` gives them."""


@dataclass(frozen=True, slots=True)
class Captured:
    """What a capture found and added to the sink."""

    snapshot: Snapshot
    covered: tuple[Covered, ...]
    """In path order; of ignored paths the topmost only."""
    counts: CoverageCounts
    rules_blob: Oid | None
    """None when no ignore rules are in force."""
    coverage_blob: Oid | None
    """None when everything was stored surely."""
    since: Since | None = None
    """What changed, where that is known without comparing trees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCaptured(Captured):
    """What a scan found, with what the next scan needs of it."""

    table: StatTable
    """To be saved once the snapshot is acknowledged, never before."""
    table_changed: bool
    """False: the table is the one that the scanner was given."""


def capture_tree(
    scanner: Scanner,
    sink: ObjectSink,
    parent: Snapshot | None,
    also: Collection[bytes] = (),
    among: Collection[bytes] | None = None,
) -> ScanCaptured:
    """Captures the scanner's workspace into `sink`.

    `parent` is the snapshot that the step will be compared with: its files are stored whatever
    their size, and its entries stand in for what cannot be read. `also` names files and links
    (workspace paths) that are stored although ignored or above the cap. With `among` only those
    paths, and the folders that they lie in, are compared with the scanner's table.

    Raises:
        FailedError: the workspace folder cannot be opened or listed.
        StepwellError: whatever the sink raises when it cannot store.
    """
    scan = scanner.scan(sink, parent, also, among)
    table = scan.table
    if scan.changed:
        oid = sink.add(BLOB, extras.encode(build_extras(table)))
        table.snapshot = Snapshot(Oid(table.folders.tree[0]), oid)
    covered = table.covered()
    return ScanCaptured(
        table.snapshot,
        covered,
        count_coverage(covered, len(table.files.paths)),
        _added(sink, encode_rules(table.rule_texts())),
        _added(sink, encode_coverage(covered)),
        table=table,
        table_changed=scan.changed,
    )


def _added(sink: ObjectSink, content: bytes) -> Oid | None:
    return sink.add(BLOB, content) if content else None
