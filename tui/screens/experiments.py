"""The review of an experiment: candidates as columns, their diffs of a file side by side.

Nothing here changes anything: promoting leads to the preview of a merge.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.reviews import SecondReader, load_candidates, load_experiments
from stepwell.tui.feed.wishes import Merge
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import fit
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.messages import (
    BackAsked,
    CandidateLoaded,
    ContextAsked,
    CursorMoved,
    ExperimentsLoaded,
    Failed,
    RowOpened,
)
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.review import (
    FIGURES,
    WHY_LINES,
    Figure,
    Review,
    Tried,
    all_paths,
    change_at,
    command_words,
    figures,
    heading,
)
from stepwell.tui.values import Ranked, one_line, plural, printable
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.sentence import Sentence

_NAMES = 11
_LEAST, _MOST = 21, 40
_EMPTY = "no experiment yet: stepwell experiment run NAME --try LABEL=COMMAND"


class ReviewChoice(NamedTuple):
    """What a person left the review with."""

    wish: Merge | None = None
    show: int | None = None
    """The number of a step to be shown in the timeline."""


class ReviewTable(LineList):
    """A row for each figure, a column for each candidate; the selected column is bright."""

    BINDINGS = bindings_for("review")
    WASH = False
    MARGIN = 0

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="review", glyphs=glyphs)
        self.ranked: Sequence[Ranked] = ()
        self.column = 0
        self._tried: dict[str, Tried] = {}

    def show(self, ranked: Sequence[Ranked]) -> None:
        """Takes another experiment's candidates, best first."""
        self.ranked, self.column, self._tried = ranked, 0, {}
        self.set_count(len(FIGURES) + WHY_LINES - 1, 0)

    def take(self, tried: dict[str, Tried]) -> None:
        """Takes what is known of the candidates by now."""
        self._tried = tried
        self.redraw()

    def can_stand_on(self, index: int) -> bool:
        return index == 0

    def row_key(self, index: int) -> Hashable | None:
        return None

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        if not self.ranked:
            return [Segment(f" {_EMPTY}" if index == 0 else "", self.paint("dim"))]
        name = FIGURES[index] if index < len(FIGURES) else ""
        parts = [Segment(fit(f" {name}", _NAMES), self.paint("dim"))]
        room = max(_LEAST, min(_MOST, (width - _NAMES) // len(self.ranked)))
        shown = max(1, (width - _NAMES) // room)
        first = max(0, min(self.column - shown + 1, len(self.ranked) - shown))
        for at in range(first, min(first + shown, len(self.ranked))):
            told = figures(
                self.ranked[at], self._tried.get(self.ranked[at].candidate.label), room - 3
            )
            parts += self._cell(told[index], room, at == self.column, index == 0)
        return parts

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

    def _screen(self) -> ExperimentsScreen:
        assert isinstance(self.screen, ExperimentsScreen)
        return self.screen

    def action_candidate(self, by: int) -> None:
        """The next or previous candidate."""
        self._screen().select(by)

    def action_review_file(self, by: int) -> None:
        """The next or previous file."""
        self._screen().turn(by)

    def action_review_hunk(self, by: int) -> None:
        """The next or previous hunk, in both diffs."""
        self._screen().hunk(by)

    def action_review_scroll(self, by: int) -> None:
        """Scrolls both diffs."""
        self._screen().scroll(by)

    def action_experiment(self, by: int) -> None:
        """An older or newer experiment."""
        self._screen().go(by)

    def action_promote(self) -> None:
        """Leaves for the preview of merging the candidate."""
        self._screen().promote()

    def action_show_candidate(self) -> None:
        """Leaves for the candidate's newest step."""
        self._screen().show_step()

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("review"))


class ExperimentsScreen(Screen["ReviewChoice | None"]):
    """The table above two diffs: the selected candidate's, and the one's beside it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (100, "-two")]
    CSS = f"""
    ExperimentsScreen {{ layout: vertical; }}
    ExperimentsScreen #review-title {{ text-wrap: nowrap; text-overflow: ellipsis; }}
    ExperimentsScreen #review-pane {{ height: {len(FIGURES) + WHY_LINES}; }}
    ExperimentsScreen #review-diffs {{ height: 1fr; }}
    ExperimentsScreen #other-pane {{ width: 1fr; border-left: solid $faint; }}
    ExperimentsScreen.-one #other-pane {{ display: none; }}
    """

    def __init__(self, gateway: Gateway, glyphs: Glyphs, highlighter: Highlighter) -> None:
        super().__init__()
        self._gateway = gateway
        self._glyphs = glyphs
        self._title = Sentence(id="review-title")
        self._table = ReviewTable(glyphs)
        self._second = Highlighter(SecondReader(gateway))
        """A highlighter follows one view."""
        self._diffs = [
            DiffView(id="this", glyphs=glyphs, highlighter=highlighter),
            DiffView(id="other", glyphs=glyphs, highlighter=self._second),
        ]
        self._footer = Footer()
        self._reviews: Sequence[Review] = ()
        self._current = ""
        self._at = 0
        self._tried: dict[str, Tried] = {}
        self._paths: list[bytes] = []
        self._file = 0

    def compose(self) -> ComposeResult:
        yield self._title
        yield Pane("E", self._table, id="review-pane")
        with Horizontal(id="review-diffs"):
            for diff in self._diffs:
                yield Pane("", diff, id=f"{diff.id}-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the experiments."""
        self._title.say(" reading", "dim")
        for diff in self._diffs:
            diff.can_focus = False
        self._table.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("review"))
        load_experiments(self._gateway, self.post_message)

    def on_unmount(self) -> None:
        """Stops the second colouring thread."""
        self._second.close()

    # --- what the store says ---------------------------------------------------------------------

    def on_experiments_loaded(self, message: ExperimentsLoaded) -> None:
        """Shows the newest."""
        self._reviews, self._current = message.reviews, message.current
        if self._reviews:
            self._open(0)
        else:
            self._title.say(" Experiments", "strong")
            self._table.show(())
            self._show_diffs()

    def _open(self, at: int) -> None:
        self._at, self._tried, self._paths, self._file = at, {}, [], 0
        review = self._reviews[at]
        self._title.say(f" {heading(review)}", "strong")
        self._table.show(review.ranked)
        self._show_diffs()
        load_candidates(self._gateway, self.post_message, review)

    def on_candidate_loaded(self, message: CandidateLoaded) -> None:
        """Takes what a candidate changed, if its experiment is still the one shown."""
        if self._reviews[self._at].experiment.name != message.experiment:
            return
        path = self._paths[self._file] if self._paths else None
        self._tried[message.label] = message.tried
        self._paths = all_paths(self._tried.values())
        self._file = self._paths.index(path) if path in self._paths else 0
        self._table.take(self._tried)
        self._show_diffs()

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        message.stop()
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    # --- what is shown ---------------------------------------------------------------------------

    def _show_diffs(self) -> None:
        ranked, column = self._table.ranked, self._table.column
        count = plural(len(ranked), "candidate")
        self._table.set_caption("Experiments", f"{self._at + 1} of {len(self._reviews)}, {count}")
        for way, diff in enumerate(self._diffs):
            self._show_diff(diff, ranked[(column + way) % len(ranked)] if ranked else None)

    def _show_diff(self, diff: DiffView, one: Ranked | None) -> None:
        if one is None or not self._paths:
            diff.say("no candidate changed a file" if one is not None else "")
            return
        path, label = self._paths[self._file], one.candidate.label
        changes = change_at(self._tried, label, path)
        known = label in self._tried
        nothing = f"{shown_path(path)} is not changed here" if known else "reading"
        name = one_line(label, 40)
        diff.show(DiffRows(changes), f"{name} {self._file + 1}/{len(self._paths)}", empty=nothing)

    @property
    def _selected(self) -> Ranked | None:
        ranked = self._table.ranked
        return ranked[self._table.column] if ranked else None

    # --- what the keys lead to -------------------------------------------------------------------

    def on_key(self) -> None:
        """A sentence in the footer stays until the next key."""
        self._footer.hush()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Nothing else follows the rows."""
        message.stop()

    def on_context_asked(self, message: ContextAsked) -> None:
        """The diffs are short as they are."""
        message.stop()

    def on_row_opened(self, message: RowOpened) -> None:
        """A second click says how the candidate was made."""
        message.stop()
        one = self._selected
        if one is not None:
            self._footer.say(f"{one_line(one.candidate.label, 40)}: {command_words(one)}", "dim")

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline."""
        message.stop()
        self.dismiss(None)

    def select(self, by: int) -> None:
        """Another candidate."""
        column = max(0, min(self._table.column + by, len(self._table.ranked) - 1))
        if column != self._table.column:
            self._table.column = column
            self._table.redraw()
            self._show_diffs()

    def turn(self, by: int) -> None:
        """Another file."""
        if self._paths:
            self._file = max(0, min(self._file + by, len(self._paths) - 1))
            self._show_diffs()

    def hunk(self, by: int) -> None:
        """Another hunk."""
        for diff in self._diffs:
            (diff.action_hunk_next if by > 0 else diff.action_hunk_previous)()

    def scroll(self, by: int) -> None:
        """Scrolls both diffs."""
        for diff in self._diffs:
            diff.scroll_rows(3 * by)

    def go(self, by: int) -> None:
        """Another experiment."""
        at = self._at + by
        if 0 <= at < len(self._reviews):
            self._open(at)
        else:
            self._footer.say("there is no other experiment in that direction")

    def promote(self) -> None:
        """Leaves for the preview of merging the candidate; says why where that cannot be."""
        one = self._selected
        if one is None:
            return
        into = self._reviews[self._at].experiment.into
        if into != self._current:
            said = f"it came from {into}, and you are on {self._current}: switch first (b)"
            self._footer.say(printable(one_line(said, 200)))
        else:
            self.dismiss(ReviewChoice(Merge(one.candidate.branch)))

    def show_step(self) -> None:
        """Leaves for the candidate's newest step in the timeline."""
        one = self._selected
        tried = self._tried.get(one.candidate.label) if one is not None else None
        if tried is not None and tried.seq is not None:
            self.dismiss(ReviewChoice(show=tried.seq))
