"""What the catalogue lists besides steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepwell.store.model.ids import Oid, StepId
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
    prompt: Oid | None = None
    """Blob of its first prompt."""
    commands: int = 0
    """Tool calls."""
    failed: int = 0
    """Those of them that did not succeed."""
    durations_ms: tuple[int, ...] = ()
    """Of the newest 100 calls that told how long they took, oldest first."""
    stored_bytes: int = 0
    """What its steps added to the store."""
    peak_memory_bytes: int | None = None
    """Largest resident size of a command of it that we ran; None when none is known."""

    @property
    def average_ms(self) -> float | None:
        """Mean of the newest durations; None when none is known."""
        known = self.durations_ms
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """A session in figures."""

    row: SessionRow
    prompt: str | None
    """Text of its first prompt."""
    writer: str | None
    """The client that may write it now."""
    peak_memory_bytes: int | None
    """Largest resident size of what `peak_memory_of` says; None when nothing is known."""
    peak_memory_of: Literal["command", "daemon"] | None
    """A command of it that we ran, else the daemon that recorded it, or the last one."""
    last_accessed_ns: int
    """Of its newest step, or of the last access that was asked for."""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A marked step."""

    step: StepId
    seq: int
    mark: Mark
