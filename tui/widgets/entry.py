"""What a person types in: what a terminal would obey is drawn as a sign of one cell, and kept.

A label, a tag or a draft that is offered for a change may hold anything.
"""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Input, TextArea

from stepwell.tui.values import printable

_SIGN = "?"


def drawn(text: str) -> str:
    """Returns as many characters, with a sign for each that a terminal would obey."""
    if printable(text) == text:
        return text
    return "".join(one if printable(one) == one else _SIGN for one in text)


class Entry(Input):
    """One line."""

    @property
    def _value(self) -> Text:
        return Text(drawn(self.value), no_wrap=True, overflow="ignore", end="")


class Draft(TextArea):
    """Several lines."""

    def get_line(self, line_index: int) -> Text:
        """Returns a line as it is drawn."""
        return Text(drawn(self.document.get_line(line_index)), end="", no_wrap=True)
