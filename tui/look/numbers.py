"""Numbers as short text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise


def grouped(count: int) -> str:
    """Returns `1,284`."""
    return f"{count:,}"


def brief(count: int, *, exact: bool = True) -> str:
    """Returns a count in at most four cells: `999`, `1.2k`, `88k`, `3.1M`; not exact: `1k`."""
    if count < 1000:
        return str(count)
    for unit, sign in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        value = count / unit
        if value < 9.95 and exact:
            return f"{value:.1f}{sign}"
        if value < 999.5:
            return f"{value:.0f}{sign}"
    return "lots"


def spark(values: Sequence[int], levels: str) -> str:
    """Returns one sign of `levels` a value; zero is the lowest, the largest value the highest."""
    top = max(values, default=0)
    if not top:
        return levels[0] * len(values)
    steps = len(levels) - 1
    return "".join(levels[-(-value * steps // top)] for value in values)


def buckets(times_ns: Sequence[int], count: int) -> list[int]:
    """Returns how many of the ascending times fall into each of `count` equal spans.

    Costs `count` searches, however many times there are.
    """
    if not times_ns or count < 1:
        return [0] * max(0, count)
    first, last = times_ns[0], times_ns[-1]
    edges = [first + (last - first) * place // count for place in range(1, count)]
    cuts = [0, *(bisect_left(times_ns, edge) for edge in edges), len(times_ns)]
    return [max(0, high - low) for low, high in pairwise(cuts)]
