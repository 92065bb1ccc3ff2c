"""The review of an experiment: candidates as columns, their diffs of a file side by side.

What is picked of them, or one as a whole, is merged by a preview; nothing else here changes the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.reviews import OwnReader, load_candidates, load_experiments
from stepwell.tui.feed.wishes import Merge, MergePicks, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import WAYS_OUT, hints_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.messages import (
    BackAsked,
    CandidateLoaded,
    CaptionChanged,
    ContextAsked,
    CursorMoved,
    ExperimentsLoaded,
    Failed,
    PicksChanged,
    RowOpened,
)
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.review import (
    Review,
    ReviewPicks,
    Tried,
    all_paths,
    change_at,
    command_words,
    heading,
    output_of,
)
from stepwell.tui.screens.above import Above
from stepwell.tui.screens.judging import VerdictForm
from stepwell.tui.screens.marking import Mended, NoteForm
from stepwell.tui.screens.preview import Outcome, RestorePreview
from stepwell.tui.values import Clock, Ranked, one_line, plural, printable
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.reviewtable import Pick, ReviewTable
from stepwell.tui.widgets.sentence import Sentence

_WHAT = " an experiment tries several ways from one step, checks them and ranks them"
_LOW = 30
"""Lines of a screen below which the reasons get fewer."""
_BESIDE = ((160, 3), (100, 2), (0, 1))
"""From so many cells on, so many diffs."""


class ReviewChoice(NamedTuple):
    """What a person left the review with."""

    outcome: Outcome | None = None
    """What came of a merge."""
    show: int | None = None
    """The number of a step to be shown in the timeline."""


class CandidateDiff(DiffView):
    """One candidate's change of a file; bright while it is the selected one's."""

    _is_selected = False

    @property
    def is_bright(self) -> bool:
        return self._is_selected

    def select(self, selected: bool) -> None:
        """Says whether it is the selected candidate's."""
        if selected != self._is_selected:
            self._is_selected = selected
            self.post_message(CaptionChanged())


class ExperimentsScreen(Above, Screen["ReviewChoice | None"]):
    """The table above diffs of neighbouring candidates, the selected one's among them."""

    CSS = """
    ExperimentsScreen { layout: vertical; }
    ExperimentsScreen #review-title { text-wrap: nowrap; text-overflow: ellipsis; }
    ExperimentsScreen #review-diffs { height: 1fr; }
    ExperimentsScreen #review-diffs Pane { width: 1fr; }
    ExperimentsScreen #review-diffs .beside { border-left: solid $faint; }
    """

    help_scopes = ("review",)

    def __init__(
        self, gateway: Gateway, clock: Clock, glyphs: Glyphs, highlighter: Highlighter
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._glyphs = glyphs
        self._highlighter = highlighter
        self._picks = ReviewPicks()
        self._title = Sentence(id="review-title")
        self._table = ReviewTable(glyphs, lambda label: self._picks.said(label))
        self._own = [Highlighter(OwnReader(gateway, name)) for name in ("beside-1", "beside-2")]
        """A highlighter follows one view."""
        self._diffs = [
            CandidateDiff(id=f"candidate-{at}", glyphs=glyphs, highlighter=one)
            for at, one in enumerate((highlighter, *self._own))
        ]
        self._footer = Footer()
        self._reviews: Sequence[Review] = ()
        self._current = ""
        self._at = 0
        self._tried: dict[str, Tried] = {}
        self._paths: list[bytes] = []
        self._file = 0
        self._first = 0
        """The column whose diff is the leftmost one."""
        self._drafts: dict[str, str] = {}
        self._told = False
        """What checks said is shown in place of the diffs."""

    def compose(self) -> ComposeResult:
        yield self._title
        yield Pane("E", self._table, id="review-pane")
        with Horizontal(id="review-diffs"):
            for at, diff in enumerate(self._diffs):
                pane = Pane("", diff, id=f"{diff.id}-pane")
                pane.set_class(at > 0, "beside")
                yield pane
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
        """Stops the threads that colour the other diffs."""
        for highlighter in self._own:
            highlighter.close()

    def on_resize(self) -> None:
        """Shares the room anew."""
        self._table.share(self._why_lines)
        self._show_diffs()

    def on_experiments_loaded(self, message: ExperimentsLoaded) -> None:
        """Shows the newest."""
        self._reviews, self._current = message.reviews, message.current
        if self._reviews:
            self._open(0)
        else:
            self._title.say(_WHAT, "dim")
            known = (*WAYS_OUT, "keys")
            self._footer.show_hints([one for one in hints_for("review") if one[1] in known])
            self._table.show((), 1)
            self._show_diffs()

    def _open(self, at: int) -> None:
        self._at, self._tried, self._paths, self._file, self._first = at, {}, [], 0, 0
        self._picks = ReviewPicks()
        review = self._reviews[at]
        self._title.say(f" {heading(review)}", "strong")
        self._table.show(review.ranked, self._why_lines)
        self._show_diffs()
        load_candidates(self._gateway, self.post_message, review)

    def on_candidate_loaded(self, message: CandidateLoaded) -> None:
        """Takes what a candidate changed, if its experiment is still the one shown."""
        if self._review.experiment.name != message.experiment:
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

    @property
    def _review(self) -> Review:
        return self._reviews[self._at]

    @property
    def _why_lines(self) -> int:
        return 2 if self.size.height < _LOW else 3

    @property
    def _selected(self) -> Ranked | None:
        ranked = self._table.ranked
        return ranked[self._table.column] if ranked else None

    def _show_diffs(self) -> None:
        ranked, column = self._table.ranked, self._table.column
        width = self.size.width
        beside = min(next(n for cells, n in _BESIDE if width >= cells), max(1, len(ranked)))
        self._first = min(max(self._first, column - beside + 1), column)
        self.query_one("#review-pane").styles.height = 1 + self._table.count
        for at, diff in enumerate(self._diffs):
            self.query_one(f"#{diff.id}-pane").display = at < beside
            place = self._first + at
            diff.select(place == column)
            if at < beside:
                self._show_diff(diff, ranked[place] if place < len(ranked) else None)
        self._tell()

    def _tell(self) -> None:
        count = plural(len(self._table.ranked), "candidate")
        place = f"{self._at + 1} of {len(self._reviews)}, {count}" if self._reviews else "0"
        picked = self._picks.said()
        self._table.set_caption("Experiments", f"{picked}  {place}" if picked else place)
        self._table.redraw()

    def _show_diff(self, diff: DiffView, one: Ranked | None) -> None:
        if one is not None and self._told:
            lines, why = output_of(one)
            diff.show(DiffRows((), instead=lines), one_line(one.candidate.label, 40), empty=why)
            return
        if one is None or not self._paths:
            diff.say("no candidate changed a file" if one is not None else "", "Diff")
            return
        path, label = self._paths[self._file], one.candidate.label
        tried = self._tried.get(label)
        change = change_at(tried, path)
        nothing = f"{shown_path(path)} is not changed here" if tried is not None else "reading"
        name = f"{one_line(label, 40)} {self._file + 1}/{len(self._paths)}"
        picks = None if change is None else self._picks.of(label, change)
        diff.show(DiffRows([] if change is None else [change]), name, empty=nothing, picks=picks)

    @property
    def _this(self) -> CandidateDiff:
        return self._diffs[self._table.column - self._first]

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
            self._show_diffs()

    def turn(self, by: int) -> None:
        """Another file."""
        if self._paths:
            self._file = max(0, min(self._file + by, len(self._paths) - 1))
            self._show_diffs()

    def show_output(self) -> None:
        """What the failed checks said in place of the diffs, or these again."""
        self._told = not self._told
        self._show_diffs()

    def hunk(self, by: int) -> None:
        """Another hunk."""
        for diff in self._diffs:
            (diff.action_hunk_next if by > 0 else diff.action_hunk_previous)()

    def scroll_diffs(self, by: int) -> None:
        """Scrolls all diffs."""
        for diff in self._diffs:
            diff.scroll_rows(3 * by)

    def scroll_lines(self, by: int) -> None:
        """Scrolls the lines of all diffs."""
        for diff in self._diffs:
            (diff.action_sideways_right if by > 0 else diff.action_sideways_left)()

    def go(self, by: int) -> None:
        """Another experiment."""
        at = self._at + by
        if 0 <= at < len(self._reviews):
            self._open(at)
        else:
            self._footer.say("there is no other experiment in that direction")

    def pick(self, what: Pick) -> None:
        """Picks a hunk, a file or all of the selected candidate, or lets go of it."""
        one = self._selected
        tried = self._tried.get(one.candidate.label) if one is not None else None
        if one is None or tried is None:
            return
        if self._told:
            self.show_output()
        if what == "all":
            self._picks.toggle_all(one.candidate.label, tried.changes)
        elif self._this.picks is None:
            self._footer.say("this candidate did not change the file")
        elif what == "hunk":
            self._this.action_pick_hunk()
        else:
            self._this.picks.toggle_files([0])
        self._this.redraw()
        self._tell()

    def on_picks_changed(self, message: PicksChanged) -> None:
        """The table shows it."""
        message.stop()
        self._tell()

    def merge_picks(self) -> None:
        """Previews merging the picks; all of one candidate, or nothing picked, is a promotion."""
        whole = self._picks.whole(self._tried)
        if whole is not None or not self._picks.said():
            self._promote(whole)
            return
        name = self._review.experiment.name
        paths, hunks = tuple(self._picks.paths()), tuple(self._picks.hunks())
        self._preview(MergePicks(name, paths, hunks))

    def promote(self) -> None:
        """Previews merging the selected candidate."""
        self._promote(None)

    def _promote(self, label: str | None) -> None:
        """Previews merging a candidate (None: the selected one); says why where that cannot be."""
        one = self._selected
        if label is not None:
            one = next(r for r in self._table.ranked if r.candidate.label == label)
        if one is None:
            return
        into = self._review.experiment.into
        if into != self._current:
            said = f"it came from {into}, and you are on {self._current}: switch first (b)"
            self._footer.say(printable(one_line(said, 200)))
        else:
            self._preview(Merge(one.candidate.branch))

    def _preview(self, wish: Wish) -> None:
        preview = RestorePreview(self._gateway, wish, self._clock, self._glyphs, self._highlighter)
        self.app.push_screen(preview, self._merged)

    def _merged(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self.dismiss(ReviewChoice(outcome))

    def judge(self) -> None:
        """Asks for a verdict on the selected candidate."""
        one = self._selected
        if one is not None:
            name, label = self._review.experiment.name, one.candidate.label
            form = VerdictForm(self._gateway, self._glyphs, name, label)
            self.app.push_screen(form, lambda mended: self._mended(label, mended))

    def note(self) -> None:
        """Asks for a note on the selected candidate's newest step."""
        one = self._selected
        tried = self._tried.get(one.candidate.label) if one is not None else None
        if one is None or tried is None or tried.step is None:
            return
        label = one.candidate.label
        form = NoteForm(self._gateway, self._glyphs, tried.step, (None, None), self._drafts)
        self.app.push_screen(form, lambda mended: self._mended(label, mended))

    def _mended(self, label: str, mended: Mended | None) -> None:
        if mended is not None and label in self._tried:
            self._tried[label] = self._tried[label]._replace(step=mended.step)
            self._table.take(self._tried)
            self._footer.say(mended.sentence, "ok")

    def show_step(self) -> None:
        """Leaves for the candidate's newest step in the timeline."""
        one = self._selected
        tried = self._tried.get(one.candidate.label) if one is not None else None
        if tried is not None and tried.step is not None:
            self.dismiss(ReviewChoice(show=tried.step.seq))
