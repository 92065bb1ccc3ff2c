"""A search through all texts on a thread that is not the screen's, told as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message

from stepwell.tui.messages import TextsFound
from stepwell.tui.model.hitrows import MOST
from stepwell.tui.values import StepwellError

if TYPE_CHECKING:
    from stepwell.tui.source import Source
    from stepwell.tui.values import Hit

_TELL_S = 0.1
"""Results, and how far the index is, are told this often."""

Post = Callable[[Message], object]


class TextSearch(NamedTuple):
    """What is looked for."""

    generation: int
    query: str
    now: datetime
    is_current: Callable[[], bool]
    """Whether anybody still waits."""
    rest: Callable[[], None]
    """Lets the screen go first."""


class _Dropped(Exception):
    """Nobody waits any more; raised where only the index is being made."""


class _Teller:
    """Gathers hits and posts them from time to time."""

    def __init__(self, search: TextSearch, post: Post) -> None:
        self._search = search
        self._post = post
        self._found: list[Hit] = []
        self._told = time.monotonic()

    def found(self, hit: Hit) -> None:
        """Takes a hit; raises _Dropped when nobody waits."""
        self._found.append(hit)
        self.look_up("searching")

    def progress(self, what: str, done: int, total: int) -> None:
        """Takes how far the index is; raises _Dropped when nobody waits."""
        self.look_up(f"{what} {done:,} of {total:,}" if total else f"{what} {done:,}")

    def look_up(self, doing: str) -> None:
        """Tells when it is time to, and lets the screen go first."""
        if not self._search.is_current():
            raise _Dropped
        if time.monotonic() - self._told > _TELL_S:
            self.tell(doing)
            self._search.rest()

    def tell(self, doing: str, *, last: bool = False, error: StepwellError | None = None) -> None:
        """Posts what was found since."""
        self._post(TextsFound(self._search.generation, self._found, doing, last, error))
        self._found, self._told = [], time.monotonic()


def search_texts(source: Source, search: TextSearch, post: Post) -> None:
    """Posts TextsFound until everything was looked through, or MOST places were found."""
    teller = _Teller(search, post)
    try:
        hits = source.search(search.query, search.now, progress=teller.progress)
        for hit in islice(hits, MOST):
            teller.found(hit)
        teller.tell("", last=True)
    except _Dropped:
        return
    except StepwellError as error:
        teller.tell("", last=True, error=error)
