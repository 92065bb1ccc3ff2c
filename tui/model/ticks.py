"""Where on a scrollbar a diff's changes lie, and of which kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import signs_of

_EXACT = 20_000
"""Of a longer diff only the beginnings of hunks are marked: nobody waits for a scrollbar."""
_ROLES = {ord("+"): "added", ord("-"): "deleted"}
BOTH = "warning"


def ticks(rows: DiffRows, line_of: Callable[[int], int], count: int, size: int) -> dict[int, str]:
    """Returns the role of each of `size` cells beside `count` lines in which something changed."""
    found: dict[int, str] = {}
    if count > 0 and size > 0:
        for row, role in _changed(rows):
            cell = min(size - 1, line_of(row) * size // count)
            found[cell] = role if found.get(cell, role) == role else BOTH
    return found


def _changed(rows: DiffRows) -> Iterator[tuple[int, str]]:
    if len(rows) > _EXACT:
        yield from ((row, BOTH) for row in rows.hunk_rows)
        return
    for change in range(len(rows.changes)):
        for first, lines in rows.line_blocks(change):
            for at, sign in enumerate(signs_of(lines)):
                if sign in _ROLES:
                    yield first + at, _ROLES[sign]
