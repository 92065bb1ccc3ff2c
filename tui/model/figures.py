"""The store's figures as lines with bars, and how the history grew. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.tui.model.notices import size_text
from stepwell.tui.values import Memory, Stats, Tier, TierReport


@dataclass(frozen=True, slots=True)
class Figure:
    """A name, a value in words, and the share of the largest that a bar shows; None: no bar."""

    name: str
    value: str
    share: float | None = None


def figures(stats: Stats, report: TierReport) -> tuple[Figure, ...]:
    """Returns counts, then sizes with bars, then what compression saved, and the tiers."""
    counts = ("steps", "checkpoints", "branches", "sessions", "operations", "segments", "packs")
    sizes = (
        ("content", stats.raw_bytes),
        ("in segments", stats.segment_bytes),
        ("in packs", stats.sealed_bytes),
        ("catalogue", stats.catalogue_bytes),
        ("whole store", stats.store_bytes),
    )
    top = max(1, *(size for _, size in sizes))
    return (
        *(Figure(name, f"{getattr(stats, name):,}") for name in counts),
        *(Figure(name, size_text(size), size / top) for name, size in sizes),
        Figure("smaller", _ratio(stats.raw_bytes, stats.segment_bytes + stats.sealed_bytes)),
        Figure("of sealed", _ratio(stats.sealed_raw_bytes, stats.sealed_bytes)),
        *(_tier(tier) for tier in report.tiers),
        Figure("in memory", size_text(report.memory.bytes)),
        Figure("looks", _looks(report.memory)),
    )


def _tier(tier: Tier) -> Figure:
    """Returns how many steps a tier has, and how long half of the looks at them took."""
    took = "" if tier.p50_ms is None else f", {tier.p50_ms:.1f} ms"
    return Figure(f"tier {tier.name}", f"{tier.steps:,}{took}")


def _looks(memory: Memory) -> str:
    """Returns which share of the looks at steps memory had ready."""
    rate = memory.hit_rate
    return "none yet" if rate is None else f"{rate:.0%} ready"


def _ratio(raw: int, stored: int) -> str:
    return f"{raw / stored:.1f} times" if raw and stored else "nothing yet"


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


def grown(times_ns: Sequence[int], columns: int) -> list[int]:
    """Returns how many steps there were at the end of each of `columns` equal spans of time."""
    if not times_ns or columns < 1:
        return []
    first, last = times_ns[0], times_ns[-1]
    ends = (first + (last - first) * place // columns for place in range(1, columns + 1))
    return [bisect_right(times_ns, end) for end in ends]


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
