"""The table of a review: a row for each figure, a column for each candidate."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal, Protocol, cast

from rich.segment import Segment

from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.fit import fit
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import BackAsked
from stepwell.tui.model.review import Figure, Tried, figures, reasons, row_names
from stepwell.tui.values import Ranked, one_line
from stepwell.tui.widgets.linelist import LineList

_NAMES = 12
_LEAST, _MOST = 22, 48
_EMPTY = "no experiment yet: stepwell experiment run NAME --try LABEL=COMMAND"

Pick = Literal["hunk", "file", "all"]


class ReviewScreen(Protocol):
    """What the keys of the table lead to."""

    def select(self, by: int) -> None: ...
    def turn(self, by: int) -> None: ...
    def hunk(self, by: int) -> None: ...
    def scroll_diffs(self, by: int) -> None: ...
    def scroll_lines(self, by: int) -> None: ...
    def go(self, by: int) -> None: ...
    def pick(self, what: Pick) -> None: ...
    def merge_picks(self) -> None: ...
    def promote(self) -> None: ...
    def judge(self) -> None: ...
    def note(self) -> None: ...
    def show_output(self) -> None: ...
    def show_step(self) -> None: ...


class ReviewTable(LineList):
    """The selected candidate's column is bright."""

    BINDINGS = bindings_for("review")
    WASH = False
    POINTS = False
    MARGIN = 0

    def __init__(self, glyphs: Glyphs, picked: Callable[[str], str]) -> None:
        """`picked` says what of a candidate is picked."""
        super().__init__(id="review", glyphs=glyphs)
        self.ranked: Sequence[Ranked] = ()
        self._empty = "reading"
        self.column = 0
        self._picked = picked
        self._tried: Mapping[str, Tried] = {}
        self._names: Sequence[str] = row_names((), 1)

    def show(self, ranked: Sequence[Ranked], why_lines: int) -> None:
        """Takes another experiment's candidates, best first."""
        self.ranked, self.column, self._tried, self._empty = ranked, 0, {}, _EMPTY
        self.share(why_lines)

    def share(self, why_lines: int) -> None:
        """Takes how many lines the reasons may have, and uses as many as they need."""
        room = self._room(self.row_width)
        needed = max((len(reasons(one, room - 3)) for one in self.ranked), default=1)
        self._names = row_names(self.ranked, min(why_lines, needed))
        self.set_count(len(self._names), 0)

    def _room(self, width: int) -> int:
        """Returns the cells of a column."""
        return max(_LEAST, min(_MOST, (width - _NAMES) // max(1, len(self.ranked))))

    def take(self, tried: Mapping[str, Tried]) -> None:
        """Takes what is known of the candidates by now."""
        self._tried = tried
        self.redraw()

    def can_stand_on(self, index: int) -> bool:
        return index == 0

    def row_key(self, index: int) -> Hashable | None:
        return None

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if not self.ranked:
            return [Segment(f" {self._empty}" if index == 0 else "", self.paint("dim"))]
        name = one_line(self._names[index], _NAMES - 2)
        parts = [Segment(fit(f" {name}", _NAMES), self.paint("dim"))]
        room = self._room(width)
        shown = max(1, (width - _NAMES) // room)
        first = max(0, min(self.column - shown + 1, len(self.ranked) - shown))
        for at in range(first, min(first + shown, len(self.ranked))):
            parts += self._cell(self._figures(at, room)[index], room, at == self.column, index == 0)
        return parts

    def _figures(self, at: int, room: int) -> Sequence[Figure]:
        one = self.ranked[at]
        label = one.candidate.label
        tried, picked = self._tried.get(label), self._picked(label)
        return figures(one, tried, self._names, room - 3, picked, self.glyphs.note)

    def _cell(self, figure: Figure, room: int, selected: bool, is_name: bool) -> list[Segment]:
        ground = "wash" if selected else None
        sign = self.glyphs.bar if selected else " "
        return [
            Segment(sign, self.paint("bar" if self.has_focus else "bar_away", ground)),
            Segment(
                fit(figure.text, room - 2, self.glyphs.ellipsis) + " ",
                self.paint(figure.role, ground, bold=is_name),
            ),
        ]

    def _to(self) -> ReviewScreen:
        return cast("ReviewScreen", self.screen)

    def action_candidate(self, by: int) -> None:
        """The next or previous candidate."""
        self._to().select(by)

    def action_review_file(self, by: int) -> None:
        """The next or previous file."""
        self._to().turn(by)

    def action_review_hunk(self, by: int) -> None:
        """The next or previous hunk, in all diffs."""
        self._to().hunk(by)

    def action_review_scroll(self, by: int) -> None:
        """Scrolls the diffs."""
        self._to().scroll_diffs(by)

    def action_review_sideways(self, by: int) -> None:
        """Scrolls the lines of the diffs."""
        self._to().scroll_lines(by)

    def action_review_pick(self, what: Pick) -> None:
        """Picks of the candidate's change, or lets go."""
        self._to().pick(what)

    def action_merge_picks(self) -> None:
        """Previews merging what is picked."""
        self._to().merge_picks()

    def action_promote(self) -> None:
        """Previews merging the candidate."""
        self._to().promote()

    def action_verdict(self) -> None:
        """Asks for a verdict."""
        self._to().judge()

    def action_review_note(self) -> None:
        """Asks for a note."""
        self._to().note()

    def action_review_output(self) -> None:
        """What the failed checks said, or the diffs again."""
        self._to().show_output()

    def action_experiment(self, by: int) -> None:
        """An older or newer experiment."""
        self._to().go(by)

    def action_show_candidate(self) -> None:
        """Leaves for the candidate's newest step."""
        self._to().show_step()

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("review"))
