"""Searching the lines of a diff, in slices, from the raw lines: no row is made for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import escape

SLICE = 4_000
"""Lines between two results."""


def find_lines(rows: DiffRows, needle: str) -> Iterator[list[int]]:
    """Yields rows whose line or path holds `needle`, ascending, upper and lower case alike.

    A result comes after every `SLICE` lines, empty or not, so that a search can be given up.
    """
    text = needle.lower()
    raw = text.encode("utf-8", "surrogateescape")
    found: list[int] = []
    looked = 0
    for change, start in enumerate(rows.file_rows):
        if text in escape(rows.changes[change].path).lower():
            found.append(start)
        for first, lines in rows.line_blocks(change):
            for at, line in enumerate(lines):
                if raw in line[1:].lower() and not line.startswith(b"\\"):
                    found.append(first + at)
                looked += 1
                if looked % SLICE == 0:
                    yield found
                    found = []
    yield found
