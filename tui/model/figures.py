"""The store's figures as lines with bars and curves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from stepwell.tui.model.notices import size_text

if TYPE_CHECKING:
    from stepwell.tui.values import Grown, Memory, Stats, Tier, TierReport, Timing

GROWTH_POINTS = 100
"""How many moments the growth is told at."""
CAPTURING = frozenset({"capture", "record", "hook"})
"""What a daemon does to record a step, as its timings name it."""
_COUNTS = {
    "checkpoints": "steps with a label, tags or notes",
    "branches": "also those that rollbacks keep",
    "sessions": "each a conversation with an agent",
    "operations": "all that was done, and what undo needs",
    "segments": "of the journal: not sealed yet",
    "packs": "what is sealed, as git keeps it",
}
_TIERS = {
    "L1": "the newest of each session, in memory",
    "L2": "not sealed yet",
    "L3": "sealed",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A name, a value in words, and what is drawn of it: a bar, a curve, or nothing."""

    name: str
    value: str
    share: float | None = None
    """Of the largest; None: no bar."""
    curve: tuple[int, ...] = ()
    about: str = ""
    """What it is, where nothing is drawn."""


def figures(
    stats: Stats, report: TierReport, growth: Sequence[Grown], timings: Sequence[Timing]
) -> tuple[Figure, ...]:
    """Returns counts, growth and latencies, then sizes, what compression saved, and the tiers."""
    sizes = (
        ("content", stats.raw_bytes),
        ("in segments", stats.segment_bytes),
        ("in packs", stats.sealed_bytes),
        ("catalogue", stats.catalogue_bytes),
        ("whole store", stats.store_bytes),
    )
    top = max(1, *(size for _, size in sizes))
    return (
        Figure("steps", f"{stats.steps:,}", curve=tuple(one.steps for one in growth)),
        Figure("as written", _written(growth), curve=tuple(one.bytes for one in growth)),
        *(_latency(one) for one in timings if one.name in CAPTURING),
        *(
            Figure(name, f"{getattr(stats, name):,}", about=about)
            for name, about in _COUNTS.items()
        ),
        *(Figure(name, size_text(size), size / top) for name, size in sizes),
        Figure(
            "smaller",
            _ratio(stats.raw_bytes, stats.segment_bytes + stats.sealed_bytes),
            about="than the content that it holds",
        ),
        Figure(
            "sealed part",
            _ratio(stats.sealed_raw_bytes, stats.sealed_bytes),
            about="smaller than its content",
        ),
        *(_tier(tier) for tier in report.tiers),
        Figure("in memory", size_text(report.memory.bytes), about="what the tiers take there"),
        Figure(
            "ready", _ready(report.memory), about="looks at steps that memory had the answer to"
        ),
    )


def _written(growth: Sequence[Grown]) -> str:
    return size_text(growth[-1].bytes) if growth else "nothing yet"


def _latency(timing: Timing) -> Figure:
    """Returns within what half of the captures were done, and the newest ones as a curve."""
    newest = tuple(round(one * 1000) for one in timing.newest_ms)
    return Figure(timing.name, f"{timing.p50_ms:,.1f} ms", curve=newest)


def _tier(tier: Tier) -> Figure:
    """Returns how many steps a tier has, and how long half of the looks at them took."""
    took = "" if tier.p50_ms is None else f", {tier.p50_ms:.1f} ms"
    about = _TIERS.get(tier.name, "")
    return Figure(f"tier {tier.name}", f"{tier.steps:,}{took}", about=about)


def _ready(memory: Memory) -> str:
    """Returns which share of the looks at steps memory had ready."""
    rate = memory.hit_rate
    return "no look yet" if rate is None else f"{rate:.0%}"


def _ratio(raw: int, stored: int) -> str:
    if not (raw and stored):
        return "nothing yet"
    return f"{raw / stored:.1f} times" if raw > stored else "not yet"


def bar(share: float, width: int, signs: str) -> str:
    """Returns a bar of at most `width` cells; something never looks like nothing.

    `signs` are the eighths of a cell, from empty to full.
    """
    steps = len(signs) - 1
    eighths = round(share * width * steps)
    if share > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, steps)
    return signs[-1] * whole + (signs[rest] if rest else "")


def fitted(values: Sequence[int], columns: int) -> list[int]:
    """Returns the values with none left out but where there are more than columns; the last stays.

    Of the values that fall into one column the largest stands for all, so that no peak is lost.
    """
    if len(values) <= columns:
        return list(values)
    cuts = [len(values) * at // columns for at in range(columns + 1)]
    return [max(values[low:high]) for low, high in pairwise(cuts)]


def area(values: Sequence[int], height: int, signs: str) -> list[str]:
    """Returns a filled curve as `height` lines, the top first; zero is empty."""
    top, steps = max(values, default=0), len(signs) - 1
    lines = []
    for level in range(height - 1, -1, -1):
        line = ""
        for value in values:
            filled = -(-value * height * steps // top) - level * steps if top else 0
            line += signs[max(0, min(steps, filled))]
        lines.append(line)
    return lines
