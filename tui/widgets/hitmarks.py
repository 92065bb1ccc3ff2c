"""Lays a ground below the places of a drawn row that a search found."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from stepwell.tui.look.fit import cells


def with_hits(row: Strip, needle: str, style: Style) -> Strip:
    """Returns the row with every `needle` (lower case) in its text in another style."""
    text = row.text
    lower = text.lower()
    if needle not in lower or len(lower) != len(text):
        return row
    cuts: list[int] = []
    at = lower.find(needle)
    while at >= 0:
        cuts += [cells(text[:at]), cells(text[: at + len(needle)])]
        at = lower.find(needle, at + len(needle))
    ends = cuts if cuts[-1] == row.cell_length else [*cuts, row.cell_length]
    # Cells are cut before and behind each hit, so every second piece is one.
    pieces = list(row.divide(ends))
    return Strip.join([_styled(p, style) if n % 2 else p for n, p in enumerate(pieces)])


def _styled(piece: Strip, style: Style) -> Strip:
    return Strip(
        [type(part)(part.text, (part.style or Style()) + style, part.control) for part in piece]
    )
