"""The bottom line: at most seven keys of the pane in focus; or, for a while, why a key was refused."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from stepwell.tui.look.fit import clip
from stepwell.tui.widgets.bars import Bar, length


class Footer(Bar):
    """Shows what it is told: hints, a word at the right, or one sentence instead of the hints."""

    def __init__(self) -> None:
        super().__init__()
        self._hints: Sequence[tuple[str, str]] = ()
        self._place = ""
        self._sentence = ""
        self._role = "warning"

    @property
    def sentence(self) -> str:
        """The sentence shown instead of the hints; empty: none."""
        return self._sentence

    def show_hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """Takes (key, hint) pairs; the last one stays when it gets narrow."""
        self._hints = hints
        self.refresh()

    def show_place(self, place: str) -> None:
        """Takes the word at the right: which step is selected."""
        if place != self._place:
            self._place = place
            self.refresh()

    def say(self, sentence: str, role: str = "warning") -> None:
        """Shows a sentence (already printable) until `hush`."""
        self._sentence, self._role = sentence, role
        self.refresh()

    def hush(self) -> None:
        """Shows the hints again."""
        if self._sentence:
            self._sentence = ""
            self.refresh()

    def left(self, width: int) -> Sequence[Segment]:
        if self._sentence:
            return [Segment(f" {clip(self._sentence, width - 2)}", self.paint(self._role))]
        shown = list(self._hints)
        while len(shown) > 1 and length(self._drawn(shown)) > width - len(self._place) - 2:
            shown.pop(-2)
        return self._drawn(shown)

    def _drawn(self, hints: Sequence[tuple[str, str]]) -> list[Segment]:
        parts: list[Segment] = []
        for key, hint in hints:
            parts.append(Segment(f" {key}", self.paint("accent", bold=True)))
            parts.append(Segment(f" {hint} ", self.paint("dim")))
        return parts

    def right(self, width: int) -> Sequence[Segment]:
        return [Segment(f"{self._place} ", self.paint("dim"))] if len(self._place) < width else []
