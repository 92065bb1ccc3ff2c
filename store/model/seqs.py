"""Sets of step numbers as ranges: what stays small when whole stretches of a history are meant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

Seqs = tuple[tuple[int, int], ...]
"""Ranges of step numbers, both ends included; ascending, apart from one another."""


def seqs_of(numbers: Iterable[int]) -> Seqs:
    """Returns the ranges that hold exactly those numbers, given in any order."""
    return _joined((number, number) for number in sorted(set(numbers)))


def holds(seqs: Seqs, number: int) -> bool:
    """Tells whether the number is in one of the ranges."""
    at = bisect_right(seqs, number, key=lambda one: one[0]) - 1
    return at >= 0 and number <= seqs[at][1]


def count(seqs: Seqs) -> int:
    """Returns how many numbers there are."""
    return sum(high - low + 1 for low, high in seqs)


def united(one: Seqs, other: Seqs) -> Seqs:
    """Returns what is in either."""
    return _joined(sorted([*one, *other]))


def without(one: Seqs, other: Seqs) -> Seqs:
    """Returns what is in `one` and not in `other`."""
    left = list(one)
    for low, high in other:
        left = [part for whole in left for part in _cut(whole, low, high)]
    return tuple(left)


def common(one: Seqs, other: Seqs) -> Seqs:
    """Returns what is in both."""
    return without(one, without(one, other))


def _cut(whole: tuple[int, int], low: int, high: int) -> Iterator[tuple[int, int]]:
    first, last = whole
    if first < low:
        yield first, min(last, low - 1)
    if last > high:
        yield max(first, high + 1), last


def _joined(ranges: Iterable[tuple[int, int]]) -> Seqs:
    found: list[tuple[int, int]] = []
    for low, high in ranges:
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)
