"""The Textual themes, made from the palettes. The only module here that needs Textual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual.theme import BUILTIN_THEMES, Theme

from stepwell.tui.look.palette import DARK, LIGHT, Palette
from stepwell.tui.look.terminal import TERMINAL_DARK, TERMINAL_LIGHT


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


def _terminal_theme(name: str, palette: Palette, framework: str) -> Theme:
    """A theme of the terminal's own colours; lines and bars, which are no text, are blue."""
    own = {role: f"ansi_{colour}" for role, colour in palette.items()}
    made = _theme(name, own, BUILTIN_THEMES[framework].dark)
    made.ansi, made.boost = True, own["ground"]
    lines = {"scrollbar": "ansi_blue", "scrollbar-hover": "ansi_blue", "faint": "ansi_blue"}
    made.variables = {**BUILTIN_THEMES[framework].variables, **made.variables, **lines}
    return made


STEPWELL = _theme("stepwell", DARK, True)
STEPWELL_LIGHT = _theme("stepwell-light", LIGHT, False)
STEPWELL_ANSI = _terminal_theme("stepwell-ansi", TERMINAL_DARK, "ansi-dark")
STEPWELL_ANSI_LIGHT = _terminal_theme("stepwell-ansi-light", TERMINAL_LIGHT, "ansi-light")

ALL = (STEPWELL, STEPWELL_LIGHT, STEPWELL_ANSI, STEPWELL_ANSI_LIGHT)
THEMES = dict(
    zip((theme.name for theme in ALL), ("dark", "light", "ansi", "ansi-light"), strict=True)
)
"""What each is called in the settings and by the footer."""


class Look(NamedTuple):
    """What a `[screen]` table says."""

    theme: str | None
    """None: nothing."""
    differ: str
    """Empty: nothing."""
    problems: tuple[str, ...]
    """What of it was left out, a sentence each."""


def read_look(table: Mapping[str, object]) -> Look:
    """Returns what a person's `[screen]` table says."""
    known = ("theme", "differ")
    problems = [f"there is no setting {key} of [screen]" for key in table if key not in known]
    word = table.get("theme")
    name = next((name for name, called in THEMES.items() if called == word), None)
    if word is not None and name is None:
        problems.append(f"there is no theme {word}; there are {', '.join(THEMES.values())}")
    differ = table.get("differ", "")
    if not isinstance(differ, str):
        problems.append("the differ of [screen] must be a command")
    return Look(name, differ if isinstance(differ, str) else "", tuple(problems))
