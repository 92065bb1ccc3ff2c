"""Base, ours and theirs of a conflict: beside each other, or stacked where it is narrow."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from rich.segment import Segment

from stepwell.tui.look.fit import clip, fit
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.model.sides import SIDES, Cell, SideRow, Sides, side_names
from stepwell.tui.values import Conflict
from stepwell.tui.widgets.linelist import LineList

BESIDE = 96
"""Cells from which on the sides stand beside each other."""
_CHANGED = {"!": ("ours", "theirs"), "<": ("ours",), ">": ("theirs",), "=": ("ours", "theirs")}
_GROUNDS = {"!": "deleted_ground", "<": "added_ground", ">": "added_ground", "=": "added_ground"}


class SidesList(LineList):
    """Draws Sides; the first row names the sides."""

    WASH = False
    MARGIN = 3

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="sides", glyphs=glyphs)
        self._sides: Sides | None = None
        self._conflict: Conflict | None = None
        self._branch = ""
        self._was_stacked = False

    @property
    def path(self) -> bytes | None:
        """Whose sides are shown."""
        return self._conflict.path if self._conflict is not None else None

    @property
    def stacked(self) -> bool:
        """There is no room for three columns."""
        return self.row_width < BESIDE

    def show(self, conflict: Conflict, sides: Sides, branch: str) -> None:
        """Takes a conflict with `branch` and goes to the first place where its sides differ."""
        self._conflict, self._sides, self._branch = conflict, sides, branch
        self._count_anew()
        self.move_to(0)
        self.go_clash(1)

    def clear(self) -> None:
        """Shows nothing."""
        self._conflict, self._sides = None, None
        self.set_count(0)

    def _count_anew(self) -> None:
        self._was_stacked = self.stacked
        sides = self._sides
        if sides is not None:
            self.set_count(1 + max(1, sides.count(self.stacked)))

    def on_resize(self) -> None:
        """Stacks or unstacks."""
        if self.stacked != self._was_stacked:
            self._count_anew()
            self.move_to(0)
            self.go_clash(1)
        super().on_resize()

    def go_clash(self, by: int) -> None:
        """Goes to the next (1) or previous (-1) place where the sides differ."""
        sides = self._sides
        if sides is None:
            return
        rows = [row + 1 for row in (sides.stacked_clashes if self.stacked else sides.clashes)]
        at = bisect_right(rows, self.cursor) if by > 0 else bisect_left(rows, self.cursor) - 1
        if 0 <= at < len(rows):
            self.move_to(rows[at])
            self.scroll_to(y=max(0, rows[at] - 3), animate=False, immediate=True, force=True)

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        sides, conflict = self._sides, self._conflict
        if sides is None or conflict is None:
            return []
        if index == 0:
            return self._names(conflict, width)
        if not sides.count(self.stacked):
            return [Segment(f" {sides.said}", self.paint("dim"))]
        row = sides.row(index - 1, self.stacked)
        return self._stacked_row(row, width) if self.stacked else self._beside(row, width)

    def _names(self, conflict: Conflict, width: int) -> list[Segment]:
        names = side_names(conflict, self._branch)
        if self.stacked:
            return [Segment(clip("   ".join(names), width), self.paint("strong", bold=True))]
        room = self._room(width)
        bar = Segment(self.glyphs.column, self.paint("faint"))
        parts = [Segment("  ")]
        for number, name in enumerate(names):
            parts += [bar] * (number > 0)
            parts.append(Segment(fit(name, room), self.paint("strong", bold=True)))
        return parts

    def _room(self, width: int) -> int:
        return max(8, (width - 4) // len(SIDES))

    def _beside(self, row: SideRow, width: int) -> list[Segment]:
        parts = [self._sign(row)]
        bar = Segment(self.glyphs.column, self.paint("faint"))
        for number, (name, cell) in enumerate(zip(SIDES, row.cells, strict=True)):
            parts += [bar] * (number > 0)
            parts += self._cell(row.sign, name, cell, self._room(width))
        return parts

    def _sign(self, row: SideRow) -> Segment:
        role = "failed" if row.sign == "!" else "added"
        return Segment(f"{row.sign} ", self.paint(role, bold=True))

    def _cell(self, sign: str, name: str, cell: Cell | None, room: int) -> list[Segment]:
        ground = _GROUNDS.get(sign) if name in _CHANGED.get(sign, ()) else None
        number = "" if cell is None else str(cell.number)
        text = "" if cell is None else cell.text
        return [
            Segment(f"{number:>4} ", self.paint("quiet", ground)),
            Segment(fit(text, room - 5, self.glyphs.cut), self.paint("text", ground)),
        ]

    def _stacked_row(self, row: SideRow, width: int) -> list[Segment]:
        if row.heading:
            return [self._sign(row), Segment(row.name, self.paint("hunk", bold=True))]
        name = SIDES[row.side] if row.side is not None else "ours"
        cell = next((one for one in row.cells if one is not None), None)
        return [self._sign(row), *self._cell(row.sign, name, cell, width - 2)]
