"""The daemon's metrics across its restarts: memory of a process, in a folder of the store.

They say how long things took, and nothing that anybody could rely on; leases are never among them.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from stepwell.store.engine.meters import Meters
from stepwell.store.model.reports import Timing
from stepwell.store.service.log import Log
from stepwell.store.state.meterfile import FOLDER, recall
from stepwell.store.state.persistence import MemoryPersistence
from stepwell.store.workspace import Workspace

_LOGGER = logging.getLogger("stepwell.persistence")


@asynccontextmanager
async def kept_metrics(workspace: Workspace, interval_ms: int, log: Log) -> AsyncIterator[None]:
    """Loads the metrics of the daemon before, and saves them at the interval and at the end.

    What goes wrong is in the log, and keeps no daemon from its work. The signals are the daemon's:
    it ends in good order on them, and that saves.
    """
    told = _ToLog(log)
    _LOGGER.addHandler(told)
    kept = MemoryPersistence(
        workspace.meters, workspace.store / FOLDER, interval_ms=interval_ms, handle_signals=False
    )
    try:
        async with kept:
            yield
    finally:
        _LOGGER.removeHandler(told)


class Timed(Protocol):
    """What of a Workspace tells how long things take."""

    @property
    def store(self) -> Path: ...
    def link(self) -> object | None: ...
    def timings(self) -> tuple[Timing, ...]: ...


def last_timings(workspace: Timed) -> tuple[Timing, ...]:
    """Returns how long a daemon's work takes: of the one that runs, else of the last one."""
    if workspace.link() is not None:
        return workspace.timings()
    meters = Meters()
    recall(workspace.store, meters)
    return meters.timings()


class _ToLog(logging.Handler):
    """Passes on what was refused or failed."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.write("error", {"metrics": record.getMessage()})
