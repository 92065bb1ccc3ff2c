"""`ctrl+f`: to a file by some of its letters, of what is shown or of the whole history."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import count

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input

from stepwell.tui.feed.filestates import fit_paths, load_paths
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import clip
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import (
    BackAsked,
    Failed,
    PathsFit,
    PathsLoaded,
)
from stepwell.tui.model.fuzzy import Fit
from stepwell.tui.screens.underentry import UnderEntry
from stepwell.tui.values import printable
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane

_HERE = "changed here"


class PathList(LineList):
    """Paths with the letters that were typed lit."""

    can_focus = False

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="paths", glyphs=glyphs)
        self.names: Sequence[str] = ()
        self.here = 0
        """So many of the first paths are those of what is shown."""
        self.fits: Sequence[Fit] = ()

    def show(self, fits: Sequence[Fit]) -> None:
        """Takes other fits and goes to the best."""
        self.fits = fits
        self.set_count(len(fits), cursor=0)
        self.set_caption("Files", f"{grouped(len(fits))} of {grouped(len(self.names))}")

    @property
    def selected(self) -> int | None:
        """The index of the path under the cursor."""
        return self.fits[self.cursor].number if self.fits else None

    def row_key(self, index: int) -> Hashable | None:
        return index

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        fit = self.fits[index]
        note = f" {_HERE}" if fit.number < self.here else ""
        name = clip(self.names[fit.number], max(1, width - len(note) - 3), self.glyphs.ellipsis)
        lit = set(fit.at)
        plain, strong = self.paint("text"), self.paint("accent", bold=True)
        letters = [Segment(one, strong if at in lit else plain) for at, one in enumerate(name)]
        return [Segment(" "), *letters, Segment(note, self.paint("dim"))]


class JumpScreen(UnderEntry, ModalScreen["bytes | None"]):
    """The entry takes the keys; its result is a path, or None."""

    BINDINGS = bindings_for("seek", priority=True)
    _list: PathList
    HORIZONTAL_BREAKPOINTS = [(0, "-full"), (100, "-modal")]
    CSS = """
    JumpScreen { align: center middle; background: $background 70%; }
    JumpScreen:ansi { background: transparent; }
    JumpScreen #jump { width: 100%; height: 100%; background: $background; }
    JumpScreen.-modal #jump { width: 80%; max-width: 110; height: 80%; border: round $accent; }
    JumpScreen #jump-query { height: 1; border: none; padding: 0 1; background: $panel; }
    """

    def __init__(self, gateway: Gateway, glyphs: Glyphs, here: Sequence[bytes]) -> None:
        """`here`: the paths of what is shown."""
        super().__init__()
        self._gateway = gateway
        self._here = tuple(here)
        self._paths: Sequence[bytes] = self._here
        self._list = PathList(glyphs)
        self._entry = Entry(placeholder="letters of a path, in order", id="jump-query")
        self._footer = Footer()
        self._generations = count(1)
        self._generation = 0
        self._answered = 0
        """The newest look that was answered."""
        self._going = False
        """Enter came before the answer: the best of it is meant."""
        self._query = ""

    def compose(self) -> ComposeResult:
        from textual.containers import Vertical

        with Vertical(id="jump"):
            yield self._entry
            yield Pane("", self._list, id="jump-pane")
            yield self._footer

    def on_mount(self) -> None:
        """Lists what is shown, and has the paths of the history read."""
        self._entry.cursor_blink = False
        self._entry.focus()
        self._footer.show_hints(hints_for("seek"))
        self._list.here = len(self._here)
        self._take(self._here)
        load_paths(self._gateway, self.post_message)

    def _take(self, paths: Sequence[bytes]) -> None:
        self._paths = paths
        self._list.names = [printable(shown_path(path)) for path in paths]
        self._look()

    def on_paths_loaded(self, message: PathsLoaded) -> None:
        """What is shown stays first."""
        known = set(self._here)
        self._take((*self._here, *(path for path in message.paths if path not in known)))

    def on_input_changed(self, message: Input.Changed) -> None:
        """Other letters."""
        message.stop()
        if self._entry.value != self._query:
            self._going = False
            self._look()

    def _look(self) -> None:
        self._query = self._entry.value
        self._generation = next(self._generations)
        fit_paths(self._gateway, self.post_message, self._generation, self._query, self._list.names)

    def on_paths_fit(self, message: PathsFit) -> None:
        """Lists what fits, if it is still what is asked for."""
        if message.generation != self._generation:
            return
        self._answered = message.generation
        self._list.show(message.fits)
        if self._going:
            self._going = False
            self.action_go()

    def on_failed(self, message: Failed) -> None:
        """What is shown can be gone to all the same."""
        message.stop()
        self._footer.say(printable(message.error.message), "failed")

    def on_back_asked(self, message: BackAsked) -> None:
        """Leaves."""
        message.stop()
        self.dismiss(None)

    def action_go(self) -> None:
        """Leaves for the file under the cursor, once what is typed was looked for."""
        if self._entry.value != self._query:
            self._look()
        if self._answered != self._generation:
            self._going = True
            return
        at = self._list.selected
        if at is not None and at < len(self._paths):
            self.dismiss(self._paths[at])

    def action_leave_seek(self) -> None:
        """Leaves for where one was."""
        self.dismiss(None)
