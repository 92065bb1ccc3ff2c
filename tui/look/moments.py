"""Times as short text. The clock is always given; local time unless a zone is given."""

from __future__ import annotations

from datetime import datetime, tzinfo

_SECOND = 1_000_000_000
_LIMITS = ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (14 * 86400, 86400, "d"))

AGE_CELLS = 4
"""Cells that `age` needs at most."""
STAMP_CELLS = 8
"""Cells that `stamp` needs at most."""


def age(now_ns: int, then_ns: int) -> str:
    """Returns how long ago `then_ns` was: `now`, `12s`, `4m`, `3h`, `9d`, `5w`, `8mo`, `2y`."""
    seconds = max(0, (now_ns - then_ns) // _SECOND)
    if seconds < 1:
        return "now"
    for limit, unit, sign in _LIMITS:
        if seconds < limit:
            return f"{seconds // unit}{sign}"
    days = seconds // 86400
    if days < 60:
        return f"{days // 7}w"
    return f"{days // 30}mo" if days < 365 else f"{days // 365}y"


def stamp(now_ns: int, then_ns: int, zone: tzinfo | None = None) -> str:
    """Returns the absolute time in few cells: `14:02:19` today, `Jul 03`, `2024-07`."""
    now, then = _local(now_ns, zone), _local(then_ns, zone)
    if now.date() == then.date():
        return f"{then:%H:%M:%S}"
    return f"{then:%b %d}" if now.year == then.year else f"{then:%Y-%m}"


def full_stamp(then_ns: int, zone: tzinfo | None = None) -> str:
    """Returns date and time of day: `2026-07-03 14:02:19`."""
    return f"{_local(then_ns, zone):%Y-%m-%d %H:%M:%S}"


def of_day(now_ns: int, zone: tzinfo | None = None) -> str:
    """Returns the time of day: `14:02`."""
    return f"{_local(now_ns, zone):%H:%M}"


def took(milliseconds: int) -> str:
    """Returns a duration: `80 ms`, `1.2 s`, `3m 10s`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60}m {int(seconds) % 60:02d}s"


def _local(time_ns: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(time_ns / _SECOND, zone).astimezone(zone)
