"""The store's values that screens draw, in one place. What reads or writes is in gateway.py.

Those that the timeline does without are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.errors import (
    DriftError,
    FailedError,
    IntegrityError,
    NotFoundError,
    ObjectMissingError,
    OtherSessionError,
    RefusedError,
    StepwellError,
)
from stepwell.store.model.experiments import (
    Candidate,
    CheckResult,
    Experiment,
    Ranked,
    Verdict,
    verdict_of,
)
from stepwell.store.model.hunknames import hunk_name, lines_of
from stepwell.store.model.ids import Clock, Oid, StepId, short
from stepwell.store.model.patchlines import PatchLines, deflated, pieces_of, signs_before, signs_of
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    ChangeCounts,
    Covered,
    Mark,
    MarkSet,
    Note,
    Operation,
    Snapshot,
    Step,
    StepRecorded,
    StepResult,
    View,
)
from stepwell.store.model.text import (
    one_line,
    plural,
    printable,
    printable_bytes,
    printable_line,
)

if TYPE_CHECKING:
    from stepwell.store.model.plans import (
        Applied,
        Conflict,
        Kept,
        OtherSession,
        PathState,
        Plan,
        PlanItem,
        PlannedChanges,
        Recovery,
    )
    from stepwell.store.model.reports import (
        BranchRow,
        Grown,
        Hit,
        MergeStatus,
        Stats,
        Status,
        Timing,
    )
    from stepwell.store.model.tiering import Memory, Room, Tier, TierReport

__all__ = [
    "Applied",
    "Branch",
    "BranchRow",
    "BranchSet",
    "Candidate",
    "Change",
    "ChangeCounts",
    "CheckResult",
    "Clock",
    "Conflict",
    "Covered",
    "DriftError",
    "Experiment",
    "FailedError",
    "Grown",
    "Hit",
    "Hunk",
    "IntegrityError",
    "Kept",
    "Mark",
    "MarkSet",
    "Memory",
    "MergeStatus",
    "NotFoundError",
    "Note",
    "ObjectMissingError",
    "Oid",
    "Operation",
    "OperationRow",
    "OtherSession",
    "OtherSessionError",
    "PatchLines",
    "PathState",
    "Plan",
    "PlanItem",
    "PlannedChanges",
    "Ranked",
    "Recovery",
    "RefusedError",
    "Room",
    "RuleVerdict",
    "Snapshot",
    "Stats",
    "Status",
    "Step",
    "StepId",
    "StepRecorded",
    "StepResult",
    "StepwellError",
    "Tier",
    "TierReport",
    "Timing",
    "TrackedPath",
    "Verdict",
    "View",
    "deflated",
    "escape",
    "hunk_name",
    "lines_of",
    "one_line",
    "pieces_of",
    "plural",
    "printable",
    "printable_bytes",
    "printable_line",
    "short",
    "signs_before",
    "signs_of",
    "verdict_of",
]

_LATER = {
    "plans": (
        "Applied",
        "Conflict",
        "Kept",
        "OtherSession",
        "PathState",
        "Plan",
        "PlanItem",
        "PlannedChanges",
        "Recovery",
    ),
    "reports": ("BranchRow", "Grown", "Hit", "MergeStatus", "Stats", "Status", "Timing"),
    "tiering": ("Memory", "Room", "Tier", "TierReport"),
}


def __getattr__(name: str) -> object:
    home = next((module for module, names in _LATER.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"stepwell.store.model.{home}"), name)
    globals()[name] = value
    return value


class OperationRow(Protocol):
    """An operation as the store lists it."""

    @property
    def operation(self) -> Operation: ...
    @property
    def undone(self) -> bool: ...
    @property
    def undoable(self) -> bool: ...
