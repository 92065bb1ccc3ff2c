"""Sets of keys for hands that know other programs, in the words of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PRESETS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "default": {},
    "lazygit": {
        "everywhere.undo": ("z",),
        "everywhere.redo": ("Z", "ctrl+r"),
        "everywhere.zoom": ("x",),
        "list.to_top": ("<", "home"),
        "list.to_bottom": (">", "end"),
        "timeline.landmark_newer": ("{",),
        "timeline.landmark_older": ("}",),
        "timeline.compare": ("W", "c"),
        "review.experiment_back": (",",),
        "review.experiment_forward": (".",),
    },
}
