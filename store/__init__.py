"""Stepwell's library: capture a workspace at every step, browse it, go back, take that back too.

These names are the supported API; everything else may change. Importing this package loads none of
the modules behind them, nor any heavy dependency: a name is looked up when it is first used.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from stepwell.store.model.version import VERSION as __version__

if _TYPE_CHECKING:
    from stepwell.store.engine.recording import Act, Recorded
    from stepwell.store.engine.scan import CaptureConfig
    from stepwell.store.model.access import Lease
    from stepwell.store.model.changes import Change, Hunk
    from stepwell.store.model.errors import (
        AmbiguousError,
        BusyError,
        FailedError,
        IntegrityError,
        LeaseError,
        NotAWorkspaceError,
        NotFoundError,
        RefusedError,
        StepwellError,
        UsageError,
    )
    from stepwell.store.model.experiments import Approach, Candidate, Experiment, Ranked
    from stepwell.store.model.plans import Applied, Conflict, Kept, Plan, PlannedChanges
    from stepwell.store.model.reports import BlameLine, BranchRow, Hit
    from stepwell.store.model.steps import (
        Branch,
        Covered,
        Mark,
        Note,
        Operation,
        Snapshot,
        Step,
        StepResult,
        View,
    )
    from stepwell.store.sdk import Workspace
    from stepwell.store.state.persistence import MemoryPersistence
    from stepwell.store.state.snapshots import StateSnapshots
    from stepwell.store.state.values import StateConfig, StateQuery, StateSnapshot


__all__ = [
    "Act",
    "AmbiguousError",
    "Applied",
    "Approach",
    "BlameLine",
    "Branch",
    "BranchRow",
    "BusyError",
    "Candidate",
    "CaptureConfig",
    "Change",
    "Conflict",
    "Covered",
    "Experiment",
    "FailedError",
    "Hit",
    "Hunk",
    "IntegrityError",
    "Kept",
    "Lease",
    "LeaseError",
    "Mark",
    "MemoryPersistence",
    "NotAWorkspaceError",
    "NotFoundError",
    "Note",
    "Operation",
    "Plan",
    "PlannedChanges",
    "Ranked",
    "Recorded",
    "RefusedError",
    "Snapshot",
    "StateConfig",
    "StateQuery",
    "StateSnapshot",
    "StateSnapshots",
    "Step",
    "StepResult",
    "StepwellError",
    "UsageError",
    "View",
    "Workspace",
    "__version__",
]

_HOMES = {
    "engine.recording": ("Act", "Recorded"),
    "engine.scan": ("CaptureConfig",),
    "model.access": ("Lease",),
    "model.changes": ("Change", "Hunk"),
    "model.experiments": ("Approach", "Candidate", "Experiment", "Ranked"),
    "model.plans": ("Applied", "Conflict", "Kept", "Plan", "PlannedChanges"),
    "model.reports": ("BlameLine", "BranchRow", "Hit"),
    "model.steps": (
        "Branch",
        "Covered",
        "Mark",
        "Note",
        "Operation",
        "Snapshot",
        "Step",
        "StepResult",
        "View",
    ),
    "state.persistence": ("MemoryPersistence",),
    "state.snapshots": ("StateSnapshots",),
    "state.values": ("StateConfig", "StateQuery", "StateSnapshot"),
    "sdk": ("Workspace",),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((m for m, names in _HOMES.items() if name in names), "model.errors")
    value: object = getattr(_import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
