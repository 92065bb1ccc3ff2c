"""The main screen: timeline, files and diff of the selected step. Routes facts; draws nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.patches import REST_S
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import Scope, key_of
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import of_day
from stepwell.tui.messages import (
    BackAsked,
    ContextAsked,
    Counted,
    CursorMoved,
    DiskCompared,
    Failed,
    LinesFound,
    PageLoaded,
    PagesWanted,
    PatchLoaded,
    PicksChanged,
    PromptChanged,
    PromptClosed,
    RangeChanged,
    Refused,
    RoomLooked,
    RowOpened,
    StepsFound,
    StepsLoaded,
    StepsWanted,
    TimelineLoaded,
)
from stepwell.tui.model.remedies import told
from stepwell.tui.model.sides import merge_heading
from stepwell.tui.screens.panes import PaneName, Panes
from stepwell.tui.screens.remembering import Remembering
from stepwell.tui.screens.rounds import Rounds
from stepwell.tui.screens.showing import Showing, Views
from stepwell.tui.values import Change, Clock, escape, printable
from stepwell.tui.widgets.chips import Chips
from stepwell.tui.widgets.detail import Detail
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.header import Header, Heading
from stepwell.tui.widgets.noteline import NoteLine
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from stepwell.tui.screens.finding import Finding

_PREVIEWED_ROWS = 3
"""Rows that `J` and `K` scroll the diff by."""
_DRAWN_S = 0.5
"""After so long the rest is read even though nothing told that the newest steps are drawn."""
_FIRST = "nothing but the start yet: stepwell install claude records what it does"
_SCOPES: dict[PaneName, Scope] = {"timeline": "timeline", "files": "files", "diff": "diff"}


class MainScreen(Remembering):
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
        super().__init__(gateway, clock, glyphs, Highlighter(gateway))
        self._zone = zone
        self._header = Header(Heading(_name(gateway.root)), glyphs)
        self.timeline = Timeline(clock=clock, zone=zone, glyphs=glyphs)
        self.files = FileList(glyphs=glyphs)
        self.diff = DiffView(glyphs=glyphs, highlighter=self._highlighter, choices=self.choices)
        self.detail = Detail(glyphs, zone)
        self.footer = Footer()
        self._panes = Panes(
            self, {"timeline": self.timeline, "files": self.files, "diff": self.diff}
        )
        self._note = NoteLine(glyphs)
        views = Views(self.timeline, self.files, self.diff, self.detail, self._note)
        self.showing = Showing(views, gateway, self._highlighter, self.set_timer, rest_s)
        self.showing.on_files = self._shown
        self._chips = Chips()
        self._finding: Finding | None = None
        self._dirty: tuple[Change, ...] | None = None
        self._rounds = Rounds(gateway, clock)
        self._is_rest_asked = False
        self.is_starting = True
        """The newest steps are not on the screen yet, or what follows them is not asked for."""

    def compose(self) -> ComposeResult:
        yield self._header
        with Container(id="body"):
            yield Pane("1", self.timeline, id="timeline-pane", under=self._chips)
            with Vertical(id="side"):
                yield Pane("2", self.files, id="files-pane")
                yield self.detail
            yield Pane("3", self.diff, id="diff-pane")
        yield self._note
        yield self.footer

    def on_mount(self) -> None:
        """Shows that the history is yet to be read."""
        # Textual gives these with the first resize, when the first frame was drawn without them.
        width, height = self.app.size
        self.add_class(*_fitting(width, self.HORIZONTAL_BREAKPOINTS))
        self.add_class(*_fitting(height, self.VERTICAL_BREAKPOINTS))
        self.timeline.set_caption("Timeline", "reading")
        self._panes.go("timeline")
        self.tick()

    def read(self) -> None:
        """Starts reading. The disk is compared once the history is there, or cannot be read."""
        self._gateway.load_timeline()

    def _read_on(self) -> None:
        """Reads, once, what the newest steps on the screen did not wait for."""
        if not self._is_rest_asked:
            self._is_rest_asked, self.is_starting = True, False
            self._gateway.reload()

    def on_unmount(self) -> None:
        """Stops the colouring thread."""
        self._highlighter.close()

    def tick(self) -> None:
        """Brings ages and the time of day up to date; compares the disk when it is time to."""
        now = self._clock()
        self._header.say(clock=of_day(now, self._zone))
        self.timeline.tick()
        self._rounds.tick()

    def compare_disk(self) -> None:
        """Has the disk compared with the head."""
        self._rounds.begin()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys work where the focus is, nearest first."""
        return (_SCOPES[self._panes.current], "list", "everywhere")

    def on_timeline_loaded(self, message: TimelineLoaded) -> None:
        """Shows the history; new steps mean that the disk is to be compared anew."""
        grown = self.timeline.loaded
        self.timeline.take_timeline(message.lanes, message.tips, message.newest)
        columns = message.lanes.columns
        steps = len(columns) if columns.complete else None
        self._header.say(
            branch=printable(message.tips.branch), steps=steps, alarm=message.tips.alarm
        )
        self._header.show_activity(columns.times)
        if self._to_head:
            self._to_head = False
            self.timeline.action_now()
        if not grown:
            self.call_after_refresh(self._read_on)
            # It is the screen on top that calls back, and it may be closed before.
            self.set_timer(_DRAWN_S, self._read_on)
        if steps == 1 and not grown:
            self.say(_FIRST, "dim")
        elif steps != 1 and self.footer.sentence == _FIRST:
            self.footer.hush()
        if columns.complete:
            self.recall_place()
        if grown and columns.complete:
            self.compare_disk()
            if self._finding is not None:
                self._finding.filter.grown()

    def on_page_loaded(self, message: PageLoaded) -> None:
        """Fills skeleton rows."""
        self.timeline.take_page(message.page, message.steps)

    def on_steps_loaded(self, message: StepsLoaded) -> None:
        """Fills skeleton rows."""
        self.timeline.take_steps(message.steps)

    def on_steps_found(self, message: StepsFound) -> None:
        """Lists or marks what was found."""
        if self._finding is not None:
            self._finding.take_steps(message)

    def on_lines_found(self, message: LinesFound) -> None:
        """Marks what was found."""
        if self._finding is not None:
            self._finding.search.take_lines(message)

    def on_disk_compared(self, message: DiskCompared) -> None:
        """Shows how many files differ; the longer it took, the later it is done again."""
        self._rounds.ended()
        self.timeline.take_disk(message.head, len(message.dirty), message.pending)
        self._header.say(merging=merge_heading(message.merging))
        if self._dirty is None:
            self._gateway.look_for_room()
        changed, self._dirty = message.dirty != self._dirty, message.dirty
        if changed:
            self.showing.disk_changed()

    def on_room_looked(self, message: RoomLooked) -> None:
        """Says what runs short for as long as the timeline is open."""
        self._header.say(short=message.room.short)

    def on_patch_loaded(self, message: PatchLoaded) -> None:
        """Shows the diff if it is still the wanted one."""
        self.showing.take(message)

    def _shown(self, files: int) -> None:
        self._panes.fit_files(files)
        if self._finding is not None:
            self._finding.search.look_anew()

    def on_failed(self, message: Failed) -> None:
        """Says what could not be done."""
        self.is_starting = False
        self._rounds.make_up()
        self.say(f"cannot {message.what}: {told(message.error)}", "failed")

    def on_pages_wanted(self, message: PagesWanted) -> None:
        """Has pages read."""
        self._gateway.load_pages(self.timeline.columns, message.pages)

    def on_steps_wanted(self, message: StepsWanted) -> None:
        """Has single steps read."""
        self._gateway.load_steps(message.seqs)

    def on_prompt_changed(self, message: PromptChanged) -> None:
        """Searches or filters as it is typed."""
        if self._finding is not None:
            self._finding.typed(message.text)

    def on_prompt_closed(self, message: PromptClosed) -> None:
        """Back to the pane, with or without what was typed."""
        if self._finding is not None and self._finding.closed(message.text, message.keep):
            self._panes.go(self._panes.current)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Another step is selected, or another file."""
        if message.pane == "timeline":
            self._moved()
        elif message.pane == "files":
            change = self.files.change_at(message.index)
            self.diff.go_to_file(change if change is not None else -1)
        elif message.pane == "diff" and len(self.diff.rows):
            self.files.follow(self.diff.rows.place(self.diff.here)[0])

    def _moved(self) -> None:
        timeline = self.timeline
        timeline.set_caption("Timeline", timeline.position())
        self._header.say(following=timeline.following, unseen=timeline.unseen)
        self.showing.follow()

    def on_row_opened(self, message: RowOpened) -> None:
        """Goes one pane deeper."""
        if message.pane != "diff":
            self._panes.go("files" if message.pane == "timeline" else "diff")

    def on_back_asked(self, message: BackAsked) -> None:
        """Takes back one thing: the search, the comparison, the pane, the zoom, picks, the filter."""
        finding = self._finding
        # A comparison goes before the search that led to it, and after one of its own lines.
        due = finding is not None and (not self.showing.comparing or finding.search.pane == "diff")
        if self.timeline.end_range() or self.diff.end_range():
            return
        if finding is not None and due and finding.search.clear():
            self.say("the search is over", "dim")
        elif self.showing.comparing:
            self.showing.end()
            self.tell_keys()
        elif message.pane == "diff" and self._panes.zoomed:
            self._panes.toggle_zoom()
        elif message.pane == "diff":
            self._panes.go("files")
        elif message.pane == "files":
            self._panes.go("timeline")
        elif self._panes.zoomed:
            self._panes.toggle_zoom()
        elif self.timeline.marks.clear():
            self.timeline.redraw()
        elif finding is not None:
            finding.filter.apply("")

    def on_context_asked(self, message: ContextAsked) -> None:
        """More or fewer unchanged lines around each change."""
        self.showing.context(message.by)

    def on_picks_changed(self, message: PicksChanged) -> None:
        """Files and diff show the same choice."""
        self.files.picked()
        self.diff.redraw()

    def on_range_changed(self, message: RangeChanged) -> None:
        """What all steps of a range changed is shown."""
        if message.pane == "timeline":
            self._moved()

    def on_counted(self, message: Counted) -> None:
        """Shows the number that is typed before a key."""
        self.say(message.typed, "accent")

    def on_refused(self, message: Refused) -> None:
        """Says why a key did nothing."""
        self.say(message.reason)

    def on_key(self, event: events.Key) -> None:
        """A sentence in the footer stays until the next key."""
        self.footer.hush()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The footer shows the keys of the pane in focus."""
        if event.widget.id == "prompt-entry" and self._finding is not None:
            self.footer.show_hints(self._finding.hints())
        for name in _SCOPES:
            if event.widget.id == name:
                self._panes.took_focus(name)
                self.tell_keys()

    def on_resize(self) -> None:
        """Keeps the focus where it was although panes come and go."""
        self._panes.share_height()
        self._panes.share_room()
        self.call_after_refresh(self._panes.restore_focus)

    def action_pane(self, name: PaneName) -> None:
        """Goes to a pane."""
        self._panes.go(name)

    def action_next_pane(self) -> None:
        """Goes to the next pane."""
        self._panes.step(1)

    def action_previous_pane(self) -> None:
        """Goes to the previous pane."""
        self._panes.step(-1)

    async def _find(self) -> Finding:
        """What searches and filters, with its line; the first frame does not wait for them."""
        if self._finding is None:
            from stepwell.tui.screens.finding import Finding, Places
            from stepwell.tui.widgets.prompt import Prompt

            prompt = Prompt()
            await self.mount(prompt, before=self.footer)
            places = Places(self.timeline, self.files, self.diff, prompt, self._chips)
            self._finding = Finding(places, self._gateway, self._clock, self._zone, self.set_timer)
        return self._finding

    async def action_find(self) -> None:
        """Asks what to look for in the pane in focus."""
        (await self._find()).open_search(self._panes.current)

    def action_find_next(self, way: int) -> None:
        """Goes to the next hit, or the previous one."""
        finding = self._finding
        if finding is None:
            self.say(f"search with {key_of('everywhere.find')} first")
            return
        said = finding.step(way)
        if said:
            self.say(said)

    async def action_filter(self) -> None:
        """Asks which steps to list."""
        (await self._find()).open_filter()

    async def action_dim(self) -> None:
        """Dims the steps that do not fit the filter, or hides them."""
        self.say((await self._find()).filter.dim())

    def action_complete(self) -> None:
        """Completes the last word of the filter that is typed."""
        if self._finding is not None:
            self._finding.complete()

    def action_unfilter_last(self) -> None:
        """Takes the last term of the filter away."""
        if self._finding is None or not self._finding.filter.drop_last():
            self.say(f"no filter is set: {key_of('everywhere.filter')} sets one")

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

    def action_reload(self) -> None:
        """Reads everything anew."""
        self._gateway.reload()
        self.compare_disk()

    def action_suspend(self) -> None:
        """Stops the process as a shell would; the shell's `fg` goes on."""
        self.app.action_suspend_process()

    def action_leave(self) -> None:
        """Quits."""
        self.app.exit(0)


def _name(root: bytes) -> str:
    return printable(escape(os.path.basename(root) or root))


def _fitting(cells: int, breakpoints: Sequence[tuple[int, str]]) -> list[str]:
    return [name for least, name in sorted(breakpoints) if least <= cells][-1:]
