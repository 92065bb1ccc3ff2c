"""Going through a history with a sieve, newest first, and reading only what it cannot settle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from stepwell.store.catalogue.shards import shard_of, step_of_text
from stepwell.store.catalogue.sieve import MAYBE, NO, Sieve
from stepwell.store.catalogue.state import State
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step

STRETCH = 2_000
"""Steps that are looked at between two results at most ..."""
READS = 128
"""... and steps that are read, which takes much longer: whoever waits may give up meanwhile."""


class Sifted(NamedTuple):
    """What of one stretch of the history fits a filter."""

    seqs: list[int]
    """Newest first."""
    looked: int
    """How many steps the stretch has."""


class Sifting:
    """One filter on its way through one state of the catalogue."""

    def __init__(
        self,
        state: State,
        sieve: Sieve,
        fits: Callable[[Step], bool],
        whole: Callable[[Step | None, StepId], Step],
        mutex: AbstractContextManager[object],
    ) -> None:
        """`whole` gives the step with an id where the files lack it; `mutex` guards the files."""
        self._state = state
        self._sieve = sieve
        self._fits = fits
        self._whole = whole
        self._mutex = mutex
        self._read = 0
        self._shard = -1
        self._texts: Mapping[int, bytes] = {}

    def stretches(self, newer_than: int) -> Iterator[Sifted]:
        """Yields what fits, stretch by stretch, of the steps above a number."""
        graph = self._state.graph
        high, low = len(graph), graph.row_at(newer_than + 1)
        while high > low:
            start = max(low, high - STRETCH)
            verdicts = self._sieve.verdicts(start, high)
            seqs: list[int] = []
            self._read, looked = 0, high
            for row in range(high - 1, start - 1, -1):
                if self._is_let(row, verdicts[row - start]):
                    seqs.append(graph.seqs[row])
                if self._read >= READS:
                    yield Sifted(seqs, looked - row)
                    self._read, looked, seqs = 0, row, []
            yield Sifted(seqs, looked - start)
            high = start

    def _is_let(self, row: int, verdict: int) -> bool:
        if verdict != MAYBE:
            return verdict != NO
        text = self._text(self._state.graph.seqs[row])
        if text is not None and not self._sieve.may_fit(row, text):
            return False
        self._read += 1
        step = step_of_text(text) if text is not None else None
        return self._fits(self._whole(step, self._state.graph.id_of(row)))

    def _text(self, seq: int) -> bytes | None:
        shard = shard_of(seq)
        if shard != self._shard:
            with self._mutex:
                self._shard, self._texts = shard, self._state.shards.texts(shard)
        return self._texts.get(seq)
