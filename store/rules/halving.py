"""Finding the first bad one among many, with as few tries as can be. Pure.

As `git bisect` does it: the middle of what is left is tried. With several at once, what is left is
cut into equal parts, so that fewer rounds are needed, and more tries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Trial = Callable[[Sequence[int]], Mapping[int, bool | None]]
"""Tries the given places; each is good (True), bad (False), or cannot be tried (None)."""


@dataclass(frozen=True, slots=True)
class Halved:
    """What was found between a good place and a bad one."""

    first_bad: int
    """The first place that is known to be bad."""
    last_good: int
    """The last one that is known to be good; between the two lies only what cannot be tried."""
    tried: int
    skipped: int


def first_bad(good: int, bad: int, trial: Trial, jobs: int = 1) -> Halved:
    """Returns the first bad place after `good` and up to `bad`, which both are taken as known.

    Up to `jobs` places are tried at once; one at a time takes no more tries than the number of
    places has binary digits, as long as each can be tried.
    """
    tried, untestable = 0, set[int]()
    while picked := _picked(good, bad, untestable, jobs):
        results = trial(picked)
        tried += len(results)
        untestable |= {place for place, result in results.items() if result is None}
        bads = [place for place, result in results.items() if result is False]
        bad = min([bad, *bads])
        goods = [place for place, result in results.items() if result and place < bad]
        good = max([good, *goods])
    return Halved(bad, good, tried, len(untestable))


def _picked(good: int, bad: int, untestable: set[int], jobs: int) -> list[int]:
    """Returns which places to try next, spread evenly; none when nothing is left to try."""
    left = [place for place in range(good + 1, bad) if place not in untestable]
    count = min(max(jobs, 1), len(left))
    spread = (bad - good) / (count + 1)
    picked: list[int] = []
    for number in range(1, count + 1):
        wanted = good + number * spread
        free = (place for place in left if place not in picked)
        picked.append(min(free, key=lambda place: abs(place - wanted)))
    return sorted(picked)
