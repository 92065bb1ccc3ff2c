"""Finds the screen by its entry points, so that nothing headless loads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.store.environment import (
    default_capture,
    default_config,
    session_folder,
    user_name,
)
from stepwell.store.model.errors import FailedError
from stepwell.store.settings import keeps_text, read_table

if TYPE_CHECKING:
    from stepwell.store.agents.transcripts.offers import Offers

GROUP = "stepwell.screens"


def load_screen(name: str) -> Any:
    """Returns what a screen offers under a name: `timeline` or `keys`.

    Raises:
        FailedError: no screen is installed.
    """
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise FailedError(
            f"the {name} cannot be shown: no screen is installed",
            hint="install stepwell whole, or use stepwell log",
        )
    return found[0].load()


def open_timeline(folder: bytes, home: Path) -> int:
    """Runs the screen over the workspace that holds `folder` until it is left.

    Raises:
        FailedError: no screen is installed.
        UsageError: the settings cannot be read.
    """
    keys, look = (read_table(default_config(), name) for name in ("keys", "screen"))
    run = load_screen("timeline")
    root = Path(os.fsdecode(folder))
    capture, by = default_capture(), user_name()
    given = {"config": capture, "by": by, "keys": keys, "weights": _weights, "offers": _offers}
    return int(run(root, home, look=look, **given) or 0)


def _offers() -> Offers:
    from stepwell.store.agents.transcripts.offers import Offers
    from stepwell.store.agents.transcripts.told import AGENTS

    folders = {agent: session_folder(agent) for agent in AGENTS}
    return Offers(folders, lambda: keeps_text(default_config()))


def _weights() -> Mapping[str, float]:
    from stepwell.store.experiments.weights import read_weights

    return read_weights(default_config())
