"""Looking through a history on another thread's behalf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepwell.tui.feed.pause import BURST_S, Pause
from stepwell.tui.feed.search import Search, load_steps, search_steps
from stepwell.tui.messages import StepsFound

Make = Callable[..., Any]


class Even:
    """Lets every second step through."""

    def __init__(self) -> None:
        self.asked = 0

    def matches(self, step: Any, paths: Any) -> bool:
        self.asked += 1
        return bool(step.seq % 2 == 0)


def run(source: Any, wanted: Even, newer_than: int = 0, give_up_after: int = 10**9) -> Any:
    told: list[StepsFound] = []
    ask = Search(
        "filter", 1, wanted, newer_than, lambda: wanted.asked < give_up_after, lambda: None
    )
    search_steps(source, ask, told.append)  # type: ignore[arg-type]
    return told


def test_everything_is_found_newest_first(memory: Make, chain: Make) -> None:
    """In parts, the last of which says so; the newest steps come along."""
    told = run(memory(chain(1000)), Even())
    seqs = [seq for message in told for seq in message.seqs]
    assert seqs == list(range(1000, 0, -2))
    assert [message.last for message in told[:-1]] == [False] * (len(told) - 1)
    assert told[-1].last and told[-1].looked == 1000
    carried = [step.seq for message in told for step in message.steps]
    assert carried == seqs[: len(carried)] and 0 < len(carried) <= 256


def test_only_newer_steps_are_looked_at(memory: Make, chain: Make) -> None:
    """A history that grew is not read again."""
    wanted = Even()
    told = run(memory(chain(1000)), wanted, newer_than=990)
    assert [seq for message in told for seq in message.seqs] == [1000, 998, 996, 994, 992]
    assert wanted.asked == 10


def test_a_search_that_nobody_waits_for_ends(memory: Make, chain: Make) -> None:
    """Between two parts."""
    wanted = Even()
    told = run(memory(chain(1000)), wanted, give_up_after=200)
    assert 200 <= wanted.asked < 400
    assert not any(message.last for message in told)


def test_single_steps_are_read(memory: Make, chain: Make) -> None:
    """Those that are there."""
    assert [step.seq for step in load_steps(memory(chain(9)), [7, 3])] == [7, 3]


def test_a_pause_is_when_no_key_came_for_a_while() -> None:
    """And at the beginning."""
    now = [100.0]
    pause = Pause(lambda: now[0])
    assert pause.is_on
    pause.keyed()
    assert not pause.is_on
    now[0] += BURST_S
    assert pause.is_on
