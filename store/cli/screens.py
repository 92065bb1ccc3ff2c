"""Opens the timeline's screen by its entry point, so that nothing headless loads it."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from pathlib import Path

from stepwell.store.environment import default_capture, user_name
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
    return int(run(Path(os.fsdecode(folder)), home, config=default_capture(), by=user_name()) or 0)
