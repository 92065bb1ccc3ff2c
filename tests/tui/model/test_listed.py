"""Which step stands on which row, filtered or not."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.listed import Listed, merged

CHOSEN = st.sets(st.integers(0, 50), max_size=20).map(lambda s: sorted(s, reverse=True))


def test_everything_is_listed_newest_first() -> None:
    """Row 0 is the disk, row 1 the newest step."""
    listed = Listed(5)
    assert listed.rows == 6
    assert [listed.ordinal(row) for row in range(1, 6)] == [4, 3, 2, 1, 0]
    assert [listed.row(ordinal) for ordinal in (4, 0, 9, -1)] == [1, 5, 1, 5]
    assert list(listed.between(0, 2)) == [4, 3]


def test_nothing_listed_leaves_the_disk() -> None:
    """An empty history, and a filter that fits nothing."""
    assert Listed(0).rows == 1
    none = Listed(9, array("q"))
    assert none.rows == 1
    assert none.row(4) == 0
    assert list(none.between(0, 30)) == []


@given(CHOSEN)
def test_rows_and_steps_belong_together(chosen: list[int]) -> None:
    """Each listed step has its row; another one leads to the next older that is listed."""
    listed = Listed(51, array("q", chosen))
    for row in range(1, listed.rows):
        assert listed.row(listed.ordinal(row)) == row
    for ordinal in range(51):
        row = listed.row(ordinal)
        if chosen and min(chosen) <= ordinal:
            assert listed.ordinal(row) == max(c for c in chosen if c <= ordinal)


@given(CHOSEN, CHOSEN)
def test_what_is_found_joins_what_is_known(known: list[int], found: list[int]) -> None:
    """Whatever the order in which it comes, each step once, newest first."""
    fresh = [one for one in found if one not in known]
    assert list(merged(array("q", known), fresh)) == sorted({*known, *fresh}, reverse=True)


def test_growth_at_the_end_is_told_from_other_lists() -> None:
    """So that rows which stay where they are need not be drawn again."""
    one = Listed(9, array("q", [8, 6]))
    assert one.goes_on_in(Listed(9, array("q", [8, 6, 3])))
    assert not one.goes_on_in(Listed(9, array("q", [8, 7, 6])))
    assert not one.goes_on_in(Listed(9))
    assert not Listed(9).goes_on_in(one)
