"""What a process counts of its own work: how often, how long, how many of them in time.

Bounded whatever happens: the newest times of each kind, and no more kinds than there are names in
the program. It is no part of the store's truth: a daemon keeps it across restarts as the memory
that it is (`state/persistence`).
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from stepwell.store.model.reports import Timing

NEWEST = 1_000
"""Times that are kept of each kind."""

_TOLD = 100
"""Times of each kind that are told one by one."""

_FORMAT = 1

PEAK_MEMORY = "peak memory"
"""Counter: the largest resident size of the process, and of those before it; bytes."""


class Meters:
    """Counters, and times in microseconds, by name; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._times: dict[str, deque[int]] = {}

    def count(self, name: str, by: int = 1) -> None:
        """Adds to a counter."""
        with self._lock:
            self._counts[name] += by

    def reach(self, name: str, value: int) -> None:
        """Raises a counter to a value, unless it is as high already."""
        with self._lock:
            self._counts[name] = max(self._counts[name], value)

    def note(self, name: str, took_us: int) -> None:
        """Takes in how long something took."""
        with self._lock:
            self._counts[name] += 1
            self._times.setdefault(name, deque(maxlen=NEWEST)).append(took_us)

    def counted(self, name: str) -> int:
        """Returns a counter, or how many times were noted under the name."""
        with self._lock:
            return self._counts[name]

    def timings(self) -> tuple[Timing, ...]:
        """Returns what was timed, by name."""
        with self._lock:
            found = {name: (self._counts[name], [*times]) for name, times in self._times.items()}
        return tuple(_timing(name, *found[name]) for name in sorted(found))

    def share_within(self, name: str, limit_us: int) -> float | None:
        """Returns which share of the newest times was at most so long; None without any."""
        with self._lock:
            times = [*self._times.get(name, ())]
        return sum(one <= limit_us for one in times) / len(times) if times else None

    def snapshot(self) -> Any:
        """Returns everything as JSON."""
        with self._lock:
            return {
                "format": _FORMAT,
                "counts": dict(self._counts),
                "newest_us": {name: [*times] for name, times in self._times.items()},
            }

    def restore(self, data: Any) -> None:
        """Makes what an earlier `snapshot` gave the whole content.

        Raises:
            ValueError: it is of another format, or no such thing; nothing changed.
        """
        counts, times = _read(data)
        with self._lock:
            self._counts, self._times = counts, times


def _timing(name: str, count: int, times: list[int]) -> Timing:
    ordered = sorted(times)
    newest = tuple(one / 1000 for one in times[-_TOLD:])
    return Timing(name, count, _rank(ordered, 0.5) / 1000, _rank(ordered, 0.99) / 1000, newest)


def _rank(ordered: list[int], share: float) -> int:
    """Returns the nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _read(data: Any) -> tuple[Counter[str], dict[str, deque[int]]]:
    if not isinstance(data, Mapping) or data.get("format") != _FORMAT:
        raise ValueError("these are no metrics of this format")
    counts, times = data.get("counts"), data.get("newest_us")
    if not isinstance(counts, Mapping) or not isinstance(times, Mapping):
        raise ValueError("the metrics lack counts or times")
    kept = {name: deque(_numbers(some), NEWEST) for name, some in times.items() if some}
    return Counter(dict(zip(counts, _numbers(counts.values()), strict=True))), kept


def _numbers(found: Any) -> list[int]:
    given = list(found) if isinstance(found, Iterable) else [None]
    numbers = [one for one in given if type(one) is int and one >= 0]
    if len(numbers) < len(given):
        raise ValueError("a figure of the metrics is no number")
    return numbers
