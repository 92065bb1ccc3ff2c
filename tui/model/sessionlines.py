"""Sessions with their figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as it is listed."""

    name: str
    agent: str
    prompt: str
    """The first line of what it was asked first; empty when it has no prompt."""
    steps: int
    turns: int
    failures: int
    first_ns: int
    last_ns: int


def duration(seconds: int) -> str:
    """Returns `4m 10s`, `2h 5m`, `3d 1h`: the two largest units."""
    for size, unit, below, part in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // below}{part}"
    return f"{seconds}s"


def metrics(rows: Sequence[SessionLine]) -> list[str]:
    """Returns the sessions' figures as lines, names at the left."""
    if not rows:
        return ["there is no session yet"]
    wide = max(7, *(len(row.name) for row in rows))
    head = (
        f"{'session'.ljust(wide)}  {'steps':>7}  {'turns':>6}  {'failed':>7}  {'success':>7}  took"
    )
    return [head, *(_metrics_line(row, wide) for row in rows)]


def _metrics_line(row: SessionLine, wide: int) -> str:
    share = 100 * (row.steps - row.failures) // row.steps if row.steps else 0
    took = duration(max(0, row.last_ns - row.first_ns) // 1_000_000_000)
    figures = f"{row.steps:>7,}  {row.turns:>6,}  {row.failures:>7,}  {share:>6}%  {took}"
    return f"{row.name.ljust(wide)}  {figures}"
