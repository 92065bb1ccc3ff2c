"""Whether texts are kept: the person's settings, asked at each event and read when they changed."""

from __future__ import annotations

import os
from pathlib import Path

from stepwell.store.engine.moved import GRAIN_NS, is_fresh
from stepwell.store.engine.scan import stamping_clock
from stepwell.store.model.errors import UsageError
from stepwell.store.service.log import Log
from stepwell.store.settings import keeps_text

_Mark = tuple[int, ...]


class KeepsText:
    """Tells whether prompts, inputs and results are stored; for any thread.

    Where the settings cannot be read no text is stored, as nobody could unsay it. That is logged
    once for each state of the file that can be told from others, else at each event.
    """

    def __init__(self, config: Path | None, log: Log) -> None:
        self._config = config
        self._log = log
        self._known: tuple[_Mark, bool] | None = None

    def __call__(self) -> bool:
        if self._config is None:
            return True
        mark = _mark(self._config)
        if self._known is not None and self._known[0] == mark:
            return self._known[1]
        keeps = self._read(self._config)
        self._known = None if mark is None else (mark, keeps)
        return keeps

    def _read(self, config: Path) -> bool:
        try:
            return keeps_text(config)
        except UsageError as error:
            self._log.write("error", {"code": error.code, "message": error.message})
            return False


def _mark(config: Path) -> _Mark | None:
    """Returns what tells this state of the file from any other; None when nothing does.

    Nothing does just after it was written: a second write could leave the same time stamps.
    """
    fresh_from = stamping_clock() - GRAIN_NS
    try:
        found = os.stat(config)
    except FileNotFoundError:
        return ()
    except OSError:
        return None
    if is_fresh(found.st_ctime_ns, found.st_mtime_ns, fresh_from):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
