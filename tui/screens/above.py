"""What all screens above the main one share."""

from __future__ import annotations

from typing import Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen


class Above(Screen[Any]):
    """A screen that is left once, however fast the keys come.

    Keys that follow the one that leaves are on their way to it already; acting on them, too, would
    close whatever lies below.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leaves with a result, if it is still the screen on top."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
