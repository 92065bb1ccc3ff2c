"""The files of a diff, flat or as a tree: letter, path, numbers of lines, and what is chosen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.segment import Segment

from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.fit import fit
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.marks import (
    COUNTS_CELLS,
    STATUS_ROLES,
    counts,
    path_segments,
    shown_path,
    width_of,
)
from stepwell.tui.messages import CursorMoved, PicksChanged
from stepwell.tui.model.filetree import FileRow, flat_rows, tree_rows
from stepwell.tui.model.picks import Picks
from stepwell.tui.values import Change, escape, plural
from stepwell.tui.widgets.linelist import LineList


class FileList(LineList):
    """Draws changes. CursorMoved (with this list's id) names the row; `change_at` its change."""

    BINDINGS = bindings_for("files")

    def __init__(self, *, id: str = "files", glyphs: Glyphs = UTF8) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.changes: Sequence[Change] = ()
        self.picks = Picks(())
        self.as_tree = False
        self._rows: list[FileRow] = []
        self._empty = "no changes"

    def show(
        self, changes: Sequence[Change], *, picks: Picks | None = None, empty: str = "no changes"
    ) -> None:
        """Takes other changes; the cursor stays on the same path where there is one."""
        known = self.change_at(self.cursor)
        path = self.changes[known].path if known is not None else None
        self.changes, self._empty = changes, empty
        self.picks = picks or Picks(changes)
        self._lay_out()
        at = next((i for i, change in enumerate(changes) if change.path == path), 0)
        self.set_count(max(1, len(self._rows)), cursor=self._row_of(at))
        self._tell()

    def _lay_out(self) -> None:
        paths = [change.path for change in self.changes]
        self._rows = tree_rows(paths) if self.as_tree else flat_rows(paths)

    def _row_of(self, change: int) -> int:
        found = (r for r, row in enumerate(self._rows) if row.change == change and not row.below)
        return next(found, 0)

    def change_at(self, row: int) -> int | None:
        """Returns which change a row shows, of a folder the first below it; None: there is none."""
        return self._rows[row].change if row < len(self._rows) else None

    def rows_with(self, needle: str) -> list[int]:
        """Returns the rows whose path holds a text, upper and lower case alike."""
        wanted = needle.lower()
        return [
            number
            for number, row in enumerate(self._rows)
            if not row.below and wanted in escape(self.changes[row.change].path).lower()
        ]

    def follow(self, change: int) -> None:
        """Puts the cursor on the file that the diff stands in, without telling anyone."""
        if change != self.change_at(self.cursor) and 0 <= change < len(self.changes):
            with self.prevent(CursorMoved):
                self.move_to(self._row_of(change))

    def move_to(self, index: int) -> None:
        """Moves the cursor; the caption follows."""
        super().move_to(index)
        self._tell()

    def _tell(self) -> None:
        total = len(self.changes)
        at = self.change_at(self.cursor)
        what = "file" if self.picks.total else "document"
        right = f"{(at or 0) + 1} of {total}" if total > 1 else plural(total, what)
        if self.picks.any:
            right = f"{self.picks.files} of {total} picked"
        self.set_caption("Files", right if total else "")

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if not self._rows:
            return [Segment(f" {self._empty}", self.paint("dim"))]
        row = self._rows[index]
        if row.below:
            return self._folder(row, width)
        change = self.changes[row.change]
        right = counts(change, self.paint, self.glyphs)
        front = [
            self._sign(row),
            Segment("  " * row.depth),
            Segment(f"{change.status} ", self.paint(STATUS_ROLES[change.status], bold=True)),
        ]
        room = max(1, width - COUNTS_CELLS - 2 - width_of(front))
        path = self._path(row, change, room)
        space = Segment(" " * max(0, room - width_of(path)))
        return [*front, *path, space, *right, Segment(" ")]

    def _folder(self, row: FileRow, width: int) -> list[Segment]:
        lead = f"{'  ' * row.depth}{self.glyphs.open_folder} "
        name = fit(shown_path(row.name), max(1, width - len(lead) - 2), self.glyphs.ellipsis)
        return [self._sign(row), Segment(lead + name, self.paint("dim"))]

    def _sign(self, row: FileRow) -> Segment:
        """Whether the file, or everything below the folder, is chosen."""
        if not self.picks.any:
            return Segment(" ")
        states = {self.picks.state(change) for change in row.below or (row.change,)}
        whole, some = states == {"all"}, states != {"none"}
        sign = self.glyphs.picked if whole else self.glyphs.changed if some else " "
        return Segment(sign, self.paint("accent", bold=True))

    def _path(self, row: FileRow, change: Change, room: int) -> list[Segment]:
        path = path_segments(row.name, room, self.paint, strong=False)
        left = room - width_of(path) - 3
        if change.old_path is None or left < 8:
            return path
        was = path_segments(change.old_path, left, self.paint, strong=False)
        quiet = self.paint("dim")
        came = "".join(part.text for part in was)
        return [*path, Segment(f" {'<' if self.glyphs.arrow == '>' else '←'} {came}", quiet)]

    def row_key(self, index: int) -> Hashable | None:
        if not self._rows:
            return None
        row = self._rows[index]
        chosen = (row.below or (row.change,)) if self.picks.any else ()
        return index, tuple(map(self.picks.key, chosen))

    def action_tree(self) -> None:
        """Shows folders, or whole paths."""
        at = self.change_at(self.cursor)
        self.as_tree = not self.as_tree
        self._lay_out()
        self.set_count(max(1, len(self._rows)), cursor=self._row_of(at or 0))

    def action_include(self) -> None:
        """Chooses the file, or everything below the folder, for a restore; or lets go of it."""
        if self._rows:
            row = self._rows[self.cursor]
            self.picks.toggle_files(row.below or (row.change,))
            self.picked()
            self.post_message(PicksChanged())
            self.move_to(self.cursor + (not row.below))

    def picked(self) -> None:
        """Something else is chosen: draws it."""
        self._tell()
        self.redraw()
