"""The keys in force as plain values, for the command line. Loads no screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.tui.keys.keymap import keymap
from stepwell.tui.keys.names import spelled


def listed(settings: Mapping[str, object]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Returns the actions as `name`, `scope`, `keys` and `does`, and what of the settings is left out."""
    found = keymap(settings)
    rows = [
        {
            "name": action.name,
            "scope": action.scope,
            "keys": [spelled(key) for key in action.keys],
            "does": action.title,
        }
        for action in found.actions
    ]
    return rows, found.problems
