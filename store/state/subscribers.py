"""Who wants to be told of what happens to state snapshots."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.store.model.errors import UsageError
from stepwell.store.model.ids import Clock
from stepwell.store.model.text import rfc3339

EVENTS = (
    "snapshot:created",
    "snapshot:deleted",
    "snapshot:cleanup",
    "automatic:started",
    "automatic:stopped",
    "import:completed",
    "error",
    "shutdown:complete",
)

Told = Mapping[str, Any]
"""`event`, `time` (RFC 3339), and facts by event."""

Callback = Callable[[Told], object]

_LOG = logging.getLogger("stepwell.state")
_LOG.addHandler(logging.NullHandler())


class Subscribers:
    """Calls back, in the thread in which something happened; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[tuple[str, Callback], ...] = ()

    def subscribe(self, event: str, callback: Callback) -> Callable[[], None]:
        """Has `callback` called at each such event; returns what ends that.

        Raises:
            UsageError: there is no such event.
        """
        if event not in EVENTS:
            raise UsageError(f"{event!r} is no event", hint=f"there are {', '.join(EVENTS)}")
        entry = (event, callback)
        with self._lock:
            self._known = (*self._known, entry)

        def leave() -> None:
            with self._lock:
                self._known = tuple(one for one in self._known if one is not entry)

        return leave

    def tell(self, event: str, **facts: Any) -> None:
        """Logs it and calls everyone who wants to know; what they raise goes no further."""
        level = logging.WARNING if event == "error" else logging.DEBUG
        _LOG.log(level, "%s %s", event, facts)
        told = {"event": event, "time": rfc3339(self._clock()), **facts}
        for wanted, callback in self._known:
            if wanted == event:
                try:
                    callback(told)
                except Exception:
                    _LOG.exception("a subscriber of %s failed", event)
