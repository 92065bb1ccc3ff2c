"""The sessions: who worked, on what, how long, how much failed. Enter lists one's steps alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen

from stepwell.tui.feed.newest import load_session
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import cells, clip, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import AGE_CELLS, age
from stepwell.tui.look.numbers import brief, grouped
from stepwell.tui.messages import (
    BackAsked,
    CursorMoved,
    Failed,
    NewestLoaded,
    RowOpened,
    SessionsLoaded,
)
from stepwell.tui.model.sessionlines import SessionLine, duration
from stepwell.tui.screens.above import Above
from stepwell.tui.values import Clock, one_line, printable
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane, share_height
from stepwell.tui.widgets.steplines import StepLines

_NAME_LEAST, _NAME_MOST = 8, 30
_TOOK = 8


class SessionList(LineList):
    """One session a row: name, steps, failures, age, length, its first prompt."""

    BINDINGS = bindings_for("sessions")

    def __init__(self, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__(id="sessions", glyphs=glyphs)
        self._clock = clock
        self.rows: Sequence[SessionLine] = ()

    def show(self, rows: Sequence[SessionLine]) -> None:
        """Takes the sessions, the newest first."""
        self.rows = rows
        self.set_caption("Sessions", grouped(len(rows)))
        self.set_count(len(rows))

    def row_key(self, index: int) -> Hashable | None:
        return index

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.rows[index]
        longest = max(len(other.name) for other in self.rows)
        name = max(_NAME_LEAST, min(_NAME_MOST, longest, width // 3))
        failed = f"{self.glyphs.failed} {brief(row.failures)}" if row.failures else ""
        took = duration(max(0, row.last_ns - row.first_ns) // 1_000_000_000)
        front = [
            Segment(
                f" {fit(one_line(row.name, 80), name, self.glyphs.ellipsis)}", self.paint("you")
            ),
            Segment(
                fit_right(f"{brief(row.steps)} step{'' if row.steps == 1 else 's'}", 12),
                self.paint("text"),
            ),
            Segment(fit_right(failed, 7), self.paint("failed")),
            Segment(fit_right(age(self._clock(), row.last_ns), AGE_CELLS + 2), self.paint("dim")),
            Segment(fit_right(took, _TOOK) + "  ", self.paint("dim")),
        ]
        room = max(0, width - sum(cells(part.text) for part in front) - 1)
        prompt = clip(one_line(row.prompt, 300), room, self.glyphs.ellipsis)
        return [*front, Segment(prompt, self.paint("strong", bold=True))]

    def action_list_session(self) -> None:
        """Leaves for the session's steps."""
        if self.rows and isinstance(self.screen, SessionsScreen):
            self.screen.dismiss(self.rows[self.cursor].name)

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("sessions"))


class SessionsScreen(Above, Screen[str | None]):
    """Its result is the name of the session whose steps are to be listed, or None."""

    CSS = "SessionsScreen #sessions-pane { height: 4; }"

    help_scopes = ("sessions", "list")

    def __init__(self, gateway: Gateway, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__()
        self._gateway = gateway
        self._list = SessionList(clock, glyphs)
        self._steps = StepLines(clock, glyphs)
        self._footer = Footer()

    def compose(self) -> ComposeResult:
        yield Pane("s", self._list, id="sessions-pane")
        yield Pane(" ", self._steps, id="session-steps-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the sessions."""
        self._list.set_caption("Sessions", "reading")
        self._steps.set_caption("What was done")
        self._list.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("sessions"))
        self._gateway.load_sessions(self.post_message)

    def on_sessions_loaded(self, message: SessionsLoaded) -> None:
        """Shows them; says what to do where there is none."""
        self._list.show(message.rows)
        share_height(self._list)
        self._look()
        if not message.rows:
            self._footer.say(
                "no session yet: stepwell install has an agent's steps recorded", "dim"
            )

    def on_resize(self) -> None:
        """The list has what it needs, the steps have the rest."""
        share_height(self._list)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Another session's steps are shown."""
        message.stop()
        self._look()

    def _look(self) -> None:
        if self._list.rows:
            name = self._list.rows[self._list.cursor].name
            load_session(self._gateway, self.post_message, name)

    def on_newest_loaded(self, message: NewestLoaded) -> None:
        """Shows them, if they are still those of the selected session."""
        if self._list.rows and self._list.rows[self._list.cursor].name == message.of:
            self._steps.show(message.steps)

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    def on_row_opened(self, message: RowOpened) -> None:
        """A second click lists the session's steps."""
        message.stop()
        self._list.action_list_session()

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline."""
        message.stop()
        self.dismiss(None)
