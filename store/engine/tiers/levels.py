"""How much memory the tiers may take, and what goes at which level. Pure.

What goes is only what memory holds ready: every acknowledged step is in the store all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from stepwell.store.engine.pruning.fold import CONTINUOUS_NS
from stepwell.store.engine.tiers.ready import Key
from stepwell.store.engine.tiers.recent import Held

Level = Literal["calm", "normal", "aggressive", "emergency"]
"""normal: of edits that continue one another the newest stays ready. aggressive: also, of all that
a turn did to a file, the newest, and no contents but of each session's newest steps. emergency:
also, nothing but those; and the store is sealed."""

NEWEST = 10
"""Steps of a session that stay ready whatever happens."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Bytes of the tiers' own from which on a level holds."""

    normal: int = 80_000_000
    aggressive: int = 120_000_000
    emergency: int = 150_000_000

    def level(self, size: int) -> Level:
        """Returns the level of a size."""
        if size >= self.emergency:
            return "emergency"
        if size >= self.aggressive:
            return "aggressive"
        return "normal" if size >= self.normal else "calm"


DEFAULT = Thresholds()


def continued(ring: Sequence[Held]) -> Iterator[Key]:
    """Yields a session's steps that the next one continues: the same file within five seconds."""
    for step, after in pairwise(ring[: 1 - NEWEST]):
        near = 0 <= after.time_ns - step.time_ns <= CONTINUOUS_NS
        if near and _edited(step) is not None and _edited(step) == _edited(after):
            yield step.key


def superseded(ring: Sequence[Held]) -> Iterator[Key]:
    """Yields a session's steps whose file was changed again in the same turn, further or back."""
    later = {_edited(held) for held in ring[-NEWEST:]}
    for held in reversed(ring[:-NEWEST]):
        edited = _edited(held)
        if edited is not None and edited in later:
            yield held.key
        later.add(edited)


def older(ring: Sequence[Held]) -> Iterator[Key]:
    """Yields a session's steps but its newest."""
    yield from (held.key for held in ring[:-NEWEST])


def _edited(held: Held) -> tuple[int | None, bytes] | None:
    """Returns turn and path of a step that changed one file; None of any other."""
    path = held.ready.path
    return None if path is None else (held.turn, path)
