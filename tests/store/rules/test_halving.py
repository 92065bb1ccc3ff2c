"""Halving: the first bad one, in few tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.rules.halving import Halved, first_bad


@given(st.integers(1, 3_000), st.data(), st.integers(1, 6))
def test_the_first_bad_one_is_found(count: int, data: st.DataObject, jobs: int) -> None:
    """One at a time in as many tries as the count has binary digits."""
    broken = data.draw(st.integers(1, count))

    def trial(places: Sequence[int]) -> Mapping[int, bool | None]:
        assert len(set(places)) == len(places) <= jobs
        assert all(0 < place < count for place in places)
        return {place: place < broken for place in places}

    found = first_bad(0, count, trial, jobs)
    assert (found.first_bad, found.last_good) == (broken, broken - 1)
    if jobs == 1:
        assert found.tried <= max(count - 1, 0).bit_length()


@given(st.integers(1, 60), st.sets(st.integers(1, 59)), st.data(), st.integers(1, 4))
def test_what_cannot_be_tried_is_passed_over(
    count: int, untestable: set[int], data: st.DataObject, jobs: int
) -> None:
    """Then the last good and the first bad one have only such between them."""
    broken = data.draw(st.integers(1, count))
    tried: list[int] = []

    def trial(places: Sequence[int]) -> Mapping[int, bool | None]:
        tried.extend(places)
        return {place: None if place in untestable else place < broken for place in places}

    found = first_bad(0, count, trial, jobs)
    assert found.last_good < broken <= found.first_bad
    assert set(range(found.last_good + 1, found.first_bad)) <= untestable
    assert len(set(tried)) == len(tried) == found.tried


def test_neighbours_need_no_try() -> None:
    """Both ends are known."""
    assert first_bad(4, 5, lambda places: {}) == Halved(5, 4, 0, 0)
