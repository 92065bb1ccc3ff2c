"""What the candidates of an experiment are at, as bars on the terminal while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stepwell.store.cli.output import Output, Piece, Style, Styled, padded, width
from stepwell.store.model.text import plural, printable

_CELLS = 12
_MOST = 10
"""Candidates that have a line; of more, those that are worked on come first."""
_PACE_S = 0.2
_STAGES = {"making its folder": 1, "running": 2, "waiting for the writer lock": 2, "checking": 3}
_ENDS: dict[str, Style] = {
    "done": "good",
    "checked": "good",
    "stopped": "bad",
    "its command failed": "bad",
    "its check failed": "bad",
}
_WHOLE = 4


class Board:
    """Takes reports of a running experiment and draws them again and again."""

    def __init__(
        self, out: Output, labels: Sequence[str], now: Callable[[], float] = time.monotonic
    ) -> None:
        """`now` gives seconds."""
        self._out = out
        self._now = now
        self._at = {label: ("waiting", 0, now()) for label in labels}
        """Label -> what it is at, how many stages are behind it, since when."""
        self._drawn = now()

    def report(self, label: str, what: str) -> None:
        """Takes what a candidate is at now."""
        _, stage, since = self._at[label]
        if what in _ENDS:
            self._at[label] = (what, _WHOLE, self._now())
        elif what in _STAGES:
            self._at[label] = (what, _STAGES[what], self._now())
        else:  # something on the way, such as a capture
            self._at[label] = (what, stage, since)
        self.draw()

    def tick(self) -> None:
        """Draws anew when it is time to: seconds go by without a report, too."""
        if self._now() - self._drawn >= _PACE_S:
            self.draw()

    def draw(self) -> None:
        """Draws all lines in place of the ones before."""
        self._drawn = self._now()
        self._out.live(self.lines())

    def lines(self) -> list[list[Piece]]:
        """Returns a line for each candidate, and, of many, one that counts."""
        order = sorted(self._at, key=lambda label: self._at[label][1] in (0, _WHOLE))
        shown = order[:_MOST] if len(order) > _MOST else list(self._at)
        cells = max(width(printable(label)) for label in shown)
        lines = [self._line(label, cells) for label in shown]
        if len(shown) < len(self._at):
            ended = sum(stage == _WHOLE for _, stage, _ in self._at.values())
            count = f"{ended:,} of {plural(len(self._at), 'candidate')} ended"
            lines.append([Styled(count, "dim")])
        return lines

    def _line(self, label: str, cells: int) -> list[Piece]:
        what, stage, since = self._at[label]
        filled = _CELLS * stage // _WHOLE
        took = f"  {self._now() - since:.0f} s" if 0 < stage < _WHOLE else ""
        return [
            Styled(padded(label, cells), "name"),
            "  ",
            Styled("█" * filled, _ENDS.get(what, "kind")),
            Styled("░" * (_CELLS - filled), "dim"),
            f"  {what}",
            Styled(took, "dim"),
        ]
