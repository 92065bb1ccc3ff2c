"""Events from the journal: every process that follows it sees the operations of all."""

from __future__ import annotations

from pathlib import Path

from stepwell.store.engine.journal import Journal
from stepwell.store.events.derive import events_of
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.events import Event

_RENEW_AFTER = 2_000
"""Operations after which the journal is opened anew, which frees memory and files gathered."""


class JournalFollower:
    """The operations above `after`, as they come. Used by one thread, which closes it."""

    def __init__(self, store: Path, workspace: str, after: int) -> None:
        self._store = store
        self._workspace = workspace
        self._after = after
        self._renewed = after
        self._journal: Journal | None = None

    def news(self) -> list[Event]:
        found: list[Event] = []
        try:
            if self._journal is None:
                self._journal = Journal.open(self._store)
            self._journal.refresh()
            for operation in self._journal.operations(self._after):
                found.extend(events_of(operation, self._workspace))
                self._after = operation.number
            if self._after >= self._renewed + _RENEW_AFTER:
                self._renewed = self._after
                self.close()
        except StepwellError:
            # Damaged or gone: verify is there to say so. What was found is told all the same.
            self.close()
        return found

    def close(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()
