"""Sessions with their figures. Pure."""

from __future__ import annotations

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
