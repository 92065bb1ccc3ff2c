"""`?`: what the keys do here, searchable, made from the one action table. Enter runs a row."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from stepwell.tui.keys.action import CHANGING
from stepwell.tui.keys.actions import Action, Scope, key_of
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.keys.helprows import HelpRow, help_rows
from stepwell.tui.look.fit import clip, fit
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import BackAsked, CursorMoved, Refused, RowOpened
from stepwell.tui.screens.above import Above
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.sentence import Sentence

_KEYS_CELLS = 14


class HelpList(LineList):
    """Draws help rows; the cursor passes over headings."""

    can_focus = False

    def __init__(self, rows: Sequence[HelpRow], glyphs: Glyphs) -> None:
        super().__init__(id="help-list", glyphs=glyphs)
        self.rows = rows

    def show_rows(self, rows: Sequence[HelpRow]) -> None:
        """Takes other rows and goes to the first action."""
        self.rows = rows
        self.set_count(len(rows), cursor=min(1, max(0, len(rows) - 1)))
        actions = sum(row.action is not None for row in rows)
        self.set_caption("Keys", f"{actions}")

    @property
    def selected(self) -> Action | None:
        """The action under the cursor."""
        return self.rows[self.cursor].action if self.rows else None

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.rows[index]
        if row.action is None:
            return [Segment(row.title, self.paint("dim", bold=True))]
        room = max(1, width - _KEYS_CELLS - 4)
        return [
            Segment("  " + fit(row.keys, _KEYS_CELLS), self.paint("accent", bold=True)),
            Segment("  " + clip(row.title, room, self.glyphs.ellipsis), self.paint("text")),
        ]

    def row_key(self, index: int) -> Hashable | None:
        row = self.rows[index]
        return row.keys, row.title

    def can_stand_on(self, index: int) -> bool:
        return self.rows[index].action is not None


class HelpScreen(Above, ModalScreen[Action | None]):
    """Lists the keys of some scopes; its result is the action to run, or None."""

    BINDINGS = [
        *bindings_for("help", priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-full"), (100, "-modal")]
    CSS = """
    HelpScreen { align: center middle; background: $background 70%; }
    HelpScreen:ansi { background: transparent; }
    HelpScreen #help { width: 100%; height: 100%; background: $background; }
    HelpScreen.-modal #help { width: 88; height: 86%; padding: 0 1; border: round $accent; }
    HelpScreen #help-query {
        height: 1; border: none; padding: 0 1; margin-bottom: 1; background: $panel;
    }
    HelpScreen #help-keys { padding: 0 1; }
    """

    def __init__(
        self, scopes: Sequence[Scope], glyphs: Glyphs, below: Screen[Any] | None = None
    ) -> None:
        """`below`: what of the scopes only a screen can do is listed if this one can."""
        super().__init__()
        self._scopes = scopes
        self._below = below
        self._list = HelpList((), glyphs)
        self._keys = Sentence(id="help-keys")

    def compose(self) -> ComposeResult:
        with Vertical(id="help"):
            yield Entry(placeholder="type to search keys", id="help-query")
            yield Pane("", self._list, id="help-pane")
            yield self._keys

    def on_mount(self) -> None:
        """Shows everything."""
        self._show("")
        self._keys.keys([("enter", "run"), ("↑ ↓", "choose"), ("esc", "back")])
        self.query_one(Input).focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filters."""
        message.stop()
        self._show(message.value)

    def _show(self, query: str) -> None:
        self._list.show_rows(help_rows(self._scopes, query, self._can))

    def _can(self, action: Action) -> bool:
        known = self._below is None or hasattr(self._below, _method(action))
        return known or not action.of_screen

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Nothing else follows the cursor."""
        message.stop()

    def on_row_opened(self, message: RowOpened) -> None:
        """A second click runs a row."""
        message.stop()
        self.action_run()

    def on_back_asked(self, message: BackAsked) -> None:
        """Leaves."""
        message.stop()
        self.dismiss(None)

    def action_up(self) -> None:
        """Previous row."""
        self._list.action_cursor_up()

    def action_down(self) -> None:
        """Next row."""
        self._list.action_cursor_down()

    def action_run(self) -> None:
        """Leaves with the action to run."""
        self.dismiss(self._list.selected)

    def action_close(self) -> None:
        """Leaves."""
        self.dismiss(None)


def show_help(screen: Screen[Any], scopes: Sequence[Scope], glyphs: Glyphs) -> None:
    """Lists the keys of some scopes above a screen, and runs the one that is chosen there.

    What changes something is run by its own key alone, in sight of what it is about.
    """

    def chosen(action: Action | None) -> None:
        if action is None:
            return
        if action.name in CHANGING:
            screen.post_message(Refused(f"press {key_of(action.name)} in the {action.scope}"))
        else:
            screen.call_later(perform, screen, action)

    screen.app.push_screen(HelpScreen(scopes, glyphs, screen), chosen)


def _method(action: Action) -> str:
    return f"action_{action.id.partition('(')[0]}"


async def perform(screen: Screen[object], action: Action) -> None:
    """Runs an action where its key would have: in the focused widget, else in the screen.

    Nothing is run where an answer that came meanwhile has led away from the screen.
    """
    if not screen.is_active:
        return
    places: list[DOMNode] = [screen] if action.of_screen else []
    if screen.focused is not None:
        places += [screen.focused, *screen.focused.ancestors]
    for place in (*places, screen):
        if hasattr(place, _method(action)):
            await screen.app.run_action(action.id, place)
            return
