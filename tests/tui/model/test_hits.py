"""Where a search found something, and what comes next."""

from __future__ import annotations

from stepwell.tui.model.hits import Hits


def hits(*positions: int) -> Hits:
    found = Hits()
    found.add(positions)
    return found


def test_the_first_hit_is_the_one_below() -> None:
    """Or the very first when there is none below."""
    assert hits(3, 7).at_or_after(5) == 7
    assert hits(3, 7).at_or_after(8) == 3
    assert hits().at_or_after(1) is None


def test_next_and_previous_go_round() -> None:
    """And say so."""
    found = hits(3, 7)
    assert found.next(3, 1) == (7, False)
    assert found.next(7, 1) == (3, True)
    assert found.next(5, -1) == (3, False)
    assert found.next(3, -1) == (7, True)
    assert hits().next(0, 1) is None


def test_hits_may_come_in_any_order() -> None:
    """Later results may stand above earlier ones."""
    found = hits(5, 9)
    found.add([1, 5])
    assert len(found) == 3
    assert [found.place(p) for p in (1, 5, 9, 4)] == [1, 2, 3, 0]
