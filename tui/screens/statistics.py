"""The store's figures: counts, sizes, how the history grew, how long captures take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import clip, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import stamp
from stepwell.tui.messages import BackAsked, CursorMoved, Failed, RowOpened, StatsLoaded
from stepwell.tui.model.figures import Figure, area, bar, figures, fitted
from stepwell.tui.screens.above import Above
from stepwell.tui.values import Clock, Grown, printable
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane

_NAME, _VALUE, _MARGIN = 13, 12, 3
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHT = 6
_WIDEST = 100


class FigureList(LineList):
    """Lines of figures, and below them a curve."""

    BINDINGS = bindings_for("figures")
    WASH = False

    def __init__(self, clock: Clock, zone: tzinfo | None, glyphs: Glyphs) -> None:
        super().__init__(id="figures", glyphs=glyphs)
        self._clock = clock
        self._zone = zone
        self._figures: Sequence[Figure] = ()
        self._growth: Sequence[Grown] = ()

    def show(self, rows: Sequence[Figure], growth: Sequence[Grown]) -> None:
        """Takes the figures, and how the history grew."""
        self._figures, self._growth = rows, growth
        self.set_count(len(rows) + (_HEIGHT + 3 if growth else 0))

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if index < len(self._figures):
            return self._figure(self._figures[index], width)
        line = index - len(self._figures) - 2
        room = max(1, min(_WIDEST, width - 2 * _MARGIN))
        if line == -1:
            return [
                Segment(" bytes as written, from the first step to the newest", self.paint("dim"))
            ]
        if line == _HEIGHT:
            return self._ends(room)
        if line < 0:
            return []
        totals = fitted([one.bytes for one in self._growth], room)
        curve = area(totals, _HEIGHT, self.glyphs.sparks)
        return [Segment(" " * _MARGIN + curve[line], self.paint("spark"))]

    def _figure(self, figure: Figure, width: int) -> Sequence[Segment]:
        parts = [
            Segment(f" {fit(figure.name, _NAME)}", self.paint("dim")),
            Segment(fit_right(figure.value, _VALUE) + "  ", self.paint("strong", bold=True)),
        ]
        room = max(1, min(_WIDEST, width - _NAME - _VALUE - 2 * _MARGIN))
        if figure.share is not None:
            signs = _EIGHTHS if self.glyphs.ellipsis == "…" else " #"
            parts.append(Segment(bar(figure.share, room, signs), self.paint("accent")))
        elif figure.curve:
            curve = area(fitted(figure.curve, room), 1, self.glyphs.sparks)
            parts.append(Segment(curve[0], self.paint("spark")))
        else:
            parts.append(Segment(clip(figure.about, room), self.paint("dim")))
        return parts

    def _ends(self, room: int) -> Sequence[Segment]:
        now = self._clock()
        ends = (self._growth[0].time_ns, self._growth[-1].time_ns)
        first, last = (stamp(now, at, self._zone) for at in ends)
        between = " " * max(1, min(room, len(self._growth)) - len(first) - len(last))
        return [
            Segment(f"{' ' * _MARGIN}{first.strip()}{between}{last.strip()}", self.paint("dim"))
        ]

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("figures"))


class StatisticsScreen(Above, Screen[None]):
    """Shows; leads nowhere."""

    help_scopes = ("figures", "list")

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        zone: tzinfo | None,
        glyphs: Glyphs,
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._list = FigureList(clock, zone, glyphs)
        self._footer = Footer()

    def compose(self) -> ComposeResult:
        yield Pane("I", self._list, id="figures-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the figures."""
        self._list.set_caption("Figures", "reading")
        self._list.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("figures"))
        self._gateway.load_stats(self.post_message)

    def on_stats_loaded(self, message: StatsLoaded) -> None:
        """Shows them."""
        growth = message.growth
        self._list.set_caption("Figures", "")
        self._list.show(figures(message.stats, message.tiers, growth, message.timings), growth)
        if message.room.warnings:
            self._footer.say(" · ".join(message.room.warnings), "failed")

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Nothing follows the cursor."""
        message.stop()

    def on_row_opened(self, message: RowOpened) -> None:
        """A figure leads nowhere."""
        message.stop()

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline."""
        message.stop()
        self.dismiss(None)
