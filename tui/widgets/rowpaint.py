"""How a row of the timeline is laid out: lanes, age, word, subject, chips, line counts.

What a row has no use for is the subject's: counts stand in columns only where the subject needs no
more room. When it gets narrow the subject shrinks first, then chips go, then the counts, then the
word; lanes and age never go. A prompt heads its turn: its text takes the whole row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from stepwell.tui.look.fit import cells, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import brief
from stepwell.tui.look.palette import LANES, Paint
from stepwell.tui.model.lanes import Cell, LaneRow
from stepwell.tui.model.rows import Chip, Node, Row, TurnHead, step_name
from stepwell.tui.values import plural

_HEAVY = Style(bold=True)
_WORD = 7
_COUNTS = 12
_COUNTS_TIGHT = 10
_ROOMY = 64
"""Cells from which on added and deleted lines have a column each."""
_SUBJECT_LEAST = 12
_TURN_LEAST = 24
_GIVE_WAY = ("tag", "warning", "note", "ok", "failed", "label", "branch", "quiet")
"""Roles of chips in the order in which they go when there is no room."""


@dataclass(frozen=True, slots=True)
class RowPainter:
    """Draws rows for one width; made anew when width, theme or number of lanes changes."""

    paint: Paint
    glyphs: Glyphs
    width: int
    lanes: int
    """Lanes that are drawn; steps beyond show as one sign in the last."""
    age: int
    """Cells of the age column."""

    def step(self, row: Row, lane: LaneRow, age: str, sign: str = "") -> list[Segment]:
        """Returns the segments of a loaded step; `sign` says what it is picked for."""
        quiet = row.word in ("save",)
        subject = "gap" if row.node == "gap" else "dim" if quiet else "text"
        front = self._front(row, lane, age, sign)
        head = row.node == "head"
        return self._line(front, (row.word, row.role), (row.subject, subject), row, bold=head)

    def turn(
        self, row: Row, lane: LaneRow, age: str, head: TurnHead, sign: str = ""
    ) -> list[Segment]:
        """Returns the segments of a prompt: its text, who was asked, and what came of it."""
        lead = Segment(f" {self.glyphs.prompt} ", self.paint("you", bold=True))
        front = [*self._front(row, lane, age, sign), lead]
        room = self.width - _width(front)
        right = self._turn_counts(head, room)
        chips = [*row.chips, *([(head.who, "dim")] if head.who else [])]
        drawn = self._chips(chips, room - _width(right))
        room -= _width(right) + _width(drawn)
        text = fit(row.subject, room, self.glyphs.ellipsis)
        return [*front, Segment(text, self.paint("strong", bold=True)), *drawn, *right]

    def _turn_counts(self, head: TurnHead, room: int) -> list[Segment]:
        if not head.steps or room < _TURN_LEAST:
            return [Segment(" ")]
        words = plural(head.steps, "step") if room >= 2 * _TURN_LEAST else str(head.steps)
        sign = f"{self.glyphs.folded} " if head.folded else ""
        parts = [Segment(f"  {sign}{words}", self.paint("accent" if head.folded else "dim"))]
        if head.failures:
            text = f" {self.glyphs.failed} {head.failures}"
            parts.append(Segment(text, self.paint("failed")))
        return [*parts, Segment(" ")]

    def skeleton(self, lane: LaneRow) -> list[Segment]:
        """Returns the segments of a step that is not loaded yet."""
        dots = self.glyphs.separator * 3
        faint = self.paint("faint")
        rest = Segment(fit_right("", self.age + 1) + " " + fit(dots, _WORD) + " " + dots, faint)
        return [*self.graph(lane, "step"), rest]

    def disk(self, dirty: int | None, pending: str | None, head: int) -> list[Segment]:
        """Returns the segments of the row for the disk as compared with the step `head` (0: none)."""
        node = self.paint("warning" if dirty else "dim")
        front = [Segment(self.glyphs.open.ljust(2 * self.lanes), node), *self._age("now")]
        subject, role = _disk_text(dirty, pending, head)
        word = ("disk", "warning" if dirty else "dim")
        return self._line(front, word, (subject, role), None)

    def _front(self, row: Row, lane: LaneRow, age: str, sign: str) -> list[Segment]:
        front = [*self.graph(lane, row.node), *self._age(age)]
        if sign:
            front[-1] = Segment(fit_right(age, self.age), self.paint("accent"))
            front.append(Segment(sign, self.paint("accent", bold=True)))
        return front

    def _age(self, age: str) -> list[Segment]:
        return [Segment(fit_right(age, self.age) + " ", self.paint("dim"))]

    def _line(
        self,
        front: Sequence[Segment],
        word: Chip,
        subject: Chip,
        row: Row | None,
        *,
        bold: bool = False,
    ) -> list[Segment]:
        room = self.width - _width(front)
        named = [] if room < _SUBJECT_LEAST + _WORD else [self._word(word)]
        room -= _width(named)
        counts = self._counts(row, room)
        if self._need(subject[0], row) > room - _width(counts):
            counts = self._tight(counts)
        room -= _width(counts)
        chips = self._chips(row.chips if row else (), room)
        room -= _width(chips)
        text, role = subject
        fitted = Segment(fit(text, room, self.glyphs.ellipsis), self.paint(role, bold=bold))
        return [*front, *named, fitted, *chips, *counts]

    def _need(self, subject: str, row: Row | None) -> int:
        """Cells that subject and chips would fill, uncut."""
        return cells(subject) + sum(cells(text) + 1 for text, _ in (row.chips if row else ()))

    def _word(self, word: Chip) -> Segment:
        text = fit(word[0], _WORD, self.glyphs.ellipsis)
        return Segment(f" {text} ", self.paint(word[1]))

    def _counts(self, row: Row | None, room: int) -> list[Segment]:
        cells_wide = _COUNTS if self.width >= _ROOMY else _COUNTS_TIGHT
        if row is None or room < _SUBJECT_LEAST + cells_wide:
            return []
        if row.files and not row.added and not row.deleted:
            only = f"{self.glyphs.changed}{brief(row.files)}"
            return [Segment(fit_right(only, cells_wide) + " ", self.paint("dim"))]
        exact = cells_wide == _COUNTS
        added = f"+{brief(row.added, exact=exact)}" if row.added else ""
        deleted = f"-{brief(row.deleted, exact=exact)}" if row.deleted else ""
        right_cells = 6 if exact else max(4, cells(deleted) + 1)
        return [
            Segment(fit_right(added, cells_wide - right_cells), self.paint("added")),
            Segment(fit_right(deleted, right_cells) + " ", self.paint("deleted")),
        ]

    def _tight(self, counts: Sequence[Segment]) -> list[Segment]:
        """Returns counts without the padding that lines them up with those of other rows."""
        told = [(part.text.strip(), part.style) for part in counts]
        return [*(Segment(f" {text}", style) for text, style in told if text), Segment(" ")]

    def _chips(self, chips: Sequence[Chip], room: int) -> list[Segment]:
        kept = list(chips)
        while kept and sum(cells(text) + 1 for text, _ in kept) > room - _SUBJECT_LEAST:
            kept.remove(min(kept, key=_importance))
        return [Segment(f" {text}", self.paint(role)) for text, role in kept]

    def graph(self, row: LaneRow, node: Node) -> list[Segment]:
        """Returns the segments of the lanes, two cells a lane."""
        parts: list[Segment] = []
        for lane in range(self.lanes):
            cell = row.cells[lane] if lane < len(row.cells) else Cell.EMPTY
            sign, style = self._sign(cell, node), self._lane_style(row, lane, cell, node)
            if lane == row.line:
                sign = self.glyphs.heavy_pipe if cell is Cell.PIPE else sign
                style += _HEAVY
            parts.append(Segment(sign, style))
            line = self.glyphs.cross if row.low <= lane < row.high else " "
            parts.append(Segment(line, self._colour(self._line_lane(row, lane))))
        if row.lane >= self.lanes:
            parts[-2] = Segment(self.glyphs.more, self._colour(row.lane))
        elif any(cell is not Cell.EMPTY for cell in row.cells[self.lanes :]):
            parts[-1] = Segment(self.glyphs.more, self.paint("dim"))
        return parts

    def _line_lane(self, row: LaneRow, lane: int) -> int:
        """Returns the lane whose line the horizontal right of `lane` belongs to."""
        for further in range(lane + 1, row.high + 1):
            if row.cells[further] not in (Cell.PIPE, Cell.CROSS, Cell.EMPTY):
                return further
        return row.high

    def _lane_style(self, row: LaneRow, lane: int, cell: Cell, node: Node) -> Style:
        if cell is Cell.NODE and node in ("gap", "back"):
            return self.paint(node)
        if cell is Cell.CROSS:
            return self._colour(self._line_lane(row, lane))
        return self._colour(lane)

    def _colour(self, lane: int) -> Style:
        return self.paint(LANES[lane % len(LANES)])

    def _sign(self, cell: Cell, node: Node) -> str:
        glyphs = self.glyphs
        if cell is Cell.NODE:
            return str(getattr(glyphs, node))
        return {
            Cell.EMPTY: " ",
            Cell.PIPE: glyphs.pipe,
            Cell.CROSS: glyphs.cross,
            Cell.JOIN_TEE: glyphs.join_tee,
            Cell.JOIN_END: glyphs.join_end,
            Cell.FORK_TEE: glyphs.fork_tee,
            Cell.FORK_END: glyphs.fork_end,
            Cell.MEET_RIGHT: glyphs.meet_right,
            Cell.MEET_LEFT: glyphs.meet_left,
            Cell.MEET_THROUGH: glyphs.meet_through,
            Cell.FORK_START: glyphs.fork_start,
        }[cell]


def _width(parts: Sequence[Segment]) -> int:
    return sum(cells(part.text) for part in parts)


def _importance(chip: Chip) -> int:
    return _GIVE_WAY.index(chip[1]) if chip[1] in _GIVE_WAY else 0


def _disk_text(dirty: int | None, pending: str | None, head: int) -> Chip:
    if pending:
        return f"an interrupted {pending} waits: the next change finishes it", "failed"
    if dirty is None:
        return f"comparing with {step_name(head)}", "dim"
    if dirty == 0:
        return f"as in {step_name(head)}", "dim"
    return f"{plural(dirty, 'file')} changed since {step_name(head)}", "warning"
