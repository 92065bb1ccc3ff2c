"""The rows of a plan: what changes, what needs a tick first, what is kept and why."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.segment import Segment

from stepwell.tui.look.fit import cells, clip
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.marks import (
    COUNTS_CELLS,
    STATUS_ROLES,
    counts,
    path_segments,
    width_of,
)
from stepwell.tui.model.planrows import PlanRow
from stepwell.tui.values import Change
from stepwell.tui.widgets.linelist import LineList

_BOX = 4


class PlanList(LineList):
    """Draws plan rows and keeps their ticks."""

    def __init__(self, *, id: str = "plan", glyphs: Glyphs = UTF8) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.rows: Sequence[PlanRow] = ()
        self.changes: Sequence[Change] = ()
        self.ticked: set[bytes] = set()
        self._boxes = False
        self._path_cells = 0

    def show_plan(self, rows: Sequence[PlanRow], changes: Sequence[Change]) -> None:
        """Takes another plan; no row is ticked."""
        self.rows, self.changes = rows, changes
        self.ticked = set()
        self._boxes = any(row.tick is not None for row in rows)
        paths = (len(change.path) for change in changes)
        self._path_cells = max(paths, default=0)
        self.set_count(len(rows), cursor=0)

    @property
    def unticked(self) -> list[PlanRow]:
        """The rows that still need a tick."""
        return [row for row in self.rows if row.tick is not None and row.tick not in self.ticked]

    def toggle(self) -> bool:
        """Ticks or unticks the cursor's row; tells whether it has a box."""
        row = self.rows[self.cursor] if self.rows else None
        if row is None or row.tick is None:
            return False
        self.ticked ^= {row.tick}
        self.redraw_row(self.cursor)
        return True

    def tick_all(self) -> None:
        """Ticks every row that has a box."""
        self.ticked = {row.tick for row in self.rows if row.tick is not None}
        self.redraw()

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.rows[index]
        box = self._box(row)
        room = max(1, width - _BOX * self._boxes)
        if row.change is not None:
            return [*box, *self._change(row, self.changes[row.change], room)]
        role, sign = ("dim", "=") if row.kind == "kept" else ("warning", "!")
        word = "kept  " if row.kind == "kept" else ""
        text = clip(f"{word}{row.text}", max(1, room - 3))
        return [*box, Segment(f"{sign} ", self.paint(role)), Segment(text, self.paint(role))]

    def _box(self, row: PlanRow) -> list[Segment]:
        if not self._boxes:
            return []
        if row.tick is None:
            return [Segment(" " * _BOX)]
        done = row.tick in self.ticked
        mark = ("x" if self.glyphs.ok == "v" else self.glyphs.ok) if done else " "
        return [Segment(f"[{mark}] ", self.paint("ok" if done else "warning", bold=True))]

    def _change(self, row: PlanRow, change: Change, room: int) -> list[Segment]:
        note = self._note(row, change)
        reserved = COUNTS_CELLS + 4 + (min(cells(note) + 2, room // 2) if note else 0)
        width = max(8, min(self._path_cells + 2, room - reserved))
        path = path_segments(change.path, width, self.paint, strong=False)
        parts = [
            Segment(f"{change.status} ", self.paint(STATUS_ROLES[change.status], bold=True)),
            *path,
            Segment(" " * max(0, width - width_of(path))),
            *counts(change, self.paint),
        ]
        left = room - width_of(parts) - 2
        if note and left > 4:
            role = "warning" if row.text else "dim"
            parts.append(Segment(f"  {clip(note, left)}", self.paint(role)))
        return parts

    def _note(self, row: PlanRow, change: Change) -> str:
        becomes = {"D": "is deleted", "A": "comes back"}.get(change.status, "")
        if not row.text:
            return becomes
        return f"! {row.text}; {becomes}" if becomes else f"! {row.text}"

    def row_key(self, index: int) -> Hashable | None:
        return index, self.rows[index].tick in self.ticked
