"""Telling a program when going back changed the state that it keeps beside its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.statedocs import Documents, documents_of
from stepwell.store.model.events import Event
from stepwell.store.model.ids import StepId

StateCallback = Callable[[Documents], object]


class StateFollower:
    """Called with the events of rollbacks; passes on a session's documents when they are others now."""

    def __init__(self, store: Path, session: str | None, callback: StateCallback) -> None:
        self._store = store
        self._session = session
        self._callback = callback

    def __call__(self, event: Event) -> None:
        """Reads the state before and after, on the thread that delivers the event."""
        journal = Journal.open(self._store)
        try:
            before = self._documents(journal, event.facts["before"])
            after = self._documents(journal, event.step)
        finally:
            journal.close()
        if before != after:
            self._callback(after)

    def _documents(self, journal: Journal, step: StepId | None) -> Documents:
        return (
            {} if step is None else documents_of(journal, journal.step(step).state, self._session)
        )
