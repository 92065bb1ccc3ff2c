"""`:` runs a command of the command line: what it says is shown, what changes files is previewed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import count
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from stepwell.tui.feed.wishes import Redo, Rollback, Switch, Undo, Wish
from stepwell.tui.gateway import Gateway, Run, command_names, only_reads
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import (
    BackAsked,
    ChangeDone,
    ChangeRefused,
    CommandTold,
    CursorMoved,
    Failed,
    RowOpened,
    StepNamed,
)
from stepwell.tui.model.commandline import History, NotUnderstood, Order, completed, understood
from stepwell.tui.screens.above import Above
from stepwell.tui.values import Clock, Step, StepwellError, printable
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.sentence import Sentence

_MOST = 50_000
"""Lines of a command's text that are kept."""
_WELCOME = (
    "Run what reads: log, show, diff, cat, search, blame, status, stats, help, ...",
    "See first: rollback STEP, switch BRANCH, undo and redo open the preview.",
    "Sessions: session snapshot [TEXT], snapshots [NAME], metrics, timeline [NAME].",
)


class Ordered(NamedTuple):
    """What a line leads to beyond this screen."""

    wish: Wish | None = None
    query: str | None = None
    """A filter of the timeline."""


class TextLines(LineList):
    """Lines of text with a place to read from."""

    can_focus = False
    WASH = False

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="told", glyphs=glyphs)
        self.lines: list[tuple[str, str]] = []

    def say(self, lines: Sequence[str], role: str = "text") -> None:
        """Adds lines at the end, harmless, and goes to the first of them."""
        first = len(self.lines)
        self.lines += [(printable(line.expandtabs(4)), role) for line in lines]
        del self.lines[: max(0, len(self.lines) - _MOST)]
        self.set_span(max((len(line) for line, _ in self.lines), default=0))
        self.set_count(len(self.lines), len(self.lines) - 1)
        self.move_to(min(first, len(self.lines) - 1))
        self.scroll_to(y=first, animate=False, immediate=True, force=True)

    def row_key(self, index: int) -> Hashable | None:
        return index

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        text, role = self.lines[index]
        return [Segment(text, self.paint(role))]


class CommandScreen(Above, Screen[Ordered | None]):
    """The line at the bottom takes the keys; above it stands what commands said."""

    BINDINGS = bindings_for("command", priority=True)
    CSS = """
    CommandScreen { layout: vertical; }
    CommandScreen #command { height: 1; background: $panel; }
    CommandScreen #command-sign { width: 3; }
    CommandScreen #command-entry {
        width: 1fr; height: 1; border: none; padding: 0; background: $panel;
    }
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        glyphs: Glyphs,
        selected: Step | None,
        history: History,
    ) -> None:
        """`selected`: the step whose session is meant where none is named."""
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._selected = selected
        self._history = history
        self._text = TextLines(glyphs)
        self._entry = Entry(id="command-entry", placeholder="log -n 20", select_on_focus=False)
        self._sign = Sentence(id="command-sign")
        self._footer = Footer()
        self._generations = count(1)
        self._generation = 0
        self._refused: str | None = None
        self._order = Order("read")

    def compose(self) -> ComposeResult:
        yield Pane(":", self._text, id="told-pane")
        with Horizontal(id="command"):
            yield self._sign
            yield self._entry
        yield self._footer

    def on_mount(self) -> None:
        """The line takes the keys."""
        self._sign.say(" : ", "accent")
        self._entry.cursor_blink = False
        self.set_focus(self._entry)
        self._text.set_caption("Commands")
        self._text.say(_WELCOME, "dim")
        self._footer.show_hints(hints_for("command"))

    def on_input_changed(self, message: Input.Changed) -> None:
        """An old complaint is about another line."""
        message.stop()
        if self._entry.value.strip() != self._refused:
            self._footer.hush()

    # --- running ---------------------------------------------------------------------------------

    def action_run_line(self) -> None:
        """Does what the line asks for."""
        line = self._entry.value.strip()
        session = self._selected.session if self._selected is not None else None
        try:
            order = understood(line, session, only_reads)
        except NotUnderstood as error:
            self._refused = line
            self._footer.say(printable(str(error)), "failed")
            return
        self._history.ran(line)
        self._entry.value = ""
        self._generation = next(self._generations)
        self._order = order
        self._text.say([f": {line}"], "accent")
        self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        if order.act == "read":
            plain = self._text.glyphs.ellipsis != "…"
            run = Run(order.words, self._text.row_width, self._clock(), plain)
            self._gateway.tell(self.post_message, self._generation, run)
        elif order.act == "snapshot":
            session = self._selected.session if self._selected is not None else None
            self._gateway.take_snapshot(self.post_message, order.words[0], session)
        elif order.act == "rollback":
            self._gateway.name_step(self.post_message, self._generation, order.words[0])
        elif order.act == "filter":
            self.dismiss(Ordered(query=order.words[0]))
        else:
            self.dismiss(Ordered(_wish(order)))

    def on_command_told(self, message: CommandTold) -> None:
        """Shows what the command said."""
        if message.generation == self._generation:
            lines = message.text.rstrip("\n").split("\n")
            self._text.say(lines, "failed" if message.code else "text")
            self._text.set_caption("Commands", f"{grouped(len(lines))} lines")

    def on_step_named(self, message: StepNamed) -> None:
        """Leaves for the preview of going back to it."""
        if message.generation == self._generation:
            order = self._order
            self.dismiss(Ordered(Rollback(message.step, side=order.side, only=order.only)))

    def on_change_done(self, message: ChangeDone) -> None:
        """Says what was done."""
        self._text.say([message.sentence], "ok")
        self._gateway.poll()

    def on_change_refused(self, message: ChangeRefused) -> None:
        """Says why it was not."""
        self._refuse(message.error)

    def on_failed(self, message: Failed) -> None:
        """Says what could not be done."""
        self._refuse(message.error)

    def _refuse(self, error: StepwellError) -> None:
        self._text.say([error.message + (f" ({error.hint})" if error.hint else "")], "failed")

    # --- keys ------------------------------------------------------------------------------------

    def action_complete_line(self) -> None:
        """Completes the command."""
        self._put(completed(self._entry.value, command_names()))

    def action_earlier(self) -> None:
        """The line before."""
        self._put(self._history.step(-1, self._entry.value))

    def action_later(self) -> None:
        """The line after."""
        self._put(self._history.step(1, self._entry.value))

    def _put(self, text: str) -> None:
        self._entry.value = text
        self._entry.cursor_position = len(text)

    def action_text_down(self) -> None:
        """Scrolls what was said down."""
        self._text.scroll_rows(max(1, self._text.size.height - 1))

    def action_text_up(self) -> None:
        """Scrolls it up."""
        self._text.scroll_rows(-max(1, self._text.size.height - 1))

    def action_leave_line(self) -> None:
        """Back to the timeline."""
        self.dismiss(None)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Nothing follows the cursor."""
        message.stop()

    def on_row_opened(self, message: RowOpened) -> None:
        """A line leads nowhere."""
        message.stop()

    def on_back_asked(self, message: BackAsked) -> None:
        """Leaves."""
        message.stop()
        self.dismiss(None)


def _wish(order: Order) -> Wish:
    if order.act == "switch":
        return Switch(order.words[0])
    if order.act == "undo":
        return Undo(int(order.words[0]) if order.words else None)
    return Redo()
