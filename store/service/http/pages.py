"""Timelines that were put together before, for as long as nothing happened since."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from stepwell.store.engine.journal import Journal, Moment, moment_of

_MOST_BYTES = 16 << 20


class Pages:
    """Answers by what was asked, each with the moment that it is as of.

    Used by the thread of the loop alone: looking whether the journal grew costs less there than
    asking another thread. What is ready in memory (L1) is told as it was at that moment.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._journal: Journal | None = None
        self._pages: dict[Hashable, tuple[Moment, bytes]] = {}
        self._bytes = 0

    def find(self, asked: Hashable, now: Moment) -> bytes | None:
        """Returns the answer; None when there is none of this moment."""
        found = self._pages.get(asked)
        return found[1] if found is not None and found[0] == now else None

    def keep(self, asked: Hashable, since: Moment, answer: bytes) -> None:
        """Takes an answer that was begun after a moment; all go when they are too much."""
        if self._bytes + len(answer) > _MOST_BYTES:
            self._pages.clear()
            self._bytes = 0
        before = self._pages.get(asked)
        self._bytes += len(answer) - (0 if before is None else len(before[1]))
        self._pages[asked] = (since, answer)

    def now(self) -> Moment:
        """Looks at the journal, and returns what an answer is compared with."""
        if self._journal is None:
            self._journal = Journal.open(self._store)
        self._journal.refresh()
        return moment_of(self._journal)

    def close(self) -> None:
        """Lets go of the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
