"""One row of a diff as segments: numbers, sign, syntax colour, emphasised words. No state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.segment import Segment
from textual.strip import Strip

from stepwell.tui.look.fit import cells
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import STATUS_ROLES, counts, path_segments, width_of
from stepwell.tui.look.palette import Paint
from stepwell.tui.model.colours import ColourSpans
from stepwell.tui.model.diffrows import Kind, Row
from stepwell.tui.model.layout import breaks
from stepwell.tui.model.worddiff import Spans
from stepwell.tui.values import Change, plural, printable

GROUNDS = {Kind.ADD: "added_ground", Kind.DELETE: "deleted_ground", Kind.FILE: "panel"}
_SIGN_ROLES = {Kind.ADD: "added", Kind.DELETE: "deleted"}


class Tint(NamedTuple):
    """What stands out in a line: colours of its syntax, and words that its counterpart lacks."""

    colours: ColourSpans = ()
    words: Spans = ()
    is_left_out: bool = False
    """It is not chosen: the line stays as it is on the side that is changed."""


class Window(NamedTuple):
    """Which part of a line is drawn."""

    shift: int = 0
    """Cells that are scrolled away at the left."""
    part: int = 0
    room: int = 0
    """With a room, the line is broken into pieces of so many cells, and `part` is drawn."""


class Sided(NamedTuple):
    """One side's line."""

    row: Row
    tint: Tint
    window: Window


class LineInk:
    """Draws rows with one paint and one width of line numbers."""

    def __init__(self, paint: Paint, glyphs: Glyphs, number_width: int) -> None:
        self._paint = paint
        self._glyphs = glyphs
        self._digits = number_width

    @property
    def gutter(self) -> int:
        """Cells of numbers and sign."""
        return 2 * self._digits + 4

    def file(self, change: Change, width: int) -> list[Segment]:
        """The band above a file's lines."""
        right = counts(change, self._paint, self._glyphs, aligned=False)
        room = max(1, width - width_of(right) - 5)
        status = Segment(change.status, self._paint(STATUS_ROLES[change.status], bold=True))
        path = path_segments(change.path, room, self._paint, strong=True)
        space = Segment(" " * max(1, width - 3 - width_of(path) - width_of(right)))
        return [status, Segment(" "), *path, space, *right]

    def notice(self, row: Row, text: str) -> list[Segment]:
        """A sentence instead of lines."""
        return [Segment(" " * self.gutter), Segment(text, self._paint("dim"))]

    def words(self, text: str, shift: int, width: int) -> list[Segment]:
        """A line that belongs to no file, `shift` cells of it scrolled away at the left."""
        line = Strip([Segment(text, self._paint("text"))])
        return [Segment(" "), *self._cut(line, shift, max(1, width - 1))]

    def gap(self, row: Row, name: str | None) -> list[Segment]:
        """Lines that are not shown, and what encloses the next ones."""
        dots = "⋯" if self._glyphs.ellipsis == "…" else self._glyphs.ellipsis
        quiet = self._paint("quiet")
        left = f"{dots:>{self._digits}} {dots:>{self._digits}}   "
        label = f"{plural(row.hidden, 'line')}"
        parts = [Segment(left, quiet), Segment(label, quiet)]
        if name:
            parts.append(Segment(f" {self._glyphs.separator} ", quiet))
            parts.append(Segment(printable(name), self._paint("hunk")))
        return parts

    def line(self, row: Row, tint: Tint, window: Window, width: int) -> list[Segment]:
        """A line of content with both its numbers, or a piece of it."""
        old = "" if row.old is None or window.part else str(row.old)
        new = "" if row.new is None or window.part else str(row.new)
        number = self._paint("quiet" if row.kind is Kind.CONTEXT else "dim")
        gutter = Segment(f"{old:>{self._digits}} {new:>{self._digits}} ", number)
        room = max(0, width - self.gutter)
        parts = [gutter, self._sign(row, window), *self._visible(row, tint, window, room)]
        return self._faded(parts) if tint.is_left_out else parts

    def _faded(self, parts: Sequence[Segment]) -> list[Segment]:
        return [Segment(part.text, self._paint("quiet")) for part in parts]

    def side_room(self, width: int) -> int:
        """Cells of text that the narrower of two sides has."""
        return max(1, (width - 1) // 2 - self._digits - 3)

    def sides(self, left: Sided | None, right: Sided | None, width: int) -> list[Segment]:
        """Two lines beside each other; None: that side has none here."""
        half = (width - 1) // 2
        rule = Segment(self._glyphs.pipe, self._paint("faint"))
        return [
            *self._side(left, half, is_old=True),
            rule,
            *self._side(right, width - 1 - half, is_old=False),
        ]

    def _side(self, side: Sided | None, width: int, *, is_old: bool) -> Strip:
        if side is None:
            return Strip.blank(width, self._paint("text", "panel"))
        row, tint, window = side
        ground = "ground" if tint.is_left_out else GROUNDS.get(row.kind, "ground")
        base = self._paint("text", ground)
        if row.kind is Kind.ENDING:
            return (
                Strip(self.notice(row, row.text)).apply_style(base).adjust_cell_length(width, base)
            )
        number = row.old if is_old else row.new
        shown = "" if number is None or window.part else str(number)
        role = self._paint("quiet" if row.kind is Kind.CONTEXT else "dim")
        room = max(0, width - self._digits - 3)
        parts = [Segment(f"{shown:>{self._digits}} ", role), self._sign(row, window)]
        parts += self._visible(row, tint, window, room)
        line = Strip(self._faded(parts) if tint.is_left_out else parts)
        return line.apply_style(base).adjust_cell_length(width, base)

    def _sign(self, row: Row, window: Window) -> Segment:
        role = _SIGN_ROLES.get(row.kind, "quiet")
        is_bold = row.kind is not Kind.CONTEXT and not window.part
        return Segment(f"{row.kind.value} ", self._paint(role, bold=is_bold))

    def _visible(self, row: Row, tint: Tint, window: Window, room: int) -> list[Segment]:
        colours, words, _ = tint
        change = _SIGN_ROLES.get(row.kind, "")
        if window.room:
            starts = [*breaks(row.text, window.room), len(row.text)]
            if window.part + 1 >= len(starts):
                return []
            begin, end = starts[window.part], starts[window.part + 1]
            lit = [(max(a, begin) - begin, min(b, end) - begin, role) for a, b, role in colours
                   if a < end and b > begin]  # fmt: skip
            strong = tuple((max(a, begin) - begin, min(b, end) - begin) for a, b in words
                           if a < end and b > begin)  # fmt: skip
            return self._content(row.text[begin:end], tuple(lit), strong, change)
        text = row.text[: window.shift + room + 1]
        parts = self._content(text, colours, words, change)
        if not window.shift and cells(text) <= room:
            return parts
        return self._cut(Strip(parts), window.shift, room)

    def _cut(self, line: Strip, shift: int, room: int) -> list[Segment]:
        """What is in view of a long line, with a sign where it goes on to the right."""
        if line.cell_length <= shift + room:
            return list(line.crop(shift, shift + room))
        return [
            *line.crop(shift, shift + room - 1),
            Segment(self._glyphs.cut, self._paint("quiet")),
        ]

    def _content(self, text: str, colours: ColourSpans, words: Spans, change: str) -> list[Segment]:
        cuts = {0, len(text)}
        cuts.update(at for span in colours for at in span[:2] if at < len(text))
        cuts.update(at for span in words for at in span if at < len(text))
        edges = sorted(cuts)
        roles = _at_edges(edges, colours)
        strong = _at_edges(edges, [(start, end, "word") for start, end in words])
        return [
            Segment(
                text[start:end],
                self._paint.code(roles.get(start, "name"), change, strong=start in strong),
            )
            for start, end in pairwise(edges)
        ]


def _at_edges(edges: Sequence[int], spans: Sequence[tuple[int, int, str]]) -> dict[int, str]:
    """Which span covers what begins at each edge; spans ascend and their ends are edges."""
    found: dict[int, str] = {}
    at = 0
    for edge in edges:
        while at < len(spans) and spans[at][1] <= edge:
            at += 1
        if at < len(spans) and spans[at][0] <= edge:
            found[edge] = spans[at][2]
    return found
