"""`:` runs a command of the command line: what it says is shown, what changes files is previewed.

What would take something away for good is asked for first, by a key or a word of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Literal, NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from stepwell.tui.feed.commands import MOST, Back, Ending, Run
from stepwell.tui.feed.naming import load_names, name_step
from stepwell.tui.feed.snapshots import take_snapshot
from stepwell.tui.feed.wishes import Rollback, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import wrapped
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import (
    BackAsked,
    ChangeDone,
    ChangeRefused,
    CommandAt,
    CommandSaid,
    CommandTold,
    CursorMoved,
    Failed,
    NamesLoaded,
    RowOpened,
    StepNamed,
)
from stepwell.tui.model.commandline import History, NotUnderstood, completed, understood
from stepwell.tui.screens.above import Above
from stepwell.tui.screens.agreeing import agree_form
from stepwell.tui.values import Clock, FailedError, Step, StepwellError, printable
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.sentence import Sentence

_USAGE = 2
_WELCOME = (
    "Every command of stepwell: log, show, mark, capture, bisect, help, ...",
    "What changes files opens the preview: rollback, switch, undo, merge, ...",
    "What takes something away asks first: prune, purge, gc, branch delete, ...",
    "Sessions: session snapshot [TEXT], snapshots, metrics, timeline [NAME].",
)
_STOPPED = "stopped: nothing that was recorded is lost; operations lists what was done"
_STOPPED_FINAL = "stopped: {} may be done in part; running it again finishes it"


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
        self._top = 0
        """The row that stays on top as lines come, until someone scrolls."""
        self._pinned = False

    def say(self, text: str, role: str = "text") -> None:
        """Adds a sentence of our own at the end, harmless, in as many lines as it needs."""
        self.add([(line, role) for line in wrapped(text, self.row_width)])

    def add(self, lines: Sequence[tuple[str, str]]) -> None:
        """Adds lines at the end, which are harmless and as wide as the pane."""
        self.lines += lines
        over = len(self.lines) - 2 * MOST
        if over > 0:
            del self.lines[:over]
            self._top = max(0, self._top - over)
            self.set_count(len(self.lines), len(self.lines) - 1)
        else:
            self.grow(len(self.lines))
        self.show_top()

    def show_top(self) -> None:
        """Has the newest line that was run on top, or as much below it as there is room for."""
        if self._pinned:
            self.scroll_to(y=self._top, animate=False, immediate=True, force=True)

    def begin(self, text: str) -> None:
        """Adds the line that is run, and keeps it on top of what follows."""
        self._top, self._pinned = len(self.lines), True
        self.say(text, "accent")

    def scroll_rows(self, rows: int) -> None:
        self._pinned = False
        super().scroll_rows(rows)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.show_top)

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
        keep_line: Callable[[str], object],
    ) -> None:
        """`selected`: the step whose session is meant where none is named.

        `keep_line` keeps a line that is run for the next time; it raises FailedError.
        """
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._selected = selected
        self._history = history
        self._keep_line = keep_line
        self._text = TextLines(glyphs)
        self._entry = Entry(id="command-entry", placeholder="log -n 20", select_on_focus=False)
        self._sign = Sentence(id="command-sign")
        self._footer = Footer()
        self._generations = count(1)
        self._generation = 0
        self._left = False
        self._line = ""
        self._words: tuple[str, ...] = ()
        self._waiting: Ending | None = None
        """What asks or leads to a preview, and came while something was being typed."""
        self._back: Back | None = None
        self._offers: Callable[[Sequence[str]], Sequence[str]] = lambda words: ()

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
        self._text.add([(line, "dim") for line in _WELCOME])
        load_names(self._gateway, self.post_message)
        self._footer.show_hints(hints_for("command"))

    def on_input_changed(self, message: Input.Changed) -> None:
        """An old complaint is about another line."""
        message.stop()
        self._footer.hush()

    def action_run_line(self) -> None:
        """Does what the line asks for; first of all asks what waits to be asked."""
        if self._waiting is not None:
            self._go_on(self._waiting)
            return
        busy = self._gateway.commands.busy
        if busy:
            self._footer.say(printable(f"{busy} is still running: esc stops it"))
            return
        line = self._entry.value.strip()
        session = self._selected.session if self._selected is not None else None
        try:
            order = understood(line, session)
        except NotUnderstood as error:
            self._footer.say(printable(str(error)), "failed")
            return
        self._history.ran(line)
        self._line, self._entry.value = line, ""
        self._text.begin(f": {printable(line)}")
        try:
            self._keep_line(line)
        except FailedError as error:
            self._text.say(printable(error.message), "failed")
        if order.act == "filter":
            self.dismiss(Ordered(query=order.words[0]))
        elif order.act == "snapshot":
            take_snapshot(self._gateway, self._hear, order.words[0], session)
        else:
            self._start(order.words)

    def _start(self, words: Sequence[str], agreed_to: Ending | None = None) -> None:
        self._generation, self._words = next(self._generations), tuple(words)
        plain = self._text.glyphs.ellipsis != "…"
        shown = agreed_to.shown if agreed_to else None
        width = self._text.row_width
        run = Run(words, width, self._clock(), plain, agreed_to is not None, shown)
        self._text.set_caption("Commands", "esc stops it")
        self._gateway.commands.start(self._hear, self._generation, run)

    def _hear(self, message: Message) -> None:
        """Takes what a command says, on its thread; once this screen is left, the main one does."""
        if self._left:
            self._gateway.tell_main(message)
        else:
            self.post_message(message)

    def on_command_said(self, message: CommandSaid) -> None:
        """Shows lines."""
        if message.generation == self._generation:
            self._text.add(message.lines)

    def on_command_at(self, message: CommandAt) -> None:
        """Shows how far it is."""
        if message.generation == self._generation:
            self._text.set_caption("Commands", f"{message.text}; esc stops it")

    def on_command_told(self, message: CommandTold) -> None:
        """Goes on as the command ended."""
        message.stop()
        ending = message.ending
        if ending.wrote:
            self._gateway.poll()
        if message.generation != self._generation:
            return
        self._text.set_caption("Commands", f"{grouped(len(self._text.lines))} lines")
        leads_on = ending.question or ending.back is not None or ending.wish is not None
        if leads_on and self._entry.value:
            self._waiting = ending
            what = "shows its plan first: enter opens it"
            if ending.question:
                what = f"asks first: {ending.question}? enter answers"
            self._text.say(f"{ending.name} {what}", "warning")
        elif leads_on:
            self._go_on(ending)
        elif ending.stopped:
            self._text.say(_stopped(ending), "warning")
        elif ending.code == _USAGE:
            self._give_back()

    def _go_on(self, ending: Ending) -> None:
        """Asks what the command asks, or leaves for the preview of what it would do."""
        self._waiting = None
        if ending.question:
            self._ask(ending)
        elif ending.back is not None:
            self._back = ending.back
            reference = ending.back.reference
            name_step(self._gateway, self.post_message, self._generation, reference)
        elif ending.wish is not None:
            self.dismiss(Ordered(ending.wish))

    def _give_back(self) -> None:
        """Puts the line where it can be mended, unless another one is typed already."""
        if not self._entry.value:
            self._put(self._line)

    def _ask(self, ending: Ending) -> None:
        words = self._words

        def answered(agreed: bool | None) -> None:
            self.styles.padding = 0
            if agreed:
                self._start(words, ending)
            else:
                self._text.say("nothing was changed", "dim")

        form = agree_form(self._gateway, self._clock, self._text.glyphs, ending)
        # What it is about stays in sight above the form.
        self.styles.padding = (0, 0, form.lines_at(self.size.width), 0)
        self.app.push_screen(form, answered)

    def on_step_named(self, message: StepNamed) -> None:
        """Leaves for the preview of going back to it."""
        back = self._back
        if message.generation == self._generation and back is not None:
            side: Literal["before", "after"] = "before" if back.before else "after"
            self.dismiss(Ordered(Rollback(message.step, side=side, only=back.only)))

    def on_change_done(self, message: ChangeDone) -> None:
        """Says what was done."""
        self._text.say(printable(message.sentence), "ok")
        self._gateway.poll()

    def on_change_refused(self, message: ChangeRefused) -> None:
        """Says why it was not."""
        self._refuse(message.error)

    def on_failed(self, message: Failed) -> None:
        """Says what could not be done."""
        message.stop()
        self._refuse(message.error)

    def _refuse(self, error: StepwellError) -> None:
        self._text.say(f"stepwell: {printable(error.message)}", "failed")
        if error.hint:
            self._text.say(f"hint: {printable(error.hint)}", "dim")
        self._give_back()

    def action_complete_line(self) -> None:
        """Completes the last word."""
        found = completed(self._entry.value, self._offers)
        self._put(found.line)
        if found.ways:
            self._footer.say(printable("  ".join(found.ways)), "dim")

    def on_names_loaded(self, message: NamesLoaded) -> None:
        """Takes what lines may be completed with."""
        self._offers = message.offers

    def action_earlier(self) -> None:
        """The line before."""
        self._put(self._history.step(-1, self._entry.value))

    def action_later(self) -> None:
        """The line after."""
        self._put(self._history.step(1, self._entry.value))

    def _put(self, text: str) -> None:
        with self.prevent(Input.Changed):
            self._entry.value = text
        self._entry.cursor_position = len(text)

    def action_text_down(self) -> None:
        """Scrolls what was said down."""
        self._text.scroll_rows(max(1, self._text.size.height - 1))

    def action_text_up(self) -> None:
        """Scrolls it up."""
        self._text.scroll_rows(-max(1, self._text.size.height - 1))

    def action_leave_line(self) -> None:
        """Ends the command that runs; else back to the timeline."""
        commands, name = self._gateway.commands, self._gateway.commands.busy
        if not name or commands.stopping:
            self.dismiss(None)
        elif commands.stop():
            self._text.set_caption(
                "Commands", f"{printable(name)} is ending; esc again leaves it to itself"
            )
        else:
            self._generation = next(self._generations)
            self._text.set_caption("Commands", "")
            self._text.say("stopped", "warning")

    def dismiss(self, result: Ordered | None = None) -> AwaitComplete:
        """Leaves; what a command still says is the main screen's."""
        self._left = True
        return super().dismiss(result)

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


def _stopped(ending: Ending) -> str:
    if not ending.wrote:
        return "stopped"
    return _STOPPED_FINAL.format(ending.name) if ending.is_final else _STOPPED
