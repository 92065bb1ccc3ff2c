"""The main screen: timeline, files and diff of the selected step. Routes facts; draws nothing.

Screens that open above it are imported when they open: the first frame does not wait for them.
"""

from __future__ import annotations

import os
from datetime import tzinfo
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.screen import Screen

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.patches import CONTEXT, REST_S, Patches
from stepwell.tui.feed.wishes import Redo, Rollback, Undo, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import Action, Scope
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import of_day
from stepwell.tui.messages import (
    BackAsked,
    ContextAsked,
    CursorMoved,
    DiskCompared,
    Failed,
    PageLoaded,
    PagesWanted,
    PatchLoaded,
    Refused,
    RowOpened,
    TimelineLoaded,
)
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.screens.panes import PaneName, Panes
from stepwell.tui.values import Change, Clock, escape, printable
from stepwell.tui.widgets.detail import Detail
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.header import Header, Heading
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from stepwell.tui.screens.preview import Outcome

_PREVIEWED_ROWS = 3
"""Rows that `J` and `K` scroll the diff by."""
_COMPARE_NS = 5_000_000_000
"""The disk is compared again after so long at the earliest ..."""
_COMPARE_SHARE = 20
"""... and after so many times what the last comparison took."""
_SCOPES: dict[PaneName, Scope] = {"timeline": "timeline", "files": "files", "diff": "diff"}


class MainScreen(Screen[None]):
    """Owns the selection: what is selected in the timeline is what files, diff and detail show."""

    BINDINGS = bindings_for("everywhere")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (13, "-short"), (30, "-tall")]

    def __init__(
        self,
        gateway: Gateway,
        *,
        clock: Clock,
        zone: tzinfo | None,
        glyphs: Glyphs,
        rest_s: float = REST_S,
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._zone = zone
        self._highlighter = Highlighter(gateway)
        self._header = Header(Heading(_name(gateway.root)), glyphs)
        self.timeline = Timeline(clock=clock, zone=zone, glyphs=glyphs)
        self.files = FileList(glyphs=glyphs)
        self.diff = DiffView(glyphs=glyphs, highlighter=self._highlighter)
        self.detail = Detail(glyphs, zone)
        self.footer = Footer()
        self._panes = Panes(
            self, {"timeline": self.timeline, "files": self.files, "diff": self.diff}
        )
        self._patches = Patches(gateway, self._show_patch, self.set_timer, rest_s)
        self._glyphs = glyphs
        self._shown: int | None = -1
        self._to_head = False
        self._dirty: tuple[Change, ...] | None = None
        self._compared_at = 0
        self._compare_at: int | None = None
        self._around = CONTEXT

    def compose(self) -> ComposeResult:
        yield self._header
        with Container(id="body"):
            yield Pane("1", self.timeline, id="timeline-pane")
            with Vertical(id="side"):
                yield Pane("2", self.files, id="files-pane")
                yield self.detail
            yield Pane("3", self.diff, id="diff-pane")
        yield self.footer

    def on_mount(self) -> None:
        """Starts reading."""
        self.timeline.set_caption("Timeline", "reading")
        self._panes.go("timeline")
        self.tick()
        self._gateway.load_timeline()
        self._compare()

    def on_unmount(self) -> None:
        """Stops the colouring thread."""
        self._highlighter.close()

    def tick(self) -> None:
        """Brings ages and the time of day up to date; compares the disk when it is time to."""
        now = self._clock()
        self._header.say(clock=of_day(now, self._zone))
        self.timeline.tick()
        if self._compare_at is not None and now >= self._compare_at:
            self._compare()

    def _compare(self) -> None:
        self._compared_at, self._compare_at = self._clock(), None
        self._gateway.compare_disk()

    # --- what the gateway says -------------------------------------------------------------------

    def on_timeline_loaded(self, message: TimelineLoaded) -> None:
        """Shows the history; new steps mean that the disk is to be compared anew."""
        grown = self.timeline.loaded
        self.timeline.take_timeline(message.lanes, message.tips, message.newest)
        columns = message.lanes.columns
        steps = len(columns) if columns.complete else None
        self._header.say(branch=printable(message.tips.branch), steps=steps)
        self._header.show_activity(columns.times)
        if self._to_head:
            self._to_head = False
            self.timeline.action_now()
        if grown and columns.complete:
            self._compare()

    def on_page_loaded(self, message: PageLoaded) -> None:
        """Fills skeleton rows."""
        self.timeline.take_page(message.page, message.steps)

    def on_disk_compared(self, message: DiskCompared) -> None:
        """Shows how many files differ; the longer it took, the later it is done again."""
        now = self._clock()
        took = now - self._compared_at
        self._compare_at = now + max(_COMPARE_NS, _COMPARE_SHARE * took)
        self.timeline.take_disk(len(message.dirty), message.pending)
        changed, self._dirty = message.dirty != self._dirty, message.dirty
        if changed and self.timeline.cursor == 0:
            self._patches.want(None, self._around)

    def on_patch_loaded(self, message: PatchLoaded) -> None:
        """Shows the diff if it is still the wanted one."""
        self._patches.take(message)

    def on_failed(self, message: Failed) -> None:
        """Says what could not be done."""
        hint = f" ({message.error.hint})" if message.error.hint else ""
        self._say(f"cannot {message.what}: {message.error.message}{hint}", "failed")

    # --- what the lists say ----------------------------------------------------------------------

    def on_pages_wanted(self, message: PagesWanted) -> None:
        """Has pages read."""
        self._gateway.load_pages(self.timeline.columns, message.pages)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Another step is selected, or another file."""
        if message.pane == "timeline":
            self._selected()
        elif message.pane == "files":
            self.diff.go_to_file(message.index)
        elif message.pane == "diff" and len(self.diff.rows):
            self.files.follow(self.diff.rows.place(message.index)[0])

    def _selected(self) -> None:
        timeline = self.timeline
        timeline.set_caption("Timeline", timeline.position())
        self._header.say(following=timeline.following, unseen=timeline.unseen)
        seq, step = timeline.selected_seq, timeline.selected
        self.footer.show_place(f"#{seq}" if seq else "")
        instead = "reading" if seq else "the disk as it is now, compared with the last step"
        self.detail.show(step, instead)
        if seq == self._shown or (seq is not None and step is None):
            return
        self._shown = seq
        self._patches.want(step, self._around)

    def _show_patch(self, rows: DiffRows) -> None:
        seq = self._shown
        heading = f"Diff #{seq}" if seq else "Diff now"
        empty = "this step changed no files" if seq else "the disk is as in the last step"
        self.files.show(rows.changes, empty="no files changed")
        self.diff.show(rows, heading, empty=empty)

    def on_row_opened(self, message: RowOpened) -> None:
        """Goes one pane deeper."""
        if message.pane != "diff":
            self._panes.go("files" if message.pane == "timeline" else "diff")

    def on_back_asked(self, message: BackAsked) -> None:
        """Goes one pane back; at the timeline, out of the zoom."""
        if message.pane == "diff":
            self._panes.go("files")
        elif message.pane == "files":
            self._panes.go("timeline")
        elif self._panes.zoomed:
            self._panes.toggle_zoom()

    def on_context_asked(self, message: ContextAsked) -> None:
        """More or fewer unchanged lines around each change."""
        self._around = max(0, self._around + message.by)
        self._patches.want(self.timeline.selected, self._around)

    def on_refused(self, message: Refused) -> None:
        """Says why a key did nothing."""
        self._say(message.reason, "warning")

    def _say(self, sentence: str, role: str) -> None:
        self.footer.say(printable(sentence), role)

    def on_key(self, event: events.Key) -> None:
        """A sentence in the footer stays until the next key."""
        self.footer.hush()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The footer shows the keys of the pane in focus."""
        for name, scope in _SCOPES.items():
            if event.widget.id == name:
                self._panes.took_focus(name)
                self.footer.show_hints(hints_for(scope, "list", "everywhere"))

    def on_resize(self) -> None:
        """Keeps the focus where it was although panes come and go."""
        self.call_after_refresh(self._panes.restore_focus)

    # --- actions ---------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Lists the keys of the pane in focus; enter runs one."""
        from stepwell.tui.screens.help import HelpScreen

        scope = _SCOPES[self._panes.current]
        self.app.push_screen(HelpScreen((scope, "list", "everywhere"), self._glyphs), self._run)

    def _run(self, action: Action | None) -> None:
        from stepwell.tui.screens.help import perform

        if action is not None:
            self.call_later(perform, self, action)

    def action_pane(self, name: PaneName) -> None:
        """Goes to a pane."""
        self._panes.go(name)

    def action_next_pane(self) -> None:
        """Goes to the next pane."""
        self._panes.step(1)

    def action_previous_pane(self) -> None:
        """Goes to the previous pane."""
        self._panes.step(-1)

    def action_zoom(self) -> None:
        """This pane on the whole screen, and back."""
        self._panes.toggle_zoom()

    def action_times(self) -> None:
        """Relative or absolute times."""
        self.timeline.action_times()

    def action_diff_down(self) -> None:
        """Scrolls the diff down."""
        self.diff.scroll_rows(_PREVIEWED_ROWS)

    def action_diff_up(self) -> None:
        """Scrolls the diff up."""
        self.diff.scroll_rows(-_PREVIEWED_ROWS)

    def action_restore(self) -> None:
        """Previews going back to the selected step."""
        step = self.timeline.selected
        if self.timeline.cursor == 0:
            self._say("this is the disk as it is now: select a step to go back to", "warning")
        elif step is None:
            self._say("this step is still being read", "warning")
        else:
            self._preview(Rollback(step))

    def action_undo(self) -> None:
        """Previews taking back the newest change."""
        self._preview(Undo())

    def action_redo(self) -> None:
        """Previews doing again what was undone."""
        self._preview(Redo())

    def _preview(self, wish: Wish) -> None:
        from stepwell.tui.screens.preview import RestorePreview

        preview = RestorePreview(self._gateway, wish, self._glyphs, self._highlighter)
        self.app.push_screen(preview, self._changed)

    def _changed(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self._say(outcome.text, "ok" if outcome.complete else "warning")
        self._to_head = True
        self._gateway.poll()
        self._compare()

    def action_operations(self) -> None:
        """Lists what was done to the store."""
        from stepwell.tui.screens.operations import OperationsScreen

        screen = OperationsScreen(self._gateway, self._clock, self._glyphs)
        self.app.push_screen(screen, self._chosen)

    def _chosen(self, operation: int | None) -> None:
        if operation is not None:
            self._preview(Undo(operation))

    def action_reload(self) -> None:
        """Reads everything anew."""
        self._gateway.reload()
        self._compare()

    def action_leave(self) -> None:
        """Quits."""
        self.app.exit(0)


def _name(root: bytes) -> str:
    return printable(escape(os.path.basename(root) or root))
