"""Searching the lines of a diff, in slices, from the raw text: no line is made for it. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import escape, pieces_of

SLICE = 2_048
"""Lines between two results, about: nothing else may be looked at for as long as one takes."""


def find_lines(rows: DiffRows, needle: str) -> Iterator[array[int]]:
    """Yields rows whose line or path holds `needle`, ascending, upper and lower case alike.

    A result comes after every piece of about `SLICE` lines, empty or not, so that a search can be
    given up.
    """
    text = needle.lower()
    raw = text.encode("utf-8", "surrogateescape")
    found, looked = array("i"), 0
    for change, start in enumerate(rows.file_rows):
        if text in escape(rows.changes[change].path).lower():
            found.append(start)
        for first, lines in rows.line_blocks(change):
            for piece, count in pieces_of(lines, SLICE):
                found.extend(first + at for at in _lines_with(raw, piece.lower()))
                first += count
                looked += count
                if looked >= SLICE:
                    yield found
                    found, looked = array("i"), 0
    yield found


def _lines_with(raw: bytes, text: bytes) -> Iterator[int]:
    """Yields which lines of a hunk's text hold `raw` behind their sign; marks are none."""
    line = counted = at = 0
    while (at := text.find(raw, at)) >= 0:
        begin = text.rfind(b"\n", 0, at) + 1
        if at == begin:
            at += 1  # that was the sign
            continue
        line += text.count(b"\n", counted, begin)
        counted = begin
        if text[begin] != _MARK:
            yield line
        at = text.find(b"\n", at)


_MARK = ord("\\")
