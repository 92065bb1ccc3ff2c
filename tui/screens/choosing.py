"""What a person picks on the main screen: two steps to compare, files and hunks to be restored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepwell.tui.feed.wishes import Rollback
from stepwell.tui.keys.actions import key_of
from stepwell.tui.keys.bindings import hints_for
from stepwell.tui.look.marks import shown_path
from stepwell.tui.model.picks import Picks, Wanted
from stepwell.tui.model.statedocument import StateDocument
from stepwell.tui.screens.consulting import Consulting
from stepwell.tui.screens.showing import Showing
from stepwell.tui.values import Change
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList

if TYPE_CHECKING:
    from stepwell.tui.screens.copymenu import Copied


class Choosing(Consulting):
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
            pick, base = key_of("timeline.pick"), key_of("timeline.base")
            self.say(
                f"pick two steps with {pick}, or one and stand on another; {base} keeps a base"
            )
        else:
            self.showing.compare(*pair)
            self.tell_keys()

    def tell_keys(self) -> None:
        """Shows the keys of the pane in focus, and how to leave a comparison that stays."""
        way_out = [(key_of("list.back"), "end comparison")] if self.showing.comparing else []
        self.footer.show_hints([*way_out, *hints_for(*self.scopes)])

    def action_restore_picked(self) -> None:
        """Previews restoring what is picked; nothing picked: the file or hunk under the cursor."""
        if self.diff.has_focus and self.diff.picks is None and not self.files.picks.any:
            self.diff.action_pick_hunk()
            return
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
            at = self.diff.hunk_here()
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

    def action_copy(self) -> None:
        """Asks what to copy."""
        from stepwell.tui.screens.copymenu import CopyMenu

        self.app.push_screen(CopyMenu(), self._copy)

    def _copy(self, what: Copied | None) -> None:
        if what is None:
            return
        from stepwell.tui.model.copying import size_problem, told

        text = self._copied_text(what)
        problem = size_problem(text) if text else f"there is no {what} here to copy"
        if problem:
            self.say(problem)
        else:
            self.app.copy_to_clipboard(text)
            self.say(told(f"the {what}", text), "ok")

    def _copied_text(self, what: Copied) -> str:
        from stepwell.tui.model.copying import (
            code_text,
            hunk_at,
            hunk_text,
            lines_text,
            patch_text,
        )

        lines = self.diff.lines_in_range() if what == "code" else []
        if lines:
            return lines_text(lines)
        if what == "id":
            step = self.showing.sight.step or self.timeline.selected
            return step.id if step is not None else ""
        change = self._change_here()
        if change is None:
            return ""
        if what == "path":
            return shown_path(change.path)
        if what == "patch":
            return "" if isinstance(change, StateDocument) else patch_text([change])
        here = self.diff.hunk_here()
        hunk = hunk_at(change.hunks, here[1] if here is not None and self.diff.has_focus else 0)
        if hunk is None:
            return ""
        return code_text(hunk) if what == "code" else hunk_text(hunk)

    def _change_here(self) -> Change | None:
        """The file under the cursor: in the list of files, else in the diff."""
        changes = self.diff.rows.changes
        at = self.files.change_at(self.files.cursor) if self.files.has_focus else None
        if at is None:
            here = self.diff.hunk_here()
            at = here[0] if here is not None else None
        return changes[at] if at is not None and at < len(changes) else None

    def _file_here(self) -> Change | None:
        """The file under the cursor; None also where a document of the state is."""
        change = self._change_here()
        return None if isinstance(change, StateDocument) else change

    def action_edit(self) -> None:
        """Opens the file under the cursor in the person's editor; in the diff, at the line."""
        from stepwell.tui.screens.leaving import edit_file

        change = self._file_here()
        if change is None:
            self.say("there is no file to edit here")
            return
        at = self.diff.line_here() if self.diff.has_focus else None
        path = os.path.join(self._gateway.root, change.path)
        said = edit_file(self.app, path, at[1] if at is not None else None)
        if said:
            self.say(said)
        self.compare_disk()

    def action_pager(self) -> None:
        """Shows the diff in the person's pager."""
        from stepwell.tui.model.copying import patch_text
        from stepwell.tui.screens.leaving import page_text

        text = patch_text(self.diff.rows.changes)
        said = page_text(self.app, text) if text else "there is no diff here"
        if said:
            self.say(said)
