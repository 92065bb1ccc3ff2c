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

    _left_with: Any = None
    """What it is to be left with as soon as it is on top again."""

    @property
    def help_scopes(self) -> Sequence[Scope]:
        """Whose keys work here, nearest first; empty where letters are text, and `?`, too."""
        return ()

    def action_help(self) -> None:
        """Lists the keys of this screen; enter runs one."""
        from stepwell.tui.screens.help import show_help

        show_help(self, self.help_scopes, getattr(self.app, "glyphs", UTF8))

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leaves with a result: at once, or where another screen lies above when that has gone."""
        if self.is_active:
            return super().dismiss(result)
        self._left_with = result
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        """Leaves with what came while another screen lay above."""
        if self._left_with is not None:
            self.dismiss(self._left_with)
