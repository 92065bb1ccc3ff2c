"""The conflicts of the merge under way: each one's sides, a side taken, the merge ended.

No key here changes the disk: a side is taken, and the merge taken back, by a preview's own key;
the merge is concluded by a question's.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from typing import Literal

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.merges import conclude, load_merge, load_sides
from stepwell.tui.feed.wishes import Abort, Settle, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import clip, fit, fit_path
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.messages import (
    BackAsked,
    ChangeDone,
    CursorMoved,
    Failed,
    MergeLoaded,
    RowOpened,
    SidesLoaded,
)
from stepwell.tui.model.planrows import clash
from stepwell.tui.model.sides import state_word
from stepwell.tui.screens.above import Above
from stepwell.tui.screens.form import Form
from stepwell.tui.screens.leaving import edit_file
from stepwell.tui.screens.preview import Outcome, RestorePreview
from stepwell.tui.values import Clock, Conflict, MergeStatus, one_line, plural, printable
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.sentence import Sentence
from stepwell.tui.widgets.sideslist import SidesList

_STATE = 18
_LONGEST = 40


class ConflictList(LineList):
    """One conflict a row: path, how it is on disk now, what the sides do not agree on."""

    BINDINGS = bindings_for("conflicts")

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="conflicts", glyphs=glyphs)
        self.merging: MergeStatus | None = None

    def show(self, merging: MergeStatus) -> None:
        """Takes the merge as it is now; the cursor stays."""
        self.merging = merging
        count, left = len(merging.conflicts), len(merging.unsettled)
        self.set_caption("Conflicts", f"{count - left} of {plural(count, 'conflict')} settled")
        self.set_count(count)

    @property
    def selected(self) -> Conflict | None:
        """The conflict under the cursor."""
        known = self.merging.conflicts if self.merging else ()
        return known[self.cursor] if known else None

    def row_key(self, index: int) -> Hashable | None:
        return None

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        merging = self.merging
        if merging is None:
            return []
        conflict, state = merging.conflicts[index], state_word(merging, index)
        is_left = conflict.path in merging.unsettled
        names = [len(shown_path(one.path)) for one in merging.conflicts]
        room = max(8, min(_LONGEST, max(names), width // 3))
        sign = self.glyphs.failed if is_left else self.glyphs.ok
        role = "failed" if is_left else "ok"
        path = fit(fit_path(shown_path(conflict.path), room), room)
        front = [
            Segment(f"{sign} ", self.paint(role, bold=True)),
            Segment(path, self.paint("text")),
            Segment(f"  {fit(state, _STATE)}", self.paint(role)),
        ]
        why = clip(f"{conflict.kind}: {clash(conflict)}", max(0, width - room - _STATE - 5))
        return [*front, Segment(f" {why}", self.paint("dim"))]

    def _screen(self) -> ConflictsScreen:
        assert isinstance(self.screen, ConflictsScreen)
        return self.screen

    def action_take(self, side: Literal["base", "ours", "theirs"]) -> None:
        """Previews taking one side of the conflict under the cursor."""
        if self.selected is not None:
            self._screen().take(side, (self.selected,))

    def action_take_all(self, side: Literal["base", "ours", "theirs"]) -> None:
        """Previews taking one side of every conflict."""
        if self.merging is not None:
            self._screen().take(side, self.merging.conflicts)

    def action_edit(self) -> None:
        """Opens the file in the person's editor."""
        if self.selected is not None:
            self._screen().edit(self.selected)

    def action_conclude(self) -> None:
        """Asks whether the merge is to be concluded."""
        self._screen().conclude()

    def action_abort(self) -> None:
        """Previews taking the merge back."""
        self._screen().abort()

    def action_clash(self, by: int) -> None:
        """The next or previous place where the sides differ."""
        self._screen().sides.go_clash(by)

    def action_sides(self, by: int) -> None:
        """Scrolls the sides."""
        self._screen().sides.scroll_rows(3 * by)

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("conflicts"))


class ConflictsScreen(Above, Screen["Outcome | None"]):
    """Its result says what became of the merge; None: it is as it was, or a side was taken."""

    CSS = """
    ConflictsScreen { layout: vertical; }
    ConflictsScreen #conflicts-pane { height: 5; }
    ConflictsScreen #sides-pane { height: 1fr; }
    """

    help_scopes = ("conflicts", "list")

    def __init__(
        self, gateway: Gateway, clock: Clock, glyphs: Glyphs, highlighter: Highlighter
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._glyphs = glyphs
        self._highlighter = highlighter
        self._title = Sentence(id="conflicts-title")
        self._list = ConflictList(glyphs)
        self.sides = SidesList(glyphs)
        self._footer = Footer()
        self._touched = False

    def compose(self) -> ComposeResult:
        yield self._title
        yield Pane("M", self._list, id="conflicts-pane")
        yield Pane("", self.sides, id="sides-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the merge."""
        self._title.say(" comparing the disk", "dim")
        self.sides.can_focus = False
        self._list.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("conflicts"))
        self._read()

    def _read(self) -> None:
        load_merge(self._gateway, self.post_message)

    def on_merge_loaded(self, message: MergeLoaded) -> None:
        """Shows the merge; leaves when there is none."""
        merging = message.merging
        if merging is None:
            self.dismiss(
                Outcome("no merge is under way: b lists the branches, M merges one", False)
            )
            return
        branch, left = one_line(merging.branch, _LONGEST), len(merging.unsettled)
        does = f"{plural(left, 'file')} with conflict markers left" if left else "c concludes it"
        self._title.say(f" Merge of {branch}: {does}", "strong")
        self._list.show(merging)
        self.query_one("#conflicts-pane").styles.height = 1 + min(
            len(merging.conflicts), max(3, self.size.height // 4)
        )
        self._show_sides()

    def _show_sides(self) -> None:
        conflict = self._list.selected
        if conflict is not None:
            if self.sides.path != conflict.path:
                self.sides.clear()
            self.sides.set_caption(shown_path(conflict.path), conflict.kind)
            load_sides(self._gateway, self.post_message, conflict)

    def on_sides_loaded(self, message: SidesLoaded) -> None:
        """Shows the sides, if their conflict is still the selected one."""
        conflict = self._list.selected
        merging = self._list.merging
        if merging is not None and conflict is not None and conflict.path == message.path:
            self.sides.show(conflict, message.sides, merging.branch)

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        message.stop()
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    def on_key(self) -> None:
        """A sentence in the footer stays until the next key."""
        self._footer.hush()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Another conflict is selected."""
        message.stop()
        if message.pane == self._list.id:
            self._show_sides()

    def on_row_opened(self, message: RowOpened) -> None:
        """Into a conflict is to its next place."""
        message.stop()
        self.sides.go_clash(1)

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline; the merge stays under way."""
        message.stop()
        said = "the merge stays under way; M shows it"
        self.dismiss(Outcome(said, False) if self._touched else None)

    def take(self, side: Literal["base", "ours", "theirs"], conflicts: Sequence[Conflict]) -> None:
        """Previews taking a side."""
        self._preview(Settle(side, tuple(one.path for one in conflicts)))

    def abort(self) -> None:
        """Previews taking the merge back."""
        self._preview(Abort())

    def _preview(self, wish: Wish) -> None:
        preview = RestorePreview(self._gateway, wish, self._clock, self._glyphs, self._highlighter)
        ends = isinstance(wish, Abort)
        self.app.push_screen(preview, self._ended if ends else self._settled)

    def _settled(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._touched = True
            if not outcome.complete:
                self._footer.say(outcome.text)
            self._read()

    def _ended(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self.dismiss(outcome)

    def edit(self, conflict: Conflict) -> None:
        """Leaves the terminal to the editor, and looks at the file again."""
        said = edit_file(self.app, os.path.join(self._gateway.root, conflict.path), None)
        if said:
            self._footer.say(said)
        self._touched = True
        self._read()

    def conclude(self) -> None:
        """Asks whether the merge is to be concluded; says why where it cannot be."""
        merging = self._list.merging
        if merging is None:
            return
        if merging.unsettled:
            left = plural(len(merging.unsettled), "file")
            self._footer.say(f"conflict markers are left in {left}: o, t or e settles one")
            return
        self.app.push_screen(ConcludeForm(self._gateway, self._glyphs, merging), self._concluded)

    def _concluded(self, sentence: str | None) -> None:
        if sentence is not None:
            self.dismiss(Outcome(sentence, True))


class ConcludeForm(Form["str | None"]):
    """Asks whether the merge is to be concluded; its own key does it."""

    BINDINGS = bindings_for("confirm", priority=True)

    def __init__(self, gateway: Gateway, glyphs: Glyphs, merging: MergeStatus) -> None:
        super().__init__(gateway, glyphs, f"Conclude the merge of {one_line(merging.branch, 60)}?")
        self._say = Sentence(id="conclude-what")

    def body(self) -> ComposeResult:
        yield self._say

    def on_mount(self) -> None:
        """Says what it does."""
        self._say.say(
            "The files stay as they are on disk now; a step of two parents is made.", "dim"
        )
        self.tell_keys([("y", "conclude the merge"), ("esc", "leave")])

    def action_yes(self) -> None:
        """Concludes."""
        self.send("conclude the merge", conclude)

    def action_no(self) -> None:
        """Leaves without a change."""
        self.action_leave_form()

    def done(self, message: ChangeDone) -> None:
        self.dismiss(message.sentence)
