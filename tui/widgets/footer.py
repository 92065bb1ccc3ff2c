"""The bottom line: the nearest keys of the pane in focus; or, for a while, why a key was refused."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from stepwell.tui.keys.bindings import WAYS_OUT
from stepwell.tui.look.fit import clip_middle
from stepwell.tui.look.glyphs import UTF8, written
from stepwell.tui.widgets.bars import Bar, length


class Footer(Bar):
    """Shows what it is told: hints, or one sentence instead of them."""

    def __init__(self) -> None:
        super().__init__()
        self._hints: Sequence[tuple[str, str]] = ()
        self._sentence = ""
        self._role = "warning"

    @property
    def sentence(self) -> str:
        """The sentence shown instead of the hints; empty: none."""
        return self._sentence

    def show_hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """Takes (key, hint) pairs; the last one and the way out stay when it gets narrow."""
        self._hints = hints
        self.refresh()

    def say(self, sentence: str, role: str = "warning") -> None:
        """Shows a sentence (already printable) until `hush`; its end, the way back, is not cut off."""
        self._sentence, self._role = sentence, role
        self.refresh()

    def hush(self) -> None:
        """Shows the hints again."""
        if self._sentence:
            self._sentence = ""
            self.refresh()

    def left(self, width: int) -> Sequence[Segment]:
        if self._sentence:
            said = written(
                clip_middle(self._sentence, width - 2), getattr(self.app, "glyphs", UTF8)
            )
            return [Segment(f" {said}", self.paint(self._role))]
        shown = list(self._hints)
        while len(shown) > 1 and length(self._drawn(shown)) > width - 1:
            spare = [at for at, (_, hint) in enumerate(shown[:-1]) if hint not in WAYS_OUT]
            del shown[spare[-1] if spare else -2]
        return self._drawn(shown)

    def _drawn(self, hints: Sequence[tuple[str, str]]) -> list[Segment]:
        parts: list[Segment] = []
        glyphs = getattr(self.app, "glyphs", UTF8)
        for key, hint in ((written(k, glyphs), written(h, glyphs)) for k, h in hints):
            parts.append(Segment(f" {key}", self.paint("accent", bold=True)))
            parts.append(Segment(f" {hint} ", self.paint("dim")))
        return parts
