"""Paths that hold the letters of a query in order, the likeliest first. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual.fuzzy import FuzzySearch

MOST = 200
"""So many are weighed and listed."""


class Fit(NamedTuple):
    """A candidate that holds the letters."""

    number: int
    at: Sequence[int]
    """Where in it they stand, ascending."""


def fitting(query: str, candidates: Sequence[str]) -> list[Fit]:
    """Returns what fits, the best first; of equal ones the shorter, then the earlier.

    Those whose letters stand nearest together are weighed; without letters the first ones come as they are.
    """
    letters = query.replace(" ", "").lower()
    if not letters:
        return [Fit(index, ()) for index in range(min(MOST, len(candidates)))]
    rough = sorted(_rough(letters, candidates))[:MOST]
    search = FuzzySearch(case_sensitive=False)
    weighed = []
    for _, _, index in rough:
        score, at = search.match(letters, candidates[index])
        weighed.append((-score, len(candidates[index]), index, tuple(at)))
    return [Fit(index, at) for _, _, index, at in sorted(weighed)]


def _rough(letters: str, candidates: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yields how far apart the letters stand, the length and the index of each that has them."""
    pattern = re.compile(".*?".join(map(re.escape, letters)), re.IGNORECASE | re.DOTALL)
    for index, candidate in enumerate(candidates):
        found = pattern.search(candidate)
        if found is not None:
            yield found.end() - found.start(), len(candidate), index
