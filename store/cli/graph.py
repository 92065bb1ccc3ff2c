"""Lanes beside the rows of a list of steps, newest first. Pure; knows nothing of colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Lanes:
    """Feeds on steps from the newest to the oldest; a lane waits for the step that it leads to."""

    _waiting: list[str | None] = field(default_factory=list)

    def row(self, identity: str, parents: Sequence[str], sign: str) -> tuple[list[str], str]:
        """Returns the connecting lines that come before the step's row, and the row's own lanes."""
        columns = [i for i, wanted in enumerate(self._waiting) if wanted == identity]
        before = [self._joined(columns)] if len(columns) > 1 else []
        for column in columns[1:]:
            self._waiting[column] = None
        at = columns[0] if columns else self._free()
        self._trim(at)
        own = " ".join(self._cell(i, at, sign) for i in range(len(self._waiting)))
        self._waiting[at] = parents[0] if parents else None
        for parent in parents[1:]:
            self._waiting[self._free()] = parent
        self._trim()
        return before, own

    def _free(self) -> int:
        if None in self._waiting:
            at = self._waiting.index(None)
        else:
            at = len(self._waiting)
            self._waiting.append(None)
        return at

    def _trim(self, keep: int = -1) -> None:
        while self._waiting and self._waiting[-1] is None and len(self._waiting) - 1 != keep:
            self._waiting.pop()

    def _cell(self, column: int, at: int, sign: str) -> str:
        if column == at:
            return sign
        return " " if self._waiting[column] is None else "│"

    def _joined(self, columns: list[int]) -> str:
        first, last = columns[0], columns[-1]
        cells = [self._joint(i, columns) for i in range(len(self._waiting))]
        gaps = ["─" if first <= i < last else " " for i in range(len(cells))]
        return "".join(c + g for c, g in zip(cells, gaps, strict=True)).rstrip()

    def _joint(self, column: int, columns: list[int]) -> str:
        if column == columns[0]:
            return "├"
        if column in columns:
            return "╯" if column == columns[-1] else "┴"
        busy = self._waiting[column] is not None
        if columns[0] < column < columns[-1]:
            return "┼" if busy else "─"
        return "│" if busy else " "
