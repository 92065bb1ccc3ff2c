"""Opens the timeline's screen by its entry point, so that nothing headless loads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from stepwell.store.environment import default_capture, default_config, user_name
from stepwell.store.model.errors import FailedError

GROUP = "stepwell.screens"


def open_timeline(folder: bytes, home: Path) -> int:
    """Runs the screen over the workspace that holds `folder` until it is left.

    Raises:
        FailedError: no screen is installed.
    """
    found = list(entry_points(group=GROUP, name="timeline"))
    if not found:
        raise FailedError(
            "the timeline cannot be opened: no screen is installed",
            hint="install stepwell whole, or use stepwell log",
        )
    run = found[0].load()
    root = Path(os.fsdecode(folder))
    told = run(root, home, config=default_capture(), by=user_name(), weights=_weights)
    return int(told or 0)


def _weights() -> Mapping[str, float]:
    from stepwell.store.experiments.weights import read_weights

    return read_weights(default_config())
