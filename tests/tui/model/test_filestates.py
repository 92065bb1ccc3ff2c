"""The states of a file before and after a step, along one line of history."""

from __future__ import annotations

from array import array

import pytest

from stepwell.tui.model.columns import Columns
from stepwell.tui.model.filestates import newer_state, older_state


@pytest.fixture
def columns() -> Columns:
    """1-2-3-4 is the current branch; 5-6-7 comes from 2, and 8 from 4."""
    parents = [0, 1, 2, 3, 2, 5, 6, 4]
    return Columns(array("q", range(1, 9)), array("q", parents), {}, array("q", range(8)))


def test_older_states_are_those_of_ancestors(columns: Columns) -> None:
    """What another branch made of the file meanwhile is none of them."""
    assert older_state(columns, 8, {3, 7, 1}) == 3
    assert older_state(columns, 7, {3, 1}) == 1
    assert older_state(columns, 3, {3}) is None


def test_newer_states_lie_on_the_way_to_the_head(columns: Columns) -> None:
    """The nearest first; from a branch of its own the way is that branch's."""
    assert newer_state(columns, 2, 8, {4, 3, 5}) == 3
    assert newer_state(columns, 5, 8, {7, 8}) == 7
    assert newer_state(columns, 5, 8, {8}) is None
    assert newer_state(columns, 8, 8, {8, 1}) is None
