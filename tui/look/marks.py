"""How a change is told in a few cells: its letter, its path, its numbers of lines."""

from __future__ import annotations

from rich.segment import Segment

from stepwell.tui.look.fit import cells, fit_path
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import brief
from stepwell.tui.look.palette import Paint
from stepwell.tui.values import Change, escape, printable

STATUS_ROLES = {"A": "added", "D": "deleted", "M": "warning", "R": "branch", "T": "note"}

COUNTS_CELLS = 12
"""Cells that `counts` fills."""


def shown_path(path: bytes) -> str:
    """Returns a path made harmless."""
    return printable(escape(path))


def path_segments(path: bytes, width: int, paint: Paint, *, strong: bool) -> list[Segment]:
    """Returns the path in at most `width` cells, cut at its left end, its folder part quiet."""
    text = fit_path(shown_path(path), width)
    folder, slash, name = text.rpartition("/")
    parts = [Segment(folder + slash, paint("dim"))] if slash else []
    return [*parts, Segment(name, paint("strong" if strong else "text", bold=strong))]


def counts(change: Change, paint: Paint, glyphs: Glyphs, *, aligned: bool = True) -> list[Segment]:
    """Returns `+12  -3`, of a mode alone `±1`; with `aligned` in two right-aligned columns of `COUNTS_CELLS` cells."""
    if change.binary or change.too_large:
        word = "binary" if change.binary else "large"
        return [Segment(word.rjust(COUNTS_CELLS) if aligned else word, paint("dim"))]
    plus = f"+{brief(change.added)}" if change.added else ""
    minus = f"-{brief(change.deleted)}" if change.deleted else ""
    if mode_only(change):
        one = f"{glyphs.changed}1"
        return [Segment(one.rjust(COUNTS_CELLS) if aligned else one, paint("warning"))]
    if aligned:
        half = COUNTS_CELLS // 2
        plus, minus = plus.rjust(half), minus.rjust(half)
    elif plus and minus:
        minus = " " + minus
    return [Segment(plus, paint("added")), Segment(minus, paint("deleted"))]


def mode_only(change: Change) -> bool:
    """Tells whether only the permission bits differ."""
    return (
        change.old_blob == change.new_blob
        and None not in (change.old_mode, change.new_mode)
        and change.old_mode != change.new_mode
    )


def width_of(segments: list[Segment]) -> int:
    """Returns how many cells the segments fill."""
    return sum(cells(segment.text) for segment in segments)
