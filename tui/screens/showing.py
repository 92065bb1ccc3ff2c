"""What files, diff and detail show: the selected step, or two steps side by side in time.

The cursor is drawn first. What follows it waits for the next pause between two keys, and what has
to be read waits a little longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from textual.timer import Timer

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.looks import note_look
from stepwell.tui.feed.patches import Patches, Sight
from stepwell.tui.gateway import Gateway
from stepwell.tui.messages import PatchLoaded
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.picks import Picks
from stepwell.tui.model.rows import step_name
from stepwell.tui.values import Step
from stepwell.tui.widgets.detail import Detail
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList
from stepwell.tui.widgets.noteline import NoteLine
from stepwell.tui.widgets.timeline import Timeline

_NOTHING = -1
"""The number of no step."""
_GLANCE = 4
"""What follows the cursor waits for so small a part of the rest."""

Later = Callable[[float, Callable[[], None]], Timer]


class Views(NamedTuple):
    """The widgets that show one step."""

    timeline: Timeline
    files: FileList
    diff: DiffView
    detail: Detail
    note: NoteLine


class Showing:
    """Follows the timeline's cursor; a comparison stays until it is ended."""

    def __init__(
        self,
        views: Views,
        gateway: Gateway,
        highlighter: Highlighter,
        later: Later,
        rest_s: float,
    ) -> None:
        self._views = views
        self._highlighter = highlighter
        self._later = later
        self._rest_s = rest_s
        self._patches = Patches(gateway, self._show, later, rest_s, partial(note_look, gateway))
        self._timer: Timer | None = None
        self._shown: int | None = _NOTHING
        self._rows: DiffRows | None = None
        self._drawn: Sight | None = None
        self.sight = Sight()
        """What files and diff show, or are about to."""
        self._between: tuple[Step, Step | None] | None = None
        self._ends: tuple[Step, Step] | None = None
        """Of the range of steps that is selected."""
        self._waiting: tuple[int, Callable[[], None]] | None = None
        self.on_files: Callable[[int], None] = lambda _files: None
        """Takes the number of files of what is shown."""

    def follow(self) -> None:
        """The cursor is on a row; nothing is drawn before the keys pause."""
        seq = self._views.timeline.selected_seq
        if seq != self._shown and self._between is None:
            self._highlighter.hold()
            self._patches.drop()
            # Whoever comes back before the next glance finds nothing under way.
            self._shown = _NOTHING
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._later(self._rest_s / _GLANCE, self._glance)

    def _glance(self) -> None:
        timeline = self._views.timeline
        seq, step = timeline.selected_seq, timeline.selected
        head = step_name(timeline.head_seq)
        instead = "reading" if seq else f"the disk as it is now, compared with {head}"
        self._views.detail.show(step, instead)
        self._views.note.show(step)
        ends = timeline.ends
        same = seq == self._shown and ends == self._ends
        if same or (seq is not None and step is None):
            return
        self._shown, self._ends = seq, ends
        if self._between is None:
            self._want()

    def disk_changed(self) -> None:
        """The disk is different from what was shown."""
        if self.sight.step is None and (self._shown is None or self._between is not None):
            self._want()

    def _want(self) -> None:
        step = self._views.timeline.selected
        base = None
        between = self._between or self._ends
        if between is not None:
            base, step = between
        choices = self._views.diff.choices
        self.sight = Sight(step, base, choices.context, choices.ignore_space)
        ahead = () if between is not None or step is None else self._views.timeline.neighbours
        self._patches.want(self.sight, ahead)

    def take(self, message: PatchLoaded) -> None:
        """Shows an answer if it is still the wanted one."""
        self._patches.take(message)

    def _show(self, rows: DiffRows) -> None:
        if rows is self._rows and self.sight == self._drawn:
            return
        self._rows, self._drawn = rows, self.sight
        picks = Picks(rows.changes)
        self._views.files.show(rows.changes, picks=picks, empty="no files changed")
        # A hunk goes back with all its white space, so none is picked where that is not shown.
        hunks = None if self.sight.ignore_space else picks
        self._views.diff.show(rows, self._heading(), empty=self._nothing(), picks=hunks)
        if len(rows):
            self._views.files.follow(rows.place(self._views.diff.here)[0])
        self.on_files(len(rows.changes))
        self._tell_who_waits()

    def when_shown(self, seq: int, call: Callable[[], None]) -> None:
        """Calls once the diff of a step is drawn whole; only the newest wish counts."""
        self._waiting = (seq, call)
        self._tell_who_waits()

    def _tell_who_waits(self) -> None:
        step = self._drawn.step if self._drawn is not None else None
        whole = self._rows is not None and not self._rows.unread
        if self._waiting is not None and whole and step and step.seq == self._waiting[0]:
            call, self._waiting = self._waiting[1], None
            call()

    def _heading(self) -> str:
        step, base = self.sight.step, self.sight.base
        to = f"#{step.seq}" if step else "now"
        if base is None:
            return f"Diff {to}"
        return f"Diff #{base.seq} {self._views.diff.glyphs.arrow} {to}"

    def _nothing(self) -> str:
        if self.sight.base is not None:
            return "these two hold the same files"
        step = self.sight.step
        if step is None:
            return f"the disk is as in {step_name(self._views.timeline.head_seq)}"
        if step.kind == "rollback" and step.parents:
            return "the files are as in the step that it goes back to"
        return "this step changed no files"

    def context(self, by: int) -> None:
        """More or fewer unchanged lines around each change, or as was chosen otherwise."""
        choices = self._views.diff.choices
        if by:
            choices.context = max(0, choices.context + by)
        else:
            choices.ignore_space = not choices.ignore_space
        self._want()

    @property
    def comparing(self) -> bool:
        """Two steps are compared."""
        return self._between is not None

    def compare(self, base: Step, other: Step | None) -> None:
        """Shows what leads from one step to another (None: to the disk), until `end`."""
        self._between = (base, other)
        self._want()

    def end(self) -> None:
        """Shows the selected step again."""
        self._between = None
        self._shown = _NOTHING
        self.follow()
