"""The two Textual themes, made from the palettes. The only module here that needs Textual."""

from __future__ import annotations

from textual.theme import Theme

from stepwell.tui.look.palette import DARK, LIGHT, Palette


def _theme(name: str, palette: Palette, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=palette["accent"],
        secondary=palette["lane1"],
        accent=palette["accent"],
        warning=palette["warning"],
        error=palette["failed"],
        success=palette["ok"],
        foreground=palette["text"],
        background=palette["ground"],
        surface=palette["ground"],
        panel=palette["panel"],
        dark=dark,
        variables={
            "faint": palette["faint"],
            "dim": palette["dim"],
            "wash": palette["wash"],
            "scrollbar": palette["faint"],
            "scrollbar-hover": palette["bar_away"],
            "scrollbar-active": palette["accent"],
            "scrollbar-background": palette["ground"],
            "scrollbar-background-hover": palette["ground"],
            "scrollbar-background-active": palette["ground"],
        },
    )


STEPWELL = _theme("stepwell", DARK, True)
STEPWELL_LIGHT = _theme("stepwell-light", LIGHT, False)

THEMES = {STEPWELL.name: "dark", STEPWELL_LIGHT.name: "light"}
"""What each is, in a word."""
