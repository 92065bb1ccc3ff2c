"""The daemon's log: one JSON object a line, in the store, in two files of at most 1 MB."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

from stepwell.store.model.events import Event
from stepwell.store.model.ids import Clock
from stepwell.store.model.text import printable, rfc3339

NAME = "daemon.log"
_BYTES = 1_000_000


class Log:
    """Appends lines. A log that cannot be written is never a reason to fail."""

    def __init__(self, store: Path, clock: Clock, name: str = NAME) -> None:
        self._clock = clock
        self._handler = _Quiet(store / name, maxBytes=_BYTES, backupCount=1, delay=True)

    def write(self, event: str, facts: Mapping[str, object] | None = None) -> None:
        """Appends a line: event, time and the facts, of which texts are made harmless."""
        line = {"event": event, "time": rfc3339(self._clock()), **(facts or {})}
        clean = {k: printable(v) if isinstance(v, str) else v for k, v in line.items()}
        text = json.dumps(clean, default=str)
        self._handler.handle(logging.makeLogRecord({"msg": text}))

    def tell(self, event: Event) -> None:
        """Appends the line of an event."""
        plain = {"workspace": event.workspace, "session": event.session, "step": event.step}
        self.write(event.event, {**plain, **event.facts})

    def close(self) -> None:
        """Closes the file."""
        self._handler.close()


class _Quiet(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Drops the line: the disk is full, or the store is gone."""
