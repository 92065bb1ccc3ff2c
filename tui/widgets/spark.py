"""A line of bars: how much happened when."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import spark
from stepwell.tui.look.palette import Paint


def spark_segments(values: Sequence[int], glyphs: Glyphs, paint: Paint) -> list[Segment]:
    """Returns one cell a value; the quiet spans are faint, the newest stands out."""
    text = spark(values, glyphs.sparks)
    parts = [
        Segment(sign, paint("spark" if value else "faint"))
        for sign, value in zip(text[:-1], values, strict=False)
    ]
    return [*parts, Segment(text[-1:], paint("accent"))]
