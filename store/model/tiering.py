"""What is told of the tiers, of the memory that they take, and of the room that is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Relieved:
    """What was done to take less memory; bytes of what the tiers hold there."""

    level: str
    """normal, aggressive or emergency."""
    bytes_before: int
    bytes_after: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier in figures. Of L1 and L2, what lies in memory is that of the daemon."""

    name: Literal["L1", "L2", "L3"]
    steps: int
    """L1: ready in memory. L2: in segments. L3: in packs."""
    bytes: int
    """What they take there, indexes included."""
    ratio: float | None
    """How many times more it would be as whole copies (L1: were nothing shared); None: nothing there."""
    ready: int
    """Steps whose change is in memory."""
    ready_bytes: int
    promoted: int
    """Steps that came from the tier before: L2 out of L1's rings, L3 by sealing."""
    looks: int
    """How often a step of it was looked at, or (L1, L2) found in memory."""
    p50_ms: float | None
    """Of those looks; None without any."""
    p99_ms: float | None
    milestones: int = 0
    """L3: steps that are kept for ever, sealed or not."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the tiers hold in memory, and what was looked at."""

    bytes: int
    level: str
    """calm, normal, aggressive or emergency."""
    thresholds: tuple[int, int, int]
    """Bytes from which on normal, aggressive and emergency hold."""
    cleanups: int
    looks: int
    """At steps' changes."""
    at_hand: int
    """Those that memory had."""
    ahead: int
    """Those that it had because they were prepared ahead."""

    @property
    def hit_rate(self) -> float | None:
        """Which share of the looks memory had; None without any."""
        return self.at_hand / self.looks if self.looks else None


@dataclass(frozen=True, slots=True)
class TierReport:
    """The three tiers and the memory that they take."""

    tiers: tuple[Tier, ...]
    memory: Memory


NEAR_LIMIT = 0.9
"""From this share of the size limit on it is warned of."""
LOW_BYTES = 1_000_000_000
LOW_SHARE = 0.05
"""A disk with less free than both of these is nearly full."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is left to a store; bytes."""

    used: int
    """Of the history: segments and packs."""
    limit: int | None
    """What it may take by the policy."""
    free: int
    """On the disk, for this user."""
    total: int

    @property
    def short(self) -> str:
        """In a few words what will run short, the disk first; empty: nothing."""
        if self._disk_warning():
            return "disk nearly full"
        return "store near its limit" if self._limit_warning() else ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will run short, a sentence each, with what to do."""
        return tuple(filter(None, (self._limit_warning(), self._disk_warning())))

    def _limit_warning(self) -> str:
        if self.limit is None or self.used < NEAR_LIMIT * self.limit:
            return ""
        share = f"{100 * self.used / self.limit:.0f} %" if self.limit else "more than all"
        return (
            f"the history takes {share} of its size limit; nothing is dropped by itself: "
            "`stepwell prune --dry-run` tells what would go"
        )

    def _disk_warning(self) -> str:
        if self.free >= LOW_BYTES or self.free >= LOW_SHARE * self.total:
            return ""
        share = f"{100 * self.free / self.total:.1f} %" if self.total else "0 %"
        return (
            f"the disk is nearly full: {share} of it, {self.free / 1e6:,.0f} MB, are free; captures "
            "fail when nothing is left. `stepwell gc` makes the store smaller"
        )
