"""How diffs are shown: what a person chose, the same in every pane that shows one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepwell.tui.keys.actions import key_of

SPLIT_CELLS = 140
"""From this width on a diff has two sides, unless a person chose otherwise."""
LEAST_SPLIT_CELLS = 50
LEAST_WRAP_CELLS = 8
CONTEXT = 3

Split = Literal["auto", "on", "off"]


@dataclass(slots=True)
class DiffChoices:
    """Owned by the screen's thread."""

    split: Split = "auto"
    wrap: bool = False
    ignore_space: bool = False
    context: int = CONTEXT
    """Unchanged lines around each change."""

    def is_split(self, width: int) -> bool:
        """Tells whether a diff of so many cells has two sides."""
        if width < LEAST_SPLIT_CELLS or self.split == "off":
            return False
        return self.split == "on" or width >= SPLIT_CELLS

    def toggle_split(self, width: int) -> str:
        """Shows two sides where there is one, and the other way round; returns what to say."""
        if width < LEAST_SPLIT_CELLS:
            zoom = key_of("everywhere.zoom")
            return f"two sides need {LEAST_SPLIT_CELLS} columns: {zoom} zooms this pane"
        self.split = "off" if self.is_split(width) else "on"
        return ""
