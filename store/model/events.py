"""What the store tells its subscribers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepwell.store.model.ids import StepId

EVENTS = frozenset(
    {
        "snapshot:created",
        "snapshot:deleted",
        "snapshot:rollback",
        "snapshot:milestone",
        "snapshot:compression",
        "snapshot:cleanup",
        "experiment:branch-created",
        "experiment:branch-merged",
        "automatic:started",
        "automatic:stopped",
        "import:completed",
        "rule:verdict",
        "gap",
        "error",
        "daemon:started",
        "shutdown:complete",
    }
)
"""Names of all events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a workspace."""

    event: str
    """One of EVENTS."""
    time_ns: int
    workspace: str
    session: str | None = None
    step: StepId | None = None
    operation: int = 0
    """Number of the operation that it tells of; 0 for one that is no operation."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON values, such as `title` of a new step."""
