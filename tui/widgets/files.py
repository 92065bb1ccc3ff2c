"""The files of a diff, one on a row: letter, path, numbers of lines."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.segment import Segment

from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.marks import (
    COUNTS_CELLS,
    STATUS_ROLES,
    counts,
    path_segments,
    width_of,
)
from stepwell.tui.messages import CursorMoved
from stepwell.tui.values import Change, plural
from stepwell.tui.widgets.linelist import LineList


class FileList(LineList):
    """Draws changes. CursorMoved (with this list's id) names the file to be shown in the diff."""

    BINDINGS = bindings_for("files")

    def __init__(self, *, id: str = "files", glyphs: Glyphs = UTF8) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.changes: Sequence[Change] = ()
        self._empty = "no changes"

    def show(self, changes: Sequence[Change], *, empty: str = "no changes") -> None:
        """Takes other changes; the cursor stays on the same path where there is one."""
        path = self.changes[self.cursor].path if self.cursor < len(self.changes) else None
        at = next((i for i, change in enumerate(changes) if change.path == path), 0)
        self.changes, self._empty = changes, empty
        self.set_count(max(1, len(changes)), cursor=at)
        self._tell()

    def follow(self, change: int) -> None:
        """Puts the cursor on the file that the diff stands in, without telling anyone."""
        if change != self.cursor and 0 <= change < len(self.changes):
            with self.prevent(CursorMoved):
                self.move_to(change)

    def move_to(self, index: int) -> None:
        """Moves the cursor; the caption follows."""
        super().move_to(index)
        self._tell()

    def _tell(self) -> None:
        total = len(self.changes)
        right = f"{self.cursor + 1} of {total}" if total > 1 else plural(total, "file")
        self.set_caption("Files", right if total else "")

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if not self.changes:
            return [Segment(f" {self._empty}", self.paint("dim"))]
        change = self.changes[index]
        right = counts(change, self.paint)
        room = max(1, width - COUNTS_CELLS - 4)
        path = self._path(change, room)
        letter = Segment(change.status, self.paint(STATUS_ROLES[change.status], bold=True))
        space = Segment(" " * max(0, room - width_of(path)))
        return [letter, Segment(" "), *path, space, *right, Segment(" ")]

    def _path(self, change: Change, room: int) -> list[Segment]:
        path = path_segments(change.path, room, self.paint, strong=False)
        left = room - width_of(path) - 3
        if change.old_path is None or left < 8:
            return path
        was = path_segments(change.old_path, left, self.paint, strong=False)
        quiet = self.paint("dim")
        came = "".join(part.text for part in was)
        return [*path, Segment(f" {'<' if self.glyphs.arrow == '>' else '←'} {came}", quiet)]

    def row_key(self, index: int) -> Hashable | None:
        return index if self.changes else None
