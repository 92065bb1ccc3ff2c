"""Asks before a command takes something away for good: by a key, or by a word to be typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import key_of
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import ChangeDone
from stepwell.tui.screens.form import Form
from stepwell.tui.widgets.entry import Entry


class _Agreeing(Form["bool | None"]):
    """Its result is True when it was agreed to, and None else."""

    LINES = 4
    """How many it takes beyond the last two of the screen."""

    def done(self, message: ChangeDone) -> None:
        raise AssertionError("nothing is sent from here")


class AgreeByKey(_Agreeing):
    """A key does it, another one than the one that asked."""

    BINDINGS = bindings_for("confirm", priority=True)

    def body(self) -> ComposeResult:
        return iter(())

    def on_mount(self) -> None:
        """Says which key."""
        self.tell_keys([(key_of("confirm.yes"), "do it"), (key_of("confirm.no"), "leave")])

    def action_yes(self) -> None:
        """Agrees."""
        self.dismiss(True)

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
    gateway: Gateway, glyphs: Glyphs, name: str, question: str, word: str
) -> AgreeByKey | AgreeByWord:
    """Returns the form that asks; `name` is the command's, `word` is empty where a key agrees."""
    title = f"{name}: {question}?"
    return AgreeByWord(gateway, glyphs, title, word) if word else AgreeByKey(gateway, glyphs, title)
