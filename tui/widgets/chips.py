"""The line under the timeline's title that says by what it is filtered, and how many steps are left."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from stepwell.tui.keys.actions import key_of
from stepwell.tui.look.fit import cells, clip
from stepwell.tui.look.numbers import grouped
from stepwell.tui.values import printable
from stepwell.tui.widgets.bars import Bar


class Chips(Bar):
    """One chip a term; hidden while nothing is filtered."""

    def __init__(self) -> None:
        super().__init__(id="chips")
        self._terms: Sequence[str] = ()
        self._found = 0
        self._of: int | None = None
        self._dims = False
        self.display = False

    def show(self, terms: Sequence[str], found: int, of: int | None, *, dims: bool = False) -> None:
        """Takes the terms as typed and how many steps fit; `of`: looked at so far, None: all.

        `dims`: the other steps are faint, not hidden.
        """
        self._terms, self._found, self._of, self._dims = terms, found, of, dims
        self.display = bool(terms)
        self.refresh()

    def left(self, width: int) -> Sequence[Segment]:
        room = width - cells(self._count()) - 2
        parts = [Segment(" ")]
        for term in self._terms:
            text = f" {clip(printable(term), 30)} "
            if cells(text) + 1 > room - 1:
                parts.append(Segment("+", self.paint("dim")))
                break
            parts += [Segment(text, self.paint("strong", "wash")), Segment(" ")]
            room -= cells(text) + 1
        return parts

    def right(self, width: int) -> Sequence[Segment]:
        role = "dim" if self._found else "warning"
        told = [Segment(f"{self._count()} ", self.paint(role))]
        way = f"{key_of('timeline.dim')} {'hides' if self._dims else 'dims'} others  "
        if self._of is None and self._found and cells(way) + cells(self._count()) < width:
            told.insert(0, Segment(way, self.paint("quiet")))
        return told

    def _count(self) -> str:
        steps = f"{grouped(self._found)} step{'' if self._found == 1 else 's'}"
        if self._of is not None:
            return f"{steps}, {grouped(self._of)} looked at"
        if self._dims and self._found:
            return f"{steps} fit{'s' if self._found == 1 else ''}"
        return steps if self._found else "no step fits"
