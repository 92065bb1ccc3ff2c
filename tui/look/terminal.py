"""Roles as a terminal's own sixteen colours, on its own ground, which may be a picture or glass.

What the colours are is the person's choice, so only those are used for text that schemes keep
legible: no blue, no black on dark grounds; no yellow, cyan, white or bright one on light grounds;
nowhere the bright black, which is some schemes' ground. What is to stand back is dim instead.
"""

from __future__ import annotations

from collections.abc import Mapping

FAINT = frozenset(("dim", "quiet", "faint", "save", "bar_away", "comment", "doc"))
"""Roles that are drawn dim."""

_OWN = dict.fromkeys(
    ("ground", "panel", "wash", "wash_away", "bar_away", "text", "strong", "dim", "quiet", "faint",
     "save"),
    "default",
)  # fmt: skip
_CHANGES = {
    "added": "green",
    "deleted": "red",
    "added_ground": "green",
    "deleted_ground": "red",
    "added_word": "green",
    "deleted_word": "red",
    "ok": "green",
    "failed": "red",
    "gap": "red",
    "hit": "yellow",
    "spark": "green",
}

TERMINAL_DARK: Mapping[str, str] = {
    **_OWN,
    **_CHANGES,
    "bar": "cyan",
    "accent": "cyan",
    "you": "yellow",
    "tool": "cyan",
    "bash": "magenta",
    "back": "yellow",
    "outside": "magenta",
    "warning": "yellow",
    "label": "yellow",
    "note": "magenta",
    "tag": "green",
    "branch": "cyan",
    "hunk": "cyan",
    "lane0": "cyan",
    "lane1": "green",
    "lane2": "magenta",
    "lane3": "yellow",
    "lane4": "bright_green",
    "lane5": "bright_magenta",
}

TERMINAL_LIGHT: Mapping[str, str] = {
    **_OWN,
    **_CHANGES,
    "bar": "blue",
    "accent": "blue",
    "you": "magenta",
    "tool": "blue",
    "bash": "magenta",
    "back": "magenta",
    "outside": "magenta",
    "warning": "magenta",
    "label": "magenta",
    "note": "blue",
    "tag": "green",
    "branch": "blue",
    "hunk": "blue",
    "lane0": "blue",
    "lane1": "green",
    "lane2": "magenta",
    "lane3": "red",
    "lane4": "default",
    "lane5": "blue",
}
