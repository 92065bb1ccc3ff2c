"""What a daemon counted of its work, as it last saved it; for a process without one."""

from __future__ import annotations

from pathlib import Path

from stepwell.store.engine.meters import Meters
from stepwell.store.state.persistence import newest_saved

FOLDER = "metrics"


def recall(store: Path, meters: Meters) -> str | None:
    """Fills meters with what the last daemon saved; returns when that was, None when nothing is there.

    Nothing is written.
    """
    saved = newest_saved(store / FOLDER)
    if saved is None:
        return None
    try:
        meters.restore(saved.data)
    except ValueError:
        return None
    return saved.timestamp
