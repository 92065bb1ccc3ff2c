"""From file to file and from state to state of a file, across steps."""

from __future__ import annotations

from stepwell.tui.feed.filestates import find_state, read_both
from stepwell.tui.look.marks import shown_path
from stepwell.tui.messages import BothRead, StateFound
from stepwell.tui.screens.choosing import Choosing


class Walking(Choosing):
    """The main screen's part of that; `MainScreen` is the only class that is made."""

    def action_file_state(self, way: int) -> None:
        """To the newer (1) or older (-1) step that changed the file under the cursor."""
        change = self._file_here()
        if change is None:
            self.say("there is no file here whose states could be walked through")
            return
        path = change.path
        if way < 0 and change.old_path is not None:
            path = change.old_path
        self._find_state(path, way)

    def _find_state(self, path: bytes, way: int) -> None:
        timeline = self.timeline
        if timeline.columns.complete:
            place = (timeline.selected_seq or 0, timeline.head_seq)
            find_state(self._gateway, timeline.columns, place, path, way)
        else:
            self.say("the history is still being read")

    async def on_state_found(self, message: StateFound) -> None:
        """Goes to the step, and there to the file; a comparison and a filter end.

        Who has gone elsewhere meanwhile stays there.
        """
        if message.left != (self.timeline.selected_seq or 0):
            return
        name = shown_path(message.path)
        if message.seq is None or not self.timeline.knows(message.seq):
            which = {1: "newer", -1: "older"}.get(message.way, "known")
            self.say(f"there is no {which} state of {name} on this line of history")
            return
        if self.showing.comparing:
            self.showing.end()
        if self.timeline.filtered:
            (await self._find()).filter.apply("")
        seq = message.seq
        self.timeline.go_to(seq)
        self.showing.when_shown(seq, lambda: self._stand_on(message.path, seq))

    def _stand_on(self, path: bytes, seq: int) -> None:
        changes = self.diff.rows.changes
        at = next((n for n, one in enumerate(changes) if path in (one.path, one.old_path)), None)
        if at is not None:
            self.diff.go_to_file(at)
            self.files.follow(at)
            self.say(f"{shown_path(path)} as of #{seq}", "dim")

    def action_differ(self) -> None:
        """Shows both sides of the file under the cursor in another program."""
        change = self._file_here()
        if change is None:
            self.say("there is no file here to compare")
        else:
            read_both(self._gateway, change, on_disk=self.showing.sight.step is None)

    def on_both_read(self, message: BothRead) -> None:
        """Leaves the terminal to the differ."""
        from stepwell.tui.screens.leaving import compare_files

        differ = getattr(self.app, "differ", "")
        said = compare_files(self.app, differ, message.path, message.old, message.new)
        if said:
            self.say(said)

    def action_jump(self) -> None:
        """Asks for a file by some of its letters."""
        from stepwell.tui.screens.jumping import JumpScreen

        here = [change.path for change in self.diff.rows.changes]
        self.app.push_screen(JumpScreen(self._gateway, self._glyphs, here), self._jumped)

    def _jumped(self, path: bytes | None) -> None:
        if path is None:
            return
        self._panes.go("diff")
        changes = self.diff.rows.changes
        at = next((n for n, change in enumerate(changes) if change.path == path), None)
        if at is None:
            self._find_state(path, 0)
        else:
            self.diff.go_to_file(at)
            self.files.follow(at)
