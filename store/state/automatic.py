"""Snapshots of sessions at an interval, one thread each."""

from __future__ import annotations

import threading
from collections.abc import Callable

from stepwell.store.state.ticker import Ticker


class Automatic:
    """Which sessions are being snapshotted; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickers: dict[str, Ticker] = {}

    def start(self, session: str, interval_ms: int, action: Callable[[], object]) -> bool:
        """Calls `action` at an interval; False when the session had one, which goes on."""
        with self._lock:
            if session in self._tickers:
                return False
            ticker = Ticker(interval_ms / 1000, action, f"stepwell-state-{session}"[:40])
            self._tickers[session] = ticker
            ticker.start()
            return True

    def stop(self, session: str) -> bool:
        """Ends it, and waits for a snapshot under way; False when there was none to end."""
        with self._lock:
            ticker = self._tickers.pop(session, None)
        if ticker is None:
            return False
        ticker.stop()
        return True

    @property
    def sessions(self) -> tuple[str, ...]:
        """The sessions that are being snapshotted."""
        with self._lock:
            return tuple(self._tickers)
