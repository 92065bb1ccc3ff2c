"""What the facade reports about a workspace and its store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stepwell.store.model.changes import Change
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import Conflict, PathState
from stepwell.store.model.steps import Covered, Intent, Step


@dataclass(frozen=True, slots=True)
class Status:
    """Where a workspace stands."""

    workspace: str
    root: bytes
    store: Path
    branch: str
    head: Step
    dirty: tuple[Change, ...]
    """The disk against the head, without hunks."""
    pending: Intent | None
    """An interrupted change of the workspace, which the next writing command settles."""
    pending_paths: tuple[TrackedPath, ...]
    """What that change has not reached yet; empty too when its plan cannot be read."""
    sessions: int
    steps: int
    store_bytes: int
    merging: MergeStatus | None = None
    """The merge under way."""
    left_out: tuple[Covered, ...] = ()
    """What a capture would not store, or not surely, now; without what rules ignore."""


@dataclass(frozen=True, slots=True)
class MergeStatus:
    """A merge whose conflicts are on disk."""

    branch: str
    theirs: StepId
    conflicts: tuple[Conflict, ...]
    unsettled: tuple[TrackedPath, ...]
    """Of them, the files that still hold conflict markers."""
    on_disk: tuple[PathState | None, ...]
    """What lies at each conflict's path now; None: nothing."""


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch as listed."""

    name: str
    head: StepId
    base: StepId | None
    """The step that it was created at; None for the first branch."""
    current: bool
    kept: bool
    """Made by a rollback or undo so that no future is lost."""
    ahead: int
    """Steps before its head, and itself, that the current branch has not: neither made nor merged."""
    behind: int
    """Steps of the current branch that it has not."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was written."""

    kind: str
    """frame, object, segment, ..."""
    id: str
    """Object id in hex, or where the damage is."""
    affects: tuple[str, ...] = ()
    """Ids of the steps that cannot be read back whole because of it."""
    reason: str = ""
    operations: tuple[int, ...] = ()
    """The operations that recorded those steps, or that the damage is part of; ascending."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Which objects a verification reads that does not read all: another part with each turn."""

    percent: float
    turn: int
    """Such as the day; after 100 / percent turns every object was read."""

    def takes(self, oid: Oid) -> bool:
        """Tells whether the object is in this turn's part."""
        place = int.from_bytes(oid[:4], "big") * 100 / (1 << 32)
        start = self.turn * self.percent % 100
        return (place - start) % 100 < self.percent


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` found."""

    checked: int
    damaged: tuple[Damage, ...]
    full: bool
    nearest: Mapping[str, str | None] = field(default_factory=dict)
    """Of each step that damage affects, the nearest one that is whole; None: there is none."""

    @property
    def ok(self) -> bool:
        """Tells whether nothing is damaged."""
        return not self.damaged


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair found and left."""

    before: tuple[Damage, ...]
    after: tuple[Damage, ...]
    checked: int
    sources: Mapping[str, int]
    """How many objects came from where: `workspace`, `bundle`."""

    @property
    def mended(self) -> int:
        """How much of what was damaged is not any more."""
        left = {(one.kind, one.id) for one in self.after}
        return sum((one.kind, one.id) not in left for one in self.before)


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts and sizes of a store; bytes."""

    steps: int
    operations: int
    branches: int
    checkpoints: int
    sessions: int
    segments: int
    raw_bytes: int
    """Objects as they are, each counted once."""
    stored_bytes: int
    """The same as written in the journal."""
    segment_bytes: int
    """The live segments' files."""
    packs: int
    sealed_steps: int
    sealed_operations: int
    sealed_raw_bytes: int
    """Objects that are sealed, as they are."""
    sealed_bytes: int
    """The packs with their indexes."""
    catalogue_bytes: int
    store_bytes: int
    """The whole store on disk."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a sealing did; bytes."""

    steps: int
    operations: int
    objects: int
    """Those that segments held, and those derived from them."""
    bytes_before: int
    """Of the segments that are no more."""
    bytes_after: int
    """Of the packs that hold the same, with their indexes."""
    packs: int
    """How many packs there are now."""
    merged: int = 0
    """How many packs were merged into one."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What removing dropped steps for good did; bytes of the packs before and after."""

    steps: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What a `gc` did."""

    sealed: Sealed
    swept: Swept


Where = Literal["title", "prompt", "input", "note", "path", "diff"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A text of a step that holds all words of a search."""

    step: Step
    where: Where
    excerpt: str
    """The line of the first word, cut around it and safe for a terminal."""


@dataclass(frozen=True, slots=True)
class BlameLine:
    """A line of a file and the step that it came with."""

    line: int
    """1-based."""
    text: bytes
    """With its line feed, if it has one."""
    step: Step
    prompt: str | None = None
    """What the step's turn was asked for; None when it has no prompt."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one kind of work takes, by the newest times of it."""

    name: str
    count: int
    """How often it was done; of the newest 1,000 the times are known."""
    p50_ms: float
    p99_ms: float
    newest_ms: tuple[float, ...] = ()
    """The newest 100 times, oldest first."""


@dataclass(frozen=True, slots=True)
class Grown:
    """How far the history had come at a moment."""

    time_ns: int
    """Nanoseconds since the epoch."""
    steps: int
    bytes: int
    """What those steps added to it, as it was written."""


@dataclass(frozen=True, slots=True)
class Bisected:
    """Which step broke something."""

    first_bad: Step
    """The first one that is known to be bad."""
    last_good: Step
    tried: int
    """How often the command was run, the two ends with it."""
    skipped: int
    """Steps that could not be tried."""
    suspects: tuple[Step, ...] = ()
    """Steps between the two that could not be tried, and may have broken it as well."""
    prompt: str | None = None
    """What the turn of the first bad one was asked for."""
