"""Delivering events to callbacks: from a queue, on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from blinker import ANY, Signal

from stepwell.store.model.events import Event

Callback = Callable[[Event], object]
Cancel = Callable[[], None]

_PAUSE_S = 0.1
"""How often the source is asked when nobody wakes the thread."""
_LAST_WORDS_S = 2.0

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class Source(Protocol):
    """Where events come from besides `publish`; asked on the bus's thread only."""

    def news(self) -> list[Event]:
        """Returns what happened since the last time; raises nothing."""

    def close(self) -> None:
        """Lets go of its files."""


class Bus:
    """One thread that delivers; a callback that is slow or fails delays only other callbacks.

    An exception of a callback goes to the logger of this module, and the callback stays.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._signals: dict[str, Signal] = {}
        self._queue: SimpleQueue[Event | None] = SimpleQueue()
        self._ending = False
        self._thread = Thread(target=self._run, name="stepwell-events", daemon=True)
        self._thread.start()

    def subscribe(self, name: str, callback: Callback) -> Cancel:
        """Has `callback` called with each event of that name (`*`: of any); returns what ends it."""
        signal = self._signals.setdefault(name, Signal())
        signal.connect(callback, weak=False)
        return lambda: signal.disconnect(callback)

    def publish(self, event: Event) -> None:
        """Delivers an event that no operation tells of; returns at once."""
        self._queue.put(event)

    def wake(self) -> None:
        """Has the source asked now rather than soon."""
        self._queue.put(None)

    def close(self) -> None:
        """Delivers what is left and ends; a callback that hangs is left behind after 2 seconds."""
        self._ending = True
        self.wake()
        self._thread.join(_LAST_WORDS_S)

    def _run(self) -> None:
        try:
            while not self._ending:
                event = self._next()
                self._deliver_all(self._source.news())
                if event is not None:
                    self._deliver(event)
            self._deliver_all([*self._source.news(), *self._left()])
        finally:
            self._source.close()

    def _next(self) -> Event | None:
        try:
            return self._queue.get(timeout=_PAUSE_S)
        except Empty:
            return None

    def _left(self) -> list[Event]:
        left = []
        while not self._queue.empty():
            event = self._queue.get()
            left += [event] if event is not None else []
        return left

    def _deliver_all(self, events: list[Event]) -> None:
        for event in events:
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        for name in (event.event, "*"):
            signal = self._signals.get(name)
            for callback in list(signal.receivers_for(ANY)) if signal else ():
                try:
                    callback(event)
                except Exception:
                    _log.exception("a subscriber of %s failed", event.event)
