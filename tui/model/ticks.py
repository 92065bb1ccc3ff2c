"""Where on a scrollbar a diff's changes lie, and of which kind. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import signs_of

_EXACT = 20_000
"""Of a longer diff only the beginnings of hunks are marked: nobody waits for a scrollbar."""
_ROLES = {ord("+"): "added", ord("-"): "deleted"}
BOTH = "warning"


def ticks(rows: DiffRows, line_of: Callable[[int], int], count: int, size: int) -> dict[int, str]:
    """Returns the role of each of `size` cells beside `count` lines in which something changed."""
    if count <= 0 or size <= 0:
        return {}
    if len(rows) > _EXACT:
        return dict.fromkeys(_cells_with_hunks(rows, line_of, count, size), BOTH)
    found: dict[int, str] = {}
    for row, role in _changed(rows):
        cell = min(size - 1, line_of(row) * size // count)
        found[cell] = role if found.get(cell, role) == role else BOTH
    return found


def _cells_with_hunks(
    rows: DiffRows, line_of: Callable[[int], int], count: int, size: int
) -> Iterator[int]:
    """Yields each cell in which a hunk begins; of all hunks only a few a cell are looked at."""
    at = 0
    while at < len(rows.hunk_rows):
        cell = line_of(rows.hunk_rows[at]) * size // count
        yield min(size - 1, cell)
        beyond = -(-(cell + 1) * count // size)
        at = bisect_left(rows.hunk_rows, beyond, at + 1, key=line_of)


def _changed(rows: DiffRows) -> Iterator[tuple[int, str]]:
    for change in range(len(rows.changes)):
        for first, lines in rows.line_blocks(change):
            for at, sign in enumerate(signs_of(lines)):
                if sign in _ROLES:
                    yield first + at, _ROLES[sign]
