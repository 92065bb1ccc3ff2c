"""A scrollbar on which the places that matter are marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

Marks = Callable[[int], Mapping[int, Style]]
"""Gives the style of each marked cell, of a bar of so many."""


def ticked(bars: type[ScrollBarRender], marks: Marks, sign: str) -> type[ScrollBarRender]:
    """Returns what draws a scrollbar as `bars` does, with a sign in each marked cell."""

    class Ticked(bars):  # type: ignore[valid-type, misc]
        """The framework wants a class, and asks nothing but it."""

        @classmethod
        def render_bar(cls, size: int = 25, *given: Any, **named: Any) -> Segments:
            """Returns the cells of the bar."""
            drawn: Segments = super().render_bar(size, *given, **named)
            cells = list(drawn.segments)
            for at, style in marks(size).items():
                if at < len(cells):
                    cells[at] = _marked(cells[at], style, sign)
            return Segments(cells, new_lines=True)

    return Ticked


def _marked(cell: Segment, style: Style, sign: str) -> Segment:
    below = cell.style or Style()
    ground = below.color if below.reverse else below.bgcolor
    over = Style(bgcolor=ground.name if ground else None, reverse=False)
    return Segment(sign, below + style + over)
