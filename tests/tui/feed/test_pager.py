"""Pages of steps: what is missing, what is forgotten, what is outdated."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from stepwell.store.model.steps import Step
from stepwell.tui.feed.pager import Pager
from stepwell.tui.model.columns import PAGE, Columns

Make = Callable[..., Step]


def columns(count: int, *, complete: bool = True) -> Columns:
    return Columns(array("q", range(1, count + 1)), array("q", range(count)), complete=complete)


def page(make_step: Make, number: int, size: int = PAGE) -> list[Step]:
    return [make_step(number * PAGE + place + 1) for place in range(size)]


def test_only_pages_in_view_are_missing(make_step: Make) -> None:
    """A page is asked for when one of its rows is in view, and no more once it is loaded."""
    pager = Pager()
    pager.reset(columns(3 * PAGE))
    assert pager.missing(PAGE - 1, PAGE) == [0, 1]
    pager.put(1, page(make_step, 1))
    assert pager.missing(PAGE - 1, PAGE) == [0]
    loaded = pager.step(PAGE)
    assert loaded is not None and loaded.seq == PAGE + 1
    assert pager.step(0) is None


def test_the_newest_steps_fill_the_top_of_their_page(make_step: Make) -> None:
    """They are shown at once, while the rest of the page is still missing."""
    pager = Pager()
    pager.reset(columns(PAGE + 10), [make_step(PAGE + 10), make_step(PAGE)])
    newest = pager.step(PAGE + 9)
    assert newest is not None and newest.seq == PAGE + 10
    assert pager.missing(PAGE, PAGE + 9) == [1]


def test_after_growth_old_pages_are_shown_but_read_again(make_step: Make) -> None:
    """Marks may have changed; until they are read, what was known is drawn."""
    pager = Pager()
    pager.reset(columns(PAGE))
    pager.put(0, page(make_step, 0))
    pager.reset(columns(PAGE + 1), [make_step(PAGE + 1)])
    assert pager.step(3) is not None
    assert pager.missing(0, PAGE) == [0]
    pager.put(0, page(make_step, 0))
    assert pager.missing(0, PAGE) == []


def test_a_part_of_the_history_does_not_lend_its_pages_to_the_whole(make_step: Make) -> None:
    """Ordinals of the newest steps alone are not those of the whole history."""
    pager = Pager()
    pager.reset(columns(5, complete=False), [make_step(seq) for seq in range(1, 6)])
    pager.reset(columns(2 * PAGE))
    assert pager.step(0) is None


def test_pages_seen_longest_ago_are_forgotten(make_step: Make) -> None:
    """Memory does not grow with what was scrolled over."""
    pager = Pager()
    pager.reset(columns(40 * PAGE))
    for number in range(40):
        pager.put(number, page(make_step, number))
    assert pager.step(0) is None
    assert pager.step(40 * PAGE - 1) is not None
