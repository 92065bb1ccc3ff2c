"""Asks before a command takes something away for good: by a key, or by a word to be typed.

A key counts only some time after the question was drawn and the key before it: who types
something else while the question comes agrees to nothing.
"""

from __future__ import annotations

from textwrap import wrap

from textual import events
from textual.app import ComposeResult
from textual.widgets import Input

from stepwell.tui.feed.commands import Ending
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import key_of
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import ChangeDone
from stepwell.tui.screens.form import Form
from stepwell.tui.screens.resting import Rest
from stepwell.tui.values import Clock
from stepwell.tui.widgets.entry import Entry

_WIDEST, _FRAME = 110, 4
"""Cells of a form, and of its border, as the style sheet has them."""


class _Agreeing(Form["bool | None"]):
    """Its result is True when it was agreed to, and None else."""

    LINES = 4
    """How many it takes beyond the last two of the screen, if its question takes one."""

    def __init__(self, gateway: Gateway, glyphs: Glyphs, title: str) -> None:
        super().__init__(gateway, glyphs, title)
        self._question = title

    def lines_at(self, width: int) -> int:
        """Returns how many it takes on a screen of so many cells, beyond its last two lines."""
        return self.LINES - 1 + len(wrap(self._question, min(width, _WIDEST) - _FRAME))

    def done(self, message: ChangeDone) -> None:
        raise AssertionError("nothing is sent from here")


class AgreeByKey(_Agreeing):
    """A key does it, another one than the one that asked."""

    BINDINGS = bindings_for("confirm", priority=True)

    def __init__(self, gateway: Gateway, glyphs: Glyphs, title: str, clock: Clock) -> None:
        super().__init__(gateway, glyphs, title)
        self._rest = Rest(clock)

    def body(self) -> ComposeResult:
        return iter(())

    def on_mount(self) -> None:
        """Says which key."""
        self.tell_keys([(key_of("confirm.yes"), "do it"), (key_of("confirm.no"), "leave")])
        self.call_after_refresh(self._rest.begin)

    @property
    def rested(self) -> bool:
        """A key that comes now is an answer."""
        return self._rest.over

    def on_key(self, _: events.Key) -> None:
        """Someone types something else."""
        self._rest.put_off()

    def action_yes(self) -> None:
        """Agrees, unless it came too soon to be an answer."""
        if self.rested:
            self.dismiss(True)
        else:
            self._rest.put_off()
            self.complain(f"that came too soon: read, then press {key_of('confirm.yes')} again")

    def action_no(self) -> None:
        """Leaves."""
        self.dismiss(None)


class AgreeByWord(_Agreeing):
    """A word has to be typed: what is done cannot be taken back."""

    LINES = 6

    def __init__(self, gateway: Gateway, glyphs: Glyphs, title: str, word: str) -> None:
        super().__init__(gateway, glyphs, title)
        self._word = word
        self._entry = Entry(id="agree-word", placeholder=word, select_on_focus=False)

    def body(self) -> ComposeResult:
        yield self._entry

    def on_mount(self) -> None:
        """Says which word."""
        self._entry.cursor_blink = False
        self._entry.focus()
        self.tell_keys([("enter", f"do it, once {self._word} is typed"), ("esc", "leave")])

    def on_input_changed(self, message: Input.Changed) -> None:
        """An old complaint is about another word."""
        message.stop()
        self.complain("")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Agrees, if it is the word."""
        message.stop()
        self.action_save()

    def action_save(self) -> None:
        """Agrees, if it is the word."""
        if self._entry.value.strip() == self._word:
            self.dismiss(True)
        else:
            self.complain(f"type {self._word} to do it; esc leaves")


def agree_form(
    gateway: Gateway, clock: Clock, glyphs: Glyphs, ending: Ending
) -> AgreeByKey | AgreeByWord:
    """Returns the form that asks the question with which a command ended."""
    title = f"{ending.name}: {ending.question}?"
    if ending.word:
        return AgreeByWord(gateway, glyphs, title, ending.word)
    return AgreeByKey(gateway, glyphs, title, clock)
