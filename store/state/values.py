"""The values of state snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stepwell.store.model.errors import UsageError

SnapshotType = Literal["full", "incremental"]
StorageType = Literal["memory", "disk", "hybrid"]
SortKey = Literal["timestamp", "size", "description"]
Direction = Literal["asc", "desc"]
ExportFormat = Literal["json", "binary"]

MILLISECOND = 1_000_000
"""In nanoseconds."""


@dataclass(frozen=True, slots=True)
class StateConfig:
    """How snapshots of state are taken and kept.

    Raises:
        UsageError: a number is out of range, or a storage type unknown.
    """

    automatic_interval_ms: int = 30_000
    """Time between automatic snapshots."""
    max_retention_ms: int = 86_400_000
    """Age from which a snapshot is removed."""
    max_snapshots: int = 1000
    """Snapshots kept of one session."""
    compression_enabled: bool = True
    compression_threshold: int = 1024
    """Bytes from which content is compressed."""
    storage_type: StorageType = "hybrid"
    persistence_enabled: bool = True
    """False: nothing is written to disk, whatever the storage type."""
    incremental_enabled: bool = True
    checksum_validation: bool = True
    """False: damage shows only where it makes content unreadable."""
    tagged_snapshots_only: bool = False
    """True: of each session only tagged snapshots are kept, and the newest."""
    full_every: int = 32
    """Snapshots that at most build on one another, the full one included."""
    events_per_snapshot: int = 100
    """Events replayed by a reconstruction before it stores what it has; 0: never."""

    def __post_init__(self) -> None:
        least = {
            "automatic_interval_ms": 1,
            "max_retention_ms": 1,
            "max_snapshots": 1,
            "compression_threshold": 0,
            "full_every": 1,
            "events_per_snapshot": 0,
        }
        for name, floor in least.items():
            value = getattr(self, name)
            if type(value) is not int or value < floor:
                raise UsageError(
                    f"{name} is {value!r}", hint=f"it takes a whole number from {floor} on"
                )
        for name in _SWITCHES:
            if type(getattr(self, name)) is not bool:
                raise UsageError(f"{name} is {getattr(self, name)!r}", hint="it is true or false")
        if self.storage_type not in ("memory", "disk", "hybrid"):
            raise UsageError(
                f"{self.storage_type!r} is no storage type", hint="memory, disk or hybrid"
            )


_SWITCHES = (
    "compression_enabled",
    "persistence_enabled",
    "incremental_enabled",
    "checksum_validation",
    "tagged_snapshots_only",
)


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """What is known of a snapshot without its state; `StateSnapshots.reconstruct_state` gives that."""

    id: str
    """32 lower-case hex digits."""
    session: str
    number: int
    """Counts up within one storage, in the order of storing."""
    time_ns: int
    type: SnapshotType
    """How it is stored; an incremental one becomes full when what it builds on is deleted."""
    tags: tuple[str, ...]
    description: str
    size: int
    """Bytes of the state as canonical JSON."""
    stored_bytes: int
    checksum: str
    """SHA-256 of the state as canonical JSON, in hex."""
    base: str | None = None
    """Id of the snapshot that an incremental one builds on; None for a full one."""
    compressed: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class StateEvent:
    """Something that happened to a session's state, in the order of recording."""

    session: str
    time_ns: int
    kind: str
    data: Any


@dataclass(frozen=True, slots=True)
class StateChange:
    """One difference; a sequence of them is an RFC 6902 patch that also knows the old values."""

    op: Literal["add", "remove", "replace"]
    path: str
    """JSON pointer (RFC 6901)."""
    old: Any
    """None where `op` is add."""
    new: Any
    """None where `op` is remove."""


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """What happened to the items of one top-level collection."""

    changes: int
    added: int
    removed: int
    changed: int

    @property
    def items(self) -> int:
        """How many items differ."""
        return self.added + self.removed + self.changed


@dataclass(frozen=True, slots=True)
class StateSummary:
    """Changes, counted."""

    total_changes: int
    collections: Mapping[str, CollectionSummary]
    """By name, only those that differ; the name is empty where the state is no collection."""

    def changed(self, collection: str) -> int:
        """Returns how many items of a collection differ; 0 for one that does not."""
        found = self.collections.get(collection)
        return found.items if found else 0


@dataclass(frozen=True, slots=True)
class StateComparison:
    """How one snapshot's state differs from another's."""

    first: StateSnapshot
    second: StateSnapshot
    changes: tuple[StateChange, ...]
    summary: StateSummary


@dataclass(frozen=True, slots=True)
class DamagedSnapshot:
    """A stored snapshot that cannot be used."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StateStatistics:
    """What a storage holds."""

    total: int
    full: int
    incremental: int
    automatic: int
    tagged: int
    sessions: Mapping[str, int]
    """Snapshots by session."""
    total_size: int
    """Bytes of all states as canonical JSON."""
    stored_bytes: int
    """Bytes of content as stored, with what is kept only because others build on it."""
    damaged: tuple[DamagedSnapshot, ...]
    oldest_ns: int | None
    newest_ns: int | None

    @property
    def compression_ratio(self) -> float | None:
        """How many times smaller the states are as stored; None when there is none."""
        return round(self.total_size / self.stored_bytes, 2) if self.stored_bytes else None


@dataclass(frozen=True, slots=True)
class StateQuery:
    """Which snapshots are meant; what is None or empty does not narrow."""

    session: str | None = None
    tags: tuple[str, ...] = ()
    """All of them must be there."""
    start_ns: int | None = None
    """From this time on."""
    end_ns: int | None = None
    """Up to and including this time."""
    type: SnapshotType | None = None

    def takes(self, snapshot: StateSnapshot) -> bool:
        """Tells whether the query means the snapshot."""
        return (
            self.session in (None, snapshot.session)
            and self.type in (None, snapshot.type)
            and (self.start_ns is None or self.start_ns <= snapshot.time_ns)
            and (self.end_ns is None or snapshot.time_ns <= self.end_ns)
            and set(self.tags) <= set(snapshot.tags)
        )


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """An item that was not imported, and why."""

    item: str
    """Its id, or its place where it has none."""
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the items of an import."""

    imported: int = 0
    skipped: int = 0
    """Items that were there already."""
    errors: tuple[ImportProblem, ...] = field(default=())
