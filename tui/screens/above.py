"""What all screens above the main one share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen

from stepwell.tui.keys.actions import Scope
from stepwell.tui.look.glyphs import UTF8


class Above(Screen[Any]):
    """A screen that is left once, however fast the keys come.

    Keys that follow the one that leaves are on their way to it already; acting on them, too, would
    close whatever lies below.
    """

    @property
    def help_scopes(self) -> Sequence[Scope]:
        """Whose keys work here, nearest first; empty where letters are text, and `?`, too."""
        return ()

    def action_help(self) -> None:
        """Lists the keys of this screen; enter runs one."""
        from stepwell.tui.screens.help import show_help

        show_help(self, self.help_scopes, getattr(self.app, "glyphs", UTF8))

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leaves with a result, if it is still the screen on top."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
