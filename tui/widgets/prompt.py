"""The line at the bottom in which a person types a search or a filter, results at its right."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.messages import PromptChanged, PromptClosed
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.sentence import Sentence


class Prompt(Horizontal):
    """Hidden until `open`. Says what is typed with every key, and how it was left."""

    BINDINGS = bindings_for("prompt")

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._sign = Sentence(id="prompt-sign")
        self._entry = Entry(id="prompt-entry", select_on_focus=False)
        self._status = Sentence(id="prompt-status")
        self.display = False

    def compose(self) -> ComposeResult:
        yield self._sign
        yield self._entry
        yield self._status

    def on_mount(self) -> None:
        """A blinking cursor would draw for nothing."""
        self._entry.cursor_blink = False

    @property
    def text(self) -> str:
        """What is typed."""
        return self._entry.value

    def open(self, sign: str, text: str, placeholder: str) -> None:
        """Shows the line and gives it the focus."""
        self._sign.say(f" {sign} ", "accent")
        self._sign.styles.width = len(sign) + 2
        self.report("")
        self._entry.placeholder = placeholder
        with self.prevent(Input.Changed):
            self._entry.value = text
        self._entry.cursor_position = len(text)
        self.display = True
        self.screen.set_focus(self._entry, scroll_visible=False)

    def close(self) -> None:
        """Hides the line."""
        self.display = False

    def report(self, text: str, role: str = "dim") -> None:
        """Says at the right what came of what is typed; must be printable."""
        self._status.say(f" {text} " if text else "", role)
        self._status.styles.width = min(len(text) + 2, max(12, self.app.size.width * 2 // 3))

    def replace(self, text: str) -> None:
        """Puts other text into the line, as if it had been typed."""
        self._entry.value = text
        self._entry.cursor_position = len(text)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Tells what is typed."""
        message.stop()
        self.post_message(PromptChanged(message.value))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter keeps what is typed."""
        message.stop()
        self.action_keep()

    def action_keep(self) -> None:
        """Leaves, keeping what is typed."""
        self.post_message(PromptClosed(self.text, keep=True))

    def action_drop(self) -> None:
        """Leaves as it was before."""
        self.post_message(PromptClosed(self.text, keep=False))
