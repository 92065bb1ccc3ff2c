"""Looking through many steps, or many lines, on a thread that is not the screen's.

Results come as messages from time to time, the newest steps first, and the thread lets the screen
go first all the while. A newer search with the same purpose ends an older one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from textual.message import Message

from stepwell.tui.messages import LinesFound, Purpose, StepsFound
from stepwell.tui.model.difffind import find_lines
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import Step

if TYPE_CHECKING:
    from stepwell.tui.gateway import Source

_PAGE = 128
"""Steps that are read between two looks at whether anybody still waits."""
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
    wanted, newer_than, is_current = search.wanted, search.newer_than, search.is_current

    def paths(step: Step) -> Iterable[bytes]:
        for change in source.step_changes(step, hunks=False):
            yield change.path
            if change.old_path is not None:
                yield change.old_path

    found: list[Step] = []
    looked, carried, told, before = 0, 0, time.monotonic(), None
    more = True
    while more and is_current():
        page = source.steps(before_seq=before, limit=_PAGE, all_branches=True)
        fresh = [step for step in page if step.seq > newer_than]
        more = len(page) == _PAGE == len(fresh)
        for step in fresh:
            if not is_current():
                return
            if wanted.matches(step, paths):
                found.append(step)
        looked += len(fresh)
        before = page[-1].seq if page else None
        if not more or (time.monotonic() - told > _TELL_S and found) or looked == _PAGE:
            carry = found[: max(0, _CARRIED - carried)]
            carried += len(carry)
            seqs = [step.seq for step in found]
            post(StepsFound(search.purpose, search.generation, seqs, carry, looked, not more))
            found, told = [], time.monotonic()
        search.rest()


def search_lines(
    rows: DiffRows,
    needle: str,
    generation: int,
    is_current: IsCurrent,
    post: Post,
) -> None:
    """Posts LinesFound with the rows of a diff that hold a text."""
    gathered: list[int] = []
    told = time.monotonic()
    for found in find_lines(rows, needle):
        if not is_current():
            return
        gathered += found
        if time.monotonic() - told > _TELL_S:
            post(LinesFound(generation, gathered, last=False))
            gathered, told = [], time.monotonic()
        time.sleep(_REST_S)
    post(LinesFound(generation, gathered, last=True))


def load_steps(source: Source, seqs: Sequence[int]) -> list[Step]:
    """Returns the steps with these numbers."""
    found: list[Step] = []
    for seq in seqs:
        found += source.steps(before_seq=seq + 1, limit=1, all_branches=True)
    return [step for step in found if step.seq in set(seqs)]
