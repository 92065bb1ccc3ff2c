"""One line that waits for one key: which letter a step is marked with, or to which one to go."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from stepwell.tui.keys.names import spelled
from stepwell.tui.look.fit import clip
from stepwell.tui.screens.above import Above
from stepwell.tui.widgets.sentence import Sentence

_MOST = 8
"""Marks that are listed."""


class LetterScreen(Above, ModalScreen[str | None]):
    """Its result is a letter or a digit; any other key leaves."""

    CSS = """
    LetterScreen { align: center bottom; background: $background 0%; }
    LetterScreen #letters {
        width: 100%; height: auto; padding: 0 1; background: $panel; border-top: solid $accent;
    }
    """

    def __init__(self, question: str, marks: Mapping[str, str]) -> None:
        """`marks`: what each letter that is in use stands for, in words."""
        super().__init__()
        self._question = question
        self._marks = marks

    def compose(self) -> ComposeResult:
        with Vertical(id="letters"):
            for number, (letter, words) in enumerate(sorted(self._marks.items())[:_MOST]):
                line = Sentence(id=f"letter-{number}")
                line.keys([(letter, clip(words, max(8, self.app.size.width - 8)))])
                yield line
            said = Sentence(id="letters-question")
            more = len(self._marks) - _MOST
            rest = f"   ({more} more marks)" if more > 0 else ""
            said.keys([("a letter", f"{self._question}{rest}"), ("esc", "leave")])
            yield said

    def on_key(self, event: events.Key) -> None:
        """The next key decides, whichever it is."""
        event.stop()
        event.prevent_default()
        key = spelled(event.key)
        self.dismiss(key if len(key) == 1 and key.isalnum() and key.isascii() else None)
