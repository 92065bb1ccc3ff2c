"""What was done to the store, newest first; what can be taken back leads to a preview."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen

from stepwell.tui.feed.naming import name_step
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import does_it_again, key_of
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import cells, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import AGE_CELLS, age
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import BackAsked, Failed, OperationsLoaded, StepNamed
from stepwell.tui.model.concerned import step_of
from stepwell.tui.screens.above import Above
from stepwell.tui.values import Clock, OperationRow, one_line, printable
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane

_NUMBER = 7
_KIND = 11
_STATE = 14


class OperationChoice(NamedTuple):
    """What a person left the list with."""

    undo: int | None = None
    """The number of an operation to be taken back."""
    show: int | None = None
    """The number of a step to be shown in the timeline."""


class OperationList(LineList):
    """One operation a row: number, age, kind, summary, and whether it is or can be undone."""

    BINDINGS = bindings_for("operations")

    def __init__(self, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__(id="operations", glyphs=glyphs)
        self._clock = clock
        self.rows: Sequence[OperationRow] = ()

    def show(self, rows: Sequence[OperationRow]) -> None:
        """Takes the operations, newest first."""
        self.rows = rows
        self.set_caption("Operations", grouped(len(rows)))
        self.set_count(len(rows))

    def row_key(self, index: int) -> Hashable | None:
        return self.rows[index].operation.number, self.rows[index].undone

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.rows[index]
        operation = row.operation
        role = "dim" if row.undone or operation.kind == "record" else "text"
        state, state_role = _state(row)
        since = age(self._clock(), operation.time_ns)
        front = [
            Segment(fit_right(grouped(operation.number), _NUMBER), self.paint("dim")),
            Segment(fit_right(since, AGE_CELLS + 2), self.paint("dim")),
            Segment("  " + fit(one_line(operation.kind), _KIND), self.paint("tool")),
        ]
        room = width - sum(cells(part.text) for part in front) - _STATE - 1
        summary = fit(one_line(operation.summary, 300), room, self.glyphs.ellipsis)
        last = Segment(fit_right(state, _STATE) + " ", self.paint(state_role))
        return [*front, Segment(summary, self.paint(role)), last]

    def action_undo_this(self) -> None:
        """Leaves for the preview of taking this operation back; says why where that cannot be."""
        screen = self.screen
        if isinstance(screen, OperationsScreen) and self.rows:
            screen.choose(self.rows[self.cursor])

    def action_show_step(self) -> None:
        """Leaves for the step in the timeline; says where there is none."""
        screen = self.screen
        if isinstance(screen, OperationsScreen) and self.rows:
            screen.show(self.rows[self.cursor])

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("operations"))


def _state(row: OperationRow) -> tuple[str, str]:
    if row.undone:
        return "undone", "warning"
    return ("can be undone", "ok") if row.undoable else ("", "dim")


class OperationsScreen(Above, Screen[OperationChoice | None]):
    """Its result is what a person wants of an operation, or None."""

    help_scopes = ("operations", "list")

    def __init__(self, gateway: Gateway, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__()
        self._gateway = gateway
        self._list = OperationList(clock, glyphs)
        self._footer = Footer()

    def compose(self) -> ComposeResult:
        yield Pane("O", self._list, id="operations-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the operations."""
        self._list.set_caption("Operations", "reading")
        self._list.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("operations"))
        self._gateway.load_operations(self.post_message)

    def on_operations_loaded(self, message: OperationsLoaded) -> None:
        """Shows them; that a change began is for recovery alone, its end is what people look for."""
        self._list.show([row for row in message.rows if row.operation.kind != "intent"])

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    def on_key(self) -> None:
        """A sentence in the footer stays until the next key."""
        self._footer.hush()

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline."""
        message.stop()
        self.dismiss(None)

    def choose(self, row: OperationRow) -> None:
        """Leaves with an operation, or says why it cannot be taken back."""
        if row.undone:
            self._footer.say(f"this is undone already: {does_it_again()}")
        elif row.undoable:
            self.dismiss(OperationChoice(undo=row.operation.number))
        elif step_of(row.operation) is not None:
            show, back = key_of("operations.show_step"), key_of("timeline.restore")
            self._footer.say(f"nothing to take back: {show} shows its step, {back} there goes back")
        else:
            self._footer.say(
                f"nothing to take back: {one_line(row.operation.kind)} is never undone"
            )

    def show(self, row: OperationRow) -> None:
        """Asks for the operation's step, or says that it has none."""
        step = step_of(row.operation)
        if step is None:
            self._footer.say(f"operation {grouped(row.operation.number)} is about no step")
        else:
            name_step(self._gateway, self.post_message, 0, step)

    def on_step_named(self, message: StepNamed) -> None:
        """Leaves for it."""
        self.dismiss(OperationChoice(show=message.step.seq))
