"""What a person picks on the main screen: two steps to compare, files and hunks to be restored."""

from __future__ import annotations

from stepwell.tui.feed.wishes import Rollback
from stepwell.tui.model.picks import Picks, Wanted
from stepwell.tui.screens.openers import Openers
from stepwell.tui.screens.showing import Showing
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList


class Choosing(Openers):
    """The actions of the main screen on what is picked; `MainScreen` is the only subclass."""

    files: FileList
    diff: DiffView
    showing: Showing

    def action_pick(self) -> None:
        """Picks the selected step, or lets go of it."""
        step = self.selected_step("pick")
        if step is not None:
            self.timeline.marks.pick(step)
            self.timeline.redraw()

    def action_base(self) -> None:
        """Makes the selected step the base of comparisons, or takes it away."""
        step = self.selected_step("compare with")
        if step is not None:
            self.timeline.marks.set_base(step)
            self.timeline.redraw()

    def action_compare(self) -> None:
        """Shows what leads from one step to another; esc ends it."""
        pair = self.timeline.marks.pair(self.timeline.selected)
        if pair is None:
            self.say("pick two steps with space, or one and stand on another; = keeps a base")
        else:
            self.showing.compare(*pair)

    def action_restore_picked(self) -> None:
        """Previews restoring what is picked; nothing picked: the file or hunk under the cursor."""
        wanted = self._wanted()
        if not wanted:
            self.say("there is no file to restore here")
            return
        step = self.showing.sight.step or self.timeline.head_step
        if step is None:
            self.say("this step is still being read")
        else:
            self.preview(Rollback(step, wanted=wanted))

    def _wanted(self) -> tuple[Wanted, ...]:
        picks = self.files.picks
        if not picks.changes:
            return ()
        if picks.any:
            return picks.wanted()
        here = Picks(picks.changes)
        if self.diff.has_focus:
            at = self.diff.here()
            if at is not None:
                here.toggle_hunk(*at)
        else:
            change = self.files.change_at(self.files.cursor)
            here.toggle_files([change] if change is not None else [])
        return here.wanted()

    def action_annotate_line(self) -> None:
        """Asks for a note on the line under the diff's cursor."""
        step, at = self.showing.sight.step, self.diff.line_here()
        if step is None or at is None:
            self.say("a note needs a line of a step: stand on one")
        else:
            self.annotate_at(step, *at)
