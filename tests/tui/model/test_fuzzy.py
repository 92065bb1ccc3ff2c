"""Paths by some of their letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.fuzzy import MOST, fitting

PATHS = ["auth/session.py", "auth/cache.py", "tests/test_session.py", "README.md"]


def names(query: str) -> list[str]:
    return [PATHS[fit.number] for fit in fitting(query, PATHS)]


def test_letters_in_order_are_found() -> None:
    """Capitals and spaces do not count; what lacks a letter is not listed."""
    assert names("ases")[0] == "auth/session.py"
    assert names("READ") == ["README.md"]
    assert names("te ses") == ["tests/test_session.py"]
    assert names("zz") == []


def test_without_letters_all_come_as_they_are() -> None:
    """The list is there before anything is typed."""
    assert names("") == PATHS


@given(st.text(max_size=6), st.lists(st.text(max_size=20), max_size=30))
def test_every_letter_stands_where_it_is_said_to(query: str, candidates: list[str]) -> None:
    """In order, within the candidate, and never too many."""
    fits = fitting(query, candidates)
    assert len(fits) <= MOST
    for index, at in fits:
        assert list(at) == sorted(set(at))
        assert all(0 <= one < len(candidates[index]) for one in at)
