"""What rules found, the newest first: what fails, since which step, and where it was still well."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen

from stepwell.tui.feed.naming import name_step
from stepwell.tui.feed.verdicts import load_verdicts
from stepwell.tui.feed.wishes import Rollback, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import cells, clip, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import AGE_CELLS, age
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import (
    BackAsked,
    CursorMoved,
    Failed,
    RowOpened,
    StepNamed,
    VerdictsLoaded,
)
from stepwell.tui.model.verdictlines import VerdictLine, lines_of
from stepwell.tui.screens.above import Above
from stepwell.tui.values import Clock, one_line, printable
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane, share_height

_NAME_MOST = 16
_NONE = "no rule has found anything yet: docs/rules.md tells how to write one"


@dataclass(frozen=True, slots=True)
class VerdictChoice:
    """What a person wants of a verdict."""

    wish: Wish | None = None
    show: int | None = None
    """The step to go to in the timeline."""


class VerdictList(LineList):
    """One verdict a row: sign, rule, age, step, what was found."""

    BINDINGS = bindings_for("rules")

    def __init__(self, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__(id="verdicts", glyphs=glyphs)
        self._clock = clock
        self.rows: Sequence[VerdictLine] = ()

    def show(self, rows: Sequence[VerdictLine]) -> None:
        """Takes the verdicts, the newest first."""
        self.rows = rows
        self.set_caption("Rules", grouped(len(rows)))
        self.set_count(len(rows))

    def row_key(self, index: int) -> Hashable | None:
        return index, self.rows[index].verdict.time_ns

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.rows[index]
        verdict = row.verdict
        name = min(_NAME_MOST, max(len(one.verdict.rule) for one in self.rows))
        sign, role = _sign(row, self.glyphs)
        front = [
            Segment(f" {sign} ", self.paint(role)),
            Segment(fit(one_line(verdict.rule), name, self.glyphs.ellipsis), self.paint("tool")),
            Segment(
                fit_right(age(self._clock(), verdict.time_ns), AGE_CELLS + 2), self.paint("dim")
            ),
            Segment(fit_right(f"#{row.step}", 7) + "  ", self.paint("dim")),
        ]
        room = max(0, width - sum(cells(part.text) for part in front) - 1)
        said = clip(one_line(verdict.detail, 400), room, self.glyphs.ellipsis)
        return [*front, Segment(said, self.paint("text" if verdict.ok is not False else "strong"))]

    def action_go_back(self) -> None:
        """Leaves for the preview of going back to where it was well."""
        if self.rows and isinstance(self.screen, VerdictsScreen):
            self.screen.go_back(self.rows[self.cursor])

    def action_show_cause(self) -> None:
        """Leaves for the step that brought it about."""
        if self.rows and isinstance(self.screen, VerdictsScreen):
            row = self.rows[self.cursor]
            self.screen.dismiss(VerdictChoice(show=row.since or row.step))

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("rules"))


def _sign(row: VerdictLine, glyphs: Glyphs) -> tuple[str, str]:
    if row.verdict.ok is None:
        return "?", "dim"
    return (glyphs.ok, "ok") if row.verdict.ok else (glyphs.failed, "failed")


class AboutLines(LineList):
    """All about the selected verdict, broken to the width."""

    # Room for the scrollbar is kept: where it came after the lines were broken it hid their ends.
    DEFAULT_CSS = "AboutLines { scrollbar-gutter: stable; }"
    can_focus = False
    WASH = False
    POINTS = False

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="about", glyphs=glyphs)
        self._told: Sequence[tuple[str, str]] = ()
        self._lines: list[tuple[str, str]] = []

    def show(self, told: Sequence[tuple[str, str]]) -> None:
        """Takes lines of text with their roles."""
        self._told = told
        width = max(20, self.row_width)
        self._lines = [
            (part, role) for text, role in told for part in textwrap.wrap(text, width) or [""]
        ]
        self.set_count(len(self._lines))
        self.refresh()

    def on_resize(self) -> None:
        """Breaks the lines anew."""
        self.show(self._told)

    def row_key(self, index: int) -> Hashable | None:
        return None

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        text, role = self._lines[index]
        return [Segment(text, self.paint(role))]


class VerdictsScreen(Above, Screen[VerdictChoice | None]):
    """Its result is what the person wants of a verdict, or None."""

    CSS = """
    VerdictsScreen #verdicts-pane { height: 4; }
    VerdictsScreen #about-pane { height: 1fr; }
    """

    help_scopes = ("rules", "list")

    def __init__(self, gateway: Gateway, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__()
        self._gateway = gateway
        self._list = VerdictList(clock, glyphs)
        self._about = AboutLines(glyphs)
        self._footer = Footer()

    def compose(self) -> ComposeResult:
        yield Pane("V", self._list, id="verdicts-pane")
        yield Pane(" ", self._about, id="about-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the verdicts."""
        self._list.set_caption("Rules", "reading")
        self._about.set_caption("What was found")
        self._list.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("rules"))
        load_verdicts(self._gateway, self.post_message)

    def on_verdicts_loaded(self, message: VerdictsLoaded) -> None:
        """Shows them; says what to do where there is none."""
        self._list.show(message.rows)
        self._share_height()
        if message.rows:
            self._about.show(lines_of(message.rows[self._list.cursor]))
        else:
            self._footer.say(_NONE, "dim")

    def on_resize(self) -> None:
        """Gives the list as many lines as it needs, at most a third; what was found has the rest."""
        self._share_height()

    def _share_height(self) -> None:
        share_height(self._list)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Tells all about the selected one."""
        message.stop()
        if self._list.rows:
            self._about.show(lines_of(self._list.rows[self._list.cursor]))

    def go_back(self, row: VerdictLine) -> None:
        """Asks for the step to go back to; says why where there is none."""
        if row.verdict.target is None:
            self._footer.say("no step is known at which it was well")
        elif row.verdict.action == "rollback":
            self._footer.say("it went back there already: u in the timeline takes that back")
        else:
            name_step(self._gateway, self.post_message, 0, row.verdict.target)

    def on_step_named(self, message: StepNamed) -> None:
        """Leaves for the preview."""
        self.dismiss(VerdictChoice(Rollback(message.step)))

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    def on_key(self) -> None:
        """A sentence in the footer stays until the next key."""
        self._footer.hush()

    def on_row_opened(self, message: RowOpened) -> None:
        """A second click shows the step that brought it about."""
        message.stop()
        self._list.action_show_cause()

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline."""
        message.stop()
        self.dismiss(None)
