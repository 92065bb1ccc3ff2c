"""A list under its title line: `1 Timeline ─────── 2/1,284 ─`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widget import Widget

from stepwell.tui.look.fit import cells, clip
from stepwell.tui.look.palette import paint_for
from stepwell.tui.messages import CaptionChanged
from stepwell.tui.widgets.linelist import LineList


class PaneTitle(Widget):
    """One line: number, title, hairline, right-hand text; bright while its list is."""

    DEFAULT_CSS = "PaneTitle { height: 1; }"

    def __init__(self, number: str, lines: LineList) -> None:
        super().__init__()
        self._number = number
        self._lines = lines

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        segments = self._segments(width)
        paint = paint_for(self.app.current_theme)
        return Strip(segments).apply_style(paint("text", "ground")).adjust_cell_length(width)

    def _segments(self, width: int) -> Sequence[Segment]:
        paint = paint_for(self.app.current_theme)
        active = self._lines.is_bright
        rule = self._lines.glyphs.rule
        right = clip(self._lines.title_right, max(0, width // 2))
        title = clip(self._lines.title_text, max(0, width - cells(right) - 8))
        left = [
            Segment(self._number, paint("accent" if active else "dim", bold=active)),
            Segment(f" {title} ", paint("strong" if active else "dim", bold=active)),
        ]
        tail = f" {right} " if right else ""
        fill = width - sum(cells(part.text) for part in left) - cells(tail) - 1
        line = paint("bar_away" if active else "faint")
        if not tail:
            return [*left, Segment(rule * max(0, fill + 1), line)]
        return [
            *left,
            Segment(rule * max(0, fill), line),
            Segment(tail, paint("dim")),
            Segment(rule, line),
        ]


class Pane(Vertical):
    """A numbered title line and a list."""

    def __init__(
        self, number: str, lines: LineList, *, id: str, under: Widget | None = None
    ) -> None:
        """`under` stands between title and list."""
        super().__init__(id=id)
        self._under = under
        self._title = PaneTitle(number, lines)
        self.lines = lines

    def compose(self) -> ComposeResult:
        yield self._title
        if self._under is not None:
            yield self._under
        yield self.lines

    def on_caption_changed(self, message: CaptionChanged) -> None:
        """Draws the title line anew."""
        message.stop()
        self._title.refresh()


def share_height(lines: LineList, least: int = 3) -> None:
    """Gives the pane of a list as many lines as it needs: at least so many, at most a third of the screen."""
    most = max(least, lines.screen.size.height // 3)
    pane = lines.parent
    if isinstance(pane, Pane):
        pane.styles.height = min(max(least, lines.count), most) + 1
