"""What the catalogue lists besides steps."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Mark


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session and the extent of its steps."""

    name: str
    agent: str | None
    """Of its newest step."""
    steps: int
    first_ns: int
    """When its first recorded step was taken; nanoseconds since the epoch."""
    last_ns: int
    last_step: StepId
    """The session's head: its newest step."""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A marked step."""

    step: StepId
    seq: int
    mark: Mark
