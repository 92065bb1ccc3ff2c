"""Values of retention: what is to be kept, what was decided of each step, what a prune would do."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.store.model.ids import StepId


@dataclass(frozen=True, slots=True)
class Policy:
    """How much history is kept. Marked steps, milestones, branches' tips and branch points always are."""

    keep_last: int = 200
    """The newest steps of the workspace; at least one."""
    hourly: int = 72
    """The newest step of each of so many hours in which there are any."""
    daily: int = 60
    """The same of days."""
    per_session: int = 20
    """The newest steps of each session; at least one."""
    safety_days: int = 14
    """Safety steps, and what undo needs, are kept until work is recorded so many days after them."""
    imported: bool = True
    """Keep what was imported."""
    max_bytes: int | None = None
    """Beyond this size of the history the oldest steps go although a count above would keep them."""
    grace_minutes: int = 120
    """So long after a prune `gc` leaves its steps in place, to be undone."""
    fold: bool = False
    """Drop only what folding finds; the counts above do not matter then."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What the choice looks at of a step."""

    step: StepId
    seq: int
    time_ns: int
    session: str | None = None
    safety: bool = False
    imported: bool = False
    held: str = ""
    """Why it must stay whatever the policy says; empty when nothing holds it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided of a step, and why."""

    step: StepId
    seq: int
    keep: bool
    reason: str
    pinned: bool = False
    """Kept whatever the size; else a size limit may take it."""


@dataclass(frozen=True, slots=True)
class PruneStep:
    """A step that a prune would drop, as it is told."""

    step: StepId
    seq: int
    time_ns: int
    title: str
    reason: str
    into: int | None = None
    """Of a folding: the number of the step that stands for it."""


@dataclass(frozen=True, slots=True)
class Prune:
    """What a prune would do, or did."""

    dropped: tuple[PruneStep, ...]
    """The oldest first."""
    kept: tuple[tuple[str, int], ...]
    """Reason and how many steps stay for it, the most first; a step counts for one reason."""
    bytes_freed: int
    """Stored bytes that nothing kept needs; `gc` takes them after the grace time."""
    bytes_kept: int
    """Stored bytes that the steps that stay need."""
    max_bytes: int | None
    grace_minutes: int
    operation: int | None = None
    """Of a prune that was done; None when it was not, or had nothing to do."""
    bytes_other: int = 0
    """With a size limit: what the store takes beside that content, such as operations and indexes."""
    folded: tuple[tuple[int, int], ...] = ()
    """Of a folding: the numbers of steps that stand for others, and for how many; ascending."""

    @property
    def over(self) -> int:
        """By how much what must stay exceeds the size limit; 0 when it does not."""
        return (
            0
            if self.max_bytes is None
            else max(0, self.bytes_kept + self.bytes_other - self.max_bytes)
        )
