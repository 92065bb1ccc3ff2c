"""Timelines that were put together before, for as long as nothing happened since."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from stepwell.store.engine.journal import Journal

_MOST_BYTES = 16 << 20


class Pages:
    """Answers by what was asked, each with the number of the operation that it is as of.

    Used by the thread of the loop alone: looking whether the journal grew costs less there than
    asking another thread.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._journal: Journal | None = None
        self._pages: dict[Hashable, tuple[int, bytes]] = {}
        self._bytes = 0

    def find(self, asked: Hashable) -> bytes | None:
        """Returns the answer; None when there is none that is true still."""
        found = self._pages.get(asked)
        if found is None or found[0] != self._newest():
            return None
        return found[1]

    def keep(self, asked: Hashable, number: int, answer: bytes) -> None:
        """Takes an answer that is as of an operation; all go when they are too much."""
        if self._bytes + len(answer) > _MOST_BYTES:
            self._pages.clear()
            self._bytes = 0
        self._bytes += len(answer) - len(self._pages.get(asked, (0, b""))[1])
        self._pages[asked] = (number, answer)

    def _newest(self) -> int:
        if self._journal is None:
            self._journal = Journal.open(self._store)
        self._journal.refresh()
        return self._journal.last_number

    def close(self) -> None:
        """Lets go of the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
