"""Looking through many steps, or many lines, on a thread that is not the screen's.

Results come as messages from time to time, the newest steps first, and the thread lets the screen
go first all the while. A newer search with the same purpose ends an older one.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from textual.message import Message

from stepwell.tui.messages import LinesFound, Purpose, StepsFound
from stepwell.tui.model.difffind import find_lines
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import Step

if TYPE_CHECKING:
    from stepwell.tui.source import Source

_CARRIED = 256
"""Found steps that go with the numbers: what a screen shows first."""
_TELL_S = 0.15
"""Results are told this often."""
_REST_S = 0.001

Post = Callable[[Message], object]
IsCurrent = Callable[[], bool]


class Wanted(Protocol):
    """A parsed filter."""

    def matches(self, step: Step, paths: Callable[[Step], Iterable[bytes]]) -> bool:
        """Tells whether a step, its checkpoint folded in, is let through."""


class Search(NamedTuple):
    """What is looked for."""

    purpose: Purpose
    generation: int
    wanted: Wanted
    newer_than: int
    """Only steps above this number are looked at."""
    is_current: IsCurrent
    """Whether anybody still waits."""
    rest: Callable[[], None]
    """Lets the screen go first."""


def search_steps(source: Source, search: Search, post: Post) -> None:
    """Posts StepsFound with the steps that are let through, in parts."""
    found: list[int] = []
    looked, carried, told = 0, 0, 0.0

    def tell(last: bool) -> None:
        nonlocal found, carried, told
        steps = load_steps(source, found[: max(0, _CARRIED - carried)])
        carried += len(steps)
        post(StepsFound(search.purpose, search.generation, found, steps, looked, last))
        found, told = [], time.monotonic()

    for part in source.find_steps(search.wanted, newer_than=search.newer_than):
        if not search.is_current():
            return
        found += part.seqs
        looked += part.looked
        if found and time.monotonic() - told > _TELL_S:
            tell(last=False)
        search.rest()
    if search.is_current():
        tell(last=True)


def search_lines(
    rows: DiffRows,
    needle: str,
    generation: int,
    is_current: IsCurrent,
    post: Post,
) -> None:
    """Posts LinesFound with the rows of a diff that hold a text."""
    gathered = array("i")
    told = time.monotonic()
    for found in find_lines(rows, needle):
        if not is_current():
            return
        gathered += found
        if time.monotonic() - told > _TELL_S:
            post(LinesFound(generation, gathered, last=False))
            gathered, told = array("i"), time.monotonic()
        time.sleep(_REST_S)
    post(LinesFound(generation, gathered, last=True))


def load_steps(source: Source, seqs: Sequence[int]) -> list[Step]:
    """Returns the steps with these numbers."""
    found: list[Step] = []
    for seq in seqs:
        found += source.steps(before_seq=seq + 1, limit=1, all_branches=True)
    return [step for step in found if step.seq in set(seqs)]
