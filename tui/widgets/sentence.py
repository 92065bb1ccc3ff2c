"""A sentence, or a row of keys with what they do, in the theme's roles. Never parses markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.widgets import Static

from stepwell.tui.look.fit import cells
from stepwell.tui.look.glyphs import UTF8, written
from stepwell.tui.look.palette import paint_for


class Sentence(Static):
    """Text that its owner sets; must have been through `printable`."""

    DEFAULT_CSS = "Sentence { height: 1; }"

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._parts: list[tuple[str, str, bool]] = []
        self._hints: list[tuple[str, str]] = []

    def say(self, text: str, role: str = "text") -> None:
        """Shows a sentence."""
        self._hints = []
        self._set([(text, role, role == "strong")])

    def keys(self, hints: Sequence[tuple[str, str]]) -> None:
        """Shows keys and what they do; the last two stay longest when it gets narrow."""
        self._hints = list(hints)
        self._fit()

    def on_resize(self) -> None:
        """Keys that had no room come back, others give way."""
        if self._hints:
            self._fit()

    def _fit(self) -> None:
        shown, room = list(self._hints), self.size.width
        while room and len(shown) > 1 and sum(cells(k + d) + 4 for k, d in shown) - 3 > room:
            del shown[max(0, len(shown) - 3)]
        parts: list[tuple[str, str, bool]] = []
        for key, does in shown:
            parts += [(key, "accent", True), (f" {does}   ", "dim", False)]
        self._set(parts)

    @property
    def plain(self) -> str:
        """What is shown, as text."""
        return "".join(text for text, _, _ in self._parts).rstrip()

    def on_mount(self) -> None:
        """Follows the theme."""
        self.app.theme_changed_signal.subscribe(self, self._take_theme)
        self._draw()

    def _take_theme(self, theme: Any) -> None:
        self._draw()

    def _set(self, parts: list[tuple[str, str, bool]]) -> None:
        self._parts = parts
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        paint = paint_for(self.app.current_theme)
        glyphs = getattr(self.app, "glyphs", UTF8)
        text = Text()
        for part, role, bold in self._parts:
            text.append(written(part, glyphs), paint(role, bold=bold))
        self.update(text)
