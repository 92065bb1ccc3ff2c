"""How much room there is: under the size limit of the policy, and on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.model.tiering import Room


def room_of(store: Path, history: int, limit: int | None) -> Room:
    """Returns the room of a store whose history takes `history` bytes, of at most `limit`.

    Raises:
        FailedError: the disk does not say.
    """
    try:
        found = os.statvfs(store)
    except OSError as error:
        raise system_error(error, "asking for the room on the disk of", store) from error
    return Room(history, limit, found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
