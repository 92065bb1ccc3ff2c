"""Stepwell's library: capture a workspace at every step, browse it, go back, take that back too.

These names are the supported API; everything else may change. Importing this package loads none of
the heavy dependencies: each is imported where it is first needed.
"""

from stepwell.store.engine.recording import Act, Recorded
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.errors import (
    AmbiguousError,
    BusyError,
    FailedError,
    IntegrityError,
    NotAWorkspaceError,
    NotFoundError,
    RefusedError,
    StepwellError,
    UsageError,
)
from stepwell.store.model.plans import Applied, Kept, Plan, PlannedChanges
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
from stepwell.store.workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "Act",
    "AmbiguousError",
    "Applied",
    "Branch",
    "BusyError",
    "CaptureConfig",
    "Change",
    "Covered",
    "FailedError",
    "Hunk",
    "IntegrityError",
    "Kept",
    "Mark",
    "NotAWorkspaceError",
    "NotFoundError",
    "Note",
    "Operation",
    "Plan",
    "PlannedChanges",
    "Recorded",
    "RefusedError",
    "Snapshot",
    "Step",
    "StepResult",
    "StepwellError",
    "UsageError",
    "View",
    "Workspace",
    "__version__",
]
