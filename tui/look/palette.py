"""Colours by role, for a dark and a light ground, and with a terminal's own; a test holds contrast.

Meaning is never carried by colour alone: signs, words and glyphs say the same, so that NO_COLOR
and monochrome terminals lose nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rich.style import Style

from stepwell.tui.look import syntax
from stepwell.tui.look.terminal import FAINT, TERMINAL_DARK, TERMINAL_LIGHT

Palette = Mapping[str, str]
"""Role -> `#rrggbb`, or the name of one of a terminal's own colours."""

LANES = ("lane0", "lane1", "lane2", "lane3", "lane4", "lane5")
"""Roles of the graph's columns, repeated beyond the last; lane 0 is the current branch."""

DARK: Palette = {
    "ground": "#14171c",
    "panel": "#1a1e25",
    "wash": "#262d3a",
    "wash_away": "#1d222b",
    "bar": "#7fb4ff",
    "bar_away": "#4b5568",
    "text": "#d6dbe5",
    "strong": "#f2f5fa",
    "dim": "#8e97a7",
    "quiet": "#6d7789",
    "faint": "#3a424f",
    "accent": "#7fb4ff",
    "you": "#e9c46a",
    "tool": "#86c5da",
    "bash": "#b8a4e8",
    "back": "#f0a36b",
    "save": "#8e97a7",
    "gap": "#ff7b7b",
    "outside": "#d99fc4",
    "ok": "#8fd19e",
    "failed": "#ff7b7b",
    "warning": "#f0c36b",
    "label": "#f2cf63",
    "note": "#c9b2ff",
    "tag": "#8fc7c0",
    "branch": "#9ec3ff",
    "added": "#86cf93",
    "deleted": "#f28b82",
    "added_ground": "#16261c",
    "deleted_ground": "#2b191c",
    "added_word": "#24512f",
    "deleted_word": "#5e272c",
    "hunk": "#86a7d6",
    "hit": "#e9c46a",
    "spark": "#54847a",
    "lane0": "#7fb4ff",
    "lane1": "#7fcfb6",
    "lane2": "#d9a0e0",
    "lane3": "#e6b673",
    "lane4": "#9fc97a",
    "lane5": "#f09aa5",
}

LIGHT: Palette = {
    "ground": "#fbfbf9",
    "panel": "#f1f1ed",
    "wash": "#e2e8f3",
    "wash_away": "#eeeeea",
    "bar": "#1f5fbf",
    "bar_away": "#a3a8b0",
    "text": "#22262d",
    "strong": "#0b0d10",
    "dim": "#5d6470",
    "quiet": "#7d838d",
    "faint": "#cfd1cf",
    "accent": "#1f5fbf",
    "you": "#7d5600",
    "tool": "#0b6478",
    "bash": "#6341ad",
    "back": "#a1480b",
    "save": "#5d6470",
    "gap": "#b3261e",
    "outside": "#97316f",
    "ok": "#1c6b33",
    "failed": "#b3261e",
    "warning": "#7d5600",
    "label": "#7a5900",
    "note": "#6341ad",
    "tag": "#17655c",
    "branch": "#1f5fbf",
    "added": "#1c6b33",
    "deleted": "#b3261e",
    "added_ground": "#e7f5e9",
    "deleted_ground": "#fcebea",
    "added_word": "#b5e3bd",
    "deleted_word": "#f6c1bd",
    "hunk": "#3b5f94",
    "hit": "#8a5a00",
    "spark": "#6f9c90",
    "lane0": "#1f5fbf",
    "lane1": "#0f6b57",
    "lane2": "#8a2f94",
    "lane3": "#8f5b00",
    "lane4": "#4a6a12",
    "lane5": "#ad2f42",
}


class Paint:
    """Rich styles by role for one palette; styles are made once and kept."""

    solid = False
    """A selected row has one colour from end to end."""

    def __init__(self, palette: Palette, code: Palette) -> None:
        """`code` has the colours of syntax."""
        self.palette = palette
        self._code = code
        self._made: dict[tuple[str, str | None, bool], Style] = {}
        self._lines: dict[tuple[str, str, bool], Style] = {}

    def __call__(self, role: str, on: str | None = None, *, bold: bool = False) -> Style:
        """Returns the style for `role`, on the ground of role `on` (None: what lies below)."""
        key = (role, on, bold)
        style = self._made.get(key)
        if style is None:
            style = self._made[key] = self._make(role, on, bold)
        return style

    def code(self, role: str, line: str = "", *, strong: bool = False) -> Style:
        """Returns the style of a syntax role on a line that is `added`, `deleted` or neither.

        `strong`: the line's counterpart lacks it.
        """
        key = (role, line, strong)
        style = self._lines.get(key)
        if style is None:
            style = self._lines[key] = self._make_code(role, line, strong)
        return style

    def _make(self, role: str, on: str | None, bold: bool) -> Style:
        ground = self.palette[on] if on else None
        return Style(color=self.palette[role], bgcolor=ground, bold=bold or None)

    def _make_code(self, role: str, line: str, strong: bool) -> Style:
        return Style(
            color=self._code[role], bgcolor=self.palette[f"{line}_word"] if strong else None
        )


class TerminalPaint(Paint):
    """With a terminal's own colours only, on its own ground: attributes do what grounds do elsewhere.

    What is selected, and what a changed line's counterpart lacks, has ground and text swapped,
    which can be read whatever the two are; a changed line has one colour.
    """

    solid = True

    def _make(self, role: str, on: str | None, bold: bool) -> Style:
        colour, faint = self.palette[role], role in FAINT or None
        heavy = bold or None
        if on == "hit":
            return Style(
                color="black", bgcolor=self.palette[on], underline=True, dim=False, reverse=False
            )
        if role in ("bar", "bar_away"):
            return Style(color=colour, dim=faint, bold=heavy, reverse=False)
        if on == "wash":
            return Style(color=self.palette[on], bold=heavy, dim=False, reverse=True)
        if on == "wash_away":
            return Style(color=colour, bold=True)
        if on is not None and on.endswith("_ground") and role == "text":
            colour = self.palette[on]
        return Style(color=colour, dim=faint, bold=heavy)

    def _make_code(self, role: str, line: str, strong: bool) -> Style:
        if line:
            return Style(color=self.palette[line], reverse=strong or None)
        return Style(color=self._code[role], dim=role in FAINT or None)


class Themed(Protocol):
    """What is needed of a theme."""

    name: str
    dark: bool


DARK_PAINT = Paint(DARK, syntax.DARK)
LIGHT_PAINT = Paint(LIGHT, syntax.LIGHT)
TERMINAL_DARK_PAINT = TerminalPaint(TERMINAL_DARK, syntax.TERMINAL_DARK)
TERMINAL_LIGHT_PAINT = TerminalPaint(TERMINAL_LIGHT, syntax.TERMINAL_LIGHT)

_PAINTS = {"stepwell-ansi": TERMINAL_DARK_PAINT, "stepwell-ansi-light": TERMINAL_LIGHT_PAINT}


def paint_for(theme: Themed) -> Paint:
    """Returns the shared paint of a theme; a foreign one gets that of its ground."""
    return _PAINTS.get(theme.name) or (DARK_PAINT if theme.dark else LIGHT_PAINT)
