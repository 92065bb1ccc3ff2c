"""One-line bars: a left part and a right part, drawn as given."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stepwell.tui.look.fit import cells
from stepwell.tui.look.palette import Paint, paint_for


class Bar(Widget):
    """A line on the panel's ground; subclasses say what stands left and right."""

    DEFAULT_CSS = "Bar { height: 1; }"
    GROUND = "panel"

    @property
    def paint(self) -> Paint:
        """Styles of the theme in use."""
        return paint_for(self.app.current_theme)

    def left(self, width: int) -> Sequence[Segment]:
        """Returns what stands left, in at most `width` cells."""
        raise NotImplementedError

    def right(self, width: int) -> Sequence[Segment]:
        """Returns what stands right, in at most `width` cells."""
        return ()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        left = list(self.left(width))
        free = width - length(left)
        right = list(self.right(free - 1))
        gap = free - length(right)
        if gap < 1:
            right, gap = [], free
        base = self.paint("text", self.GROUND)
        whole = Strip([*left, Segment(" " * max(0, gap)), *right])
        return whole.apply_style(base).adjust_cell_length(width, base)


def length(segments: Sequence[Segment]) -> int:
    """Returns the cells that segments take."""
    return sum(cells(segment.text) for segment in segments)
