"""The rows of a plan: what changes, what of it is chosen, what needs a tick first, what is kept."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence

from rich.segment import Segment

from stepwell.tui.look.fit import cells, clip
from stepwell.tui.look.glyphs import UTF8, Glyphs
from stepwell.tui.look.marks import (
    COUNTS_CELLS,
    STATUS_ROLES,
    counts,
    path_segments,
    shown_path,
    width_of,
)
from stepwell.tui.model.notices import mode_words
from stepwell.tui.model.picks import Picks, State
from stepwell.tui.model.planrows import PlanRow, state_sentence
from stepwell.tui.values import Change
from stepwell.tui.widgets.linelist import LineList

_BOX = 4


class PlanList(LineList):
    """Draws plan rows. A row that would lose something is open until a person decides on it."""

    def __init__(self, *, id: str = "plan", glyphs: Glyphs = UTF8) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.rows: Sequence[PlanRow] = ()
        self.changes: Sequence[Change] = ()
        self.picks = Picks(())
        self.ticked: set[bytes] = set()
        """What was agreed to."""
        self.left: set[bytes] = set()
        """What was left out instead, by tick; and conflicting paths."""
        self._choice = False
        self._is_part = False
        """A part was chosen of the plan before: it stays one, whatever is left to leave out."""
        self._boxes = False
        self._path_cells = 0
        self._note_cells = 0

    def show_plan(
        self, rows: Sequence[PlanRow], changes: Sequence[Change], *, choice: bool = False
    ) -> None:
        """Takes another plan, everything chosen and nothing agreed to.

        `choice`: rows can be left out.
        """
        self.rows, self.changes, self._choice = rows, changes, choice
        self.ticked, self.left, self._is_part = set(), set(), False
        self.picks = Picks(changes, everything=True)
        self._boxes = any(self._has_box(row) for row in rows)
        paths = (cells(shown_path(change.path)) for change in changes)
        self._path_cells = max(paths, default=0)
        # The columns stand still whatever is ticked: room for the longest reason, in every row.
        said = [f"! {row.text}; " for row in rows if row.text] + [mode_words(c) for c in changes]
        self._note_cells = max(12, *map(cells, said)) if said else 12
        self.set_count(len(rows), cursor=self._first_open())

    def _first_open(self) -> int:
        return next((at for at, row in enumerate(self.rows) if self._is_open(row)), 0)

    def to_open(self) -> None:
        """Moves to the first row that still needs a decision, if there is one."""
        self.move_to(self._first_open())

    def _has_box(self, row: PlanRow) -> bool:
        choosable = self._choice and (row.kind == "change" or row.path is not None)
        return row.tick is not None or choosable

    def _is_open(self, row: PlanRow) -> bool:
        if row.path is not None:
            return row.path not in self.left
        if row.tick is None or row.tick in self.ticked or row.tick in self.left:
            return False
        # Leaving a file out of the choice decides about what it would have lost.
        return row.change is None or self.picks.state(row.change) != "none"

    @property
    def unticked(self) -> list[PlanRow]:
        """The rows that still need a decision."""
        return [row for row in self.rows if self._is_open(row)]

    @property
    def can_tick_all(self) -> bool:
        """`tick_all` would decide about what is open alone, and about one kind of it."""
        kinds = {row.kind == "conflict" for row in self.unticked}
        return len(kinds) == 1 and not self.partial

    @property
    def partial(self) -> bool:
        """Something is left out, or was of the plan in whose place this one came."""
        return (
            self._is_part
            or not self.picks.complete
            or any(row.path in self.left for row in self.rows)
        )

    @property
    def state(self) -> str:
        """Which documents of state go back; empty for none, and when files are left out."""
        return "" if self.partial else state_sentence(self.changes)

    def choose_none(self) -> None:
        """Leaves everything out, conflicts too; what is chosen is put in afterwards."""
        for index in range(len(self.changes)):
            self.picks.set_file(index, False)
        self.left |= {row.path for row in self.rows if row.path is not None}

    def take_over(self, known: Picks, left: set[bytes], whole: Collection[bytes]) -> int:
        """Chooses as in the plan before, agreeing to nothing; returns how many files were lost.

        What is chosen is a part from then on, until everything is ticked at once. `whole` are
        paths that were asked for whatever is in them.
        """
        self._is_part = True
        self.left |= left & {row.path for row in self.rows}
        lost = self.picks.take_over(known, whole)
        self.to_open()
        return lost

    def leave_out(self, paths: Collection[bytes], left: set[bytes]) -> int:
        """Leaves files out by path, and conflicts; returns how many of the files there are."""
        self.left |= left & {row.path for row in self.rows}
        count = self.picks.leave_out(paths)
        if count:
            self.to_open()
        return count

    def toggle(self) -> bool:
        """Decides on the cursor's row, or changes the decision; tells whether it has a box."""
        row = self.rows[self.cursor] if self.rows else None
        if row is None or not self._has_box(row):
            return False
        if row.path is not None:
            self.left ^= {row.path}
        elif row.change is None or not self._choice:
            self.ticked ^= {row.tick} if row.tick is not None else set()
        elif self._is_open(row) and row.tick is not None:
            self.ticked.add(row.tick)
        else:
            self._set_file(row, self.picks.state(row.change) != "all")
        self.redraw()
        return True

    def _set_file(self, row: PlanRow, chosen: bool) -> None:
        if row.change is not None:
            self.picks.set_file(row.change, chosen)
        if row.tick is not None:
            (self.ticked.add if chosen else self.ticked.discard)(row.tick)

    def losing(self) -> dict[int, State]:
        """Returns how much is chosen of each change that would lose something."""
        rows = [row for row in self.rows if row.tick is not None]
        return {row.change: self.picks.state(row.change) for row in rows if row.change is not None}

    def agree_since(self, before: Mapping[int, State]) -> bool:
        """Decides by what a person chose in the diff; tells whether that agreed to a loss.

        Choosing some of a file that was left out does; leaving some out of another does not.
        """
        now, agreed = self.losing(), False
        for row in self.rows:
            if row.tick is None or row.change is None:
                continue
            if now[row.change] == "none":
                self.ticked.discard(row.tick)
            elif before[row.change] == "none":
                self.ticked.add(row.tick)
                agreed = True
        return agreed

    def tick_all(self) -> None:
        """Chooses everything and agrees to every row that has a box; leaves conflicts out."""
        self._is_part = False
        for row in self.rows:
            if row.path is not None:
                self.left.add(row.path)
            elif row.tick is not None:
                self.ticked.add(row.tick)
            if row.change is not None:
                self.picks.set_file(row.change, True)
        self.redraw()

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.rows[index]
        box = self._box(row)
        room = max(1, width - _BOX * self._boxes)
        if row.change is not None:
            return [*box, *self._change(row, self.changes[row.change], room)]
        role, sign = ("dim", "=") if row.kind == "kept" else ("warning", "!")
        word = {"kept": "kept  ", "conflict": "conflict  "}.get(row.kind, "")
        if row.kind == "conflict":
            role = "dim" if row.path in self.left else "failed"
        text = clip(f"{word}{row.text}", max(1, room - 3))
        return [*box, Segment(f"{sign} ", self.paint(role)), Segment(text, self.paint(role))]

    def _box(self, row: PlanRow) -> list[Segment]:
        if not self._boxes:
            return []
        if not self._has_box(row):
            return [Segment(" " * _BOX)]
        done = "x" if self.glyphs.ok == "v" else self.glyphs.ok
        if row.path is not None:
            return [self._mark(" " if row.path in self.left else "?", "failed")]
        if self._is_open(row):
            return [self._mark("?", "warning")]
        if row.change is None:
            return [self._mark(done, "ok")]
        state = self.picks.state(row.change)
        if state == "none":
            return [self._mark(" ", "dim")]
        return [self._mark(done if state == "all" else self.glyphs.changed, "ok")]

    def _mark(self, sign: str, role: str) -> Segment:
        return Segment(f"[{sign}] ", self.paint(role, bold=True))

    def _change(self, row: PlanRow, change: Change, room: int) -> list[Segment]:
        note = self._note(row, change)
        reserved = COUNTS_CELLS + 4 + min(self._note_cells, room // 2)
        width = max(8, min(self._path_cells + 2, room - reserved))
        path = path_segments(change.path, width, self.paint, strong=False)
        parts = [
            Segment(f"{change.status} ", self.paint(STATUS_ROLES[change.status], bold=True)),
            *path,
            Segment(" " * max(0, width - width_of(path))),
            *counts(change, self.paint, self.glyphs),
        ]
        left = room - width_of(parts) - 2
        if note and left > 4:
            role = "warning" if row.text and self._is_open(row) else "dim"
            parts.append(Segment(f"  {clip(note, left)}", self.paint(role)))
        return parts

    def _note(self, row: PlanRow, change: Change) -> str:
        stays = row.change is not None and self.picks.state(row.change) == "none"
        if self.partial if row.kind == "state" else stays:
            return "stays as it is"
        becomes = {"D": "is deleted", "A": "comes back"}.get(change.status, mode_words(change))
        if change.old_path is not None:
            becomes = f"was {shown_path(change.old_path)}"
        if not row.text:
            return becomes
        return f"! {row.text}; {becomes}" if becomes else f"! {row.text}"

    def row_key(self, index: int) -> Hashable | None:
        row = self.rows[index]
        picked = self.picks.key(row.change) if row.change is not None else None
        return index, row.tick in self.ticked, picked, row.path in self.left
