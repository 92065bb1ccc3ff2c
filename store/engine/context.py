"""What every verb of the engine is given: where the workspace and its store are, clock, chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from stepwell.store.engine.journal import Durability
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.sight import Sight
from stepwell.store.engine.tiers import Tiers
from stepwell.store.model.ids import Clock, RandomBytes

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total) during long work; total 0 when it is not known."""


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Ignores progress."""


@dataclass(frozen=True, slots=True)
class Context:
    """One opened workspace, as the engine sees it."""

    root: bytes
    """Absolute path of the workspace."""
    store: Path
    clock: Clock
    randomness: RandomBytes
    capture: CaptureConfig
    sight: Sight
    """How the workspace is looked at."""
    wait_s: float = 5.0
    """How long a verb waits for the writer lock before it is refused."""
    durability: Durability = "durable"
    tiers: Tiers = field(default_factory=Tiers)
    """What is ready in memory, and what this process counts of its own work."""
