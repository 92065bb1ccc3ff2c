"""The line of the selected step among the lanes."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.columns import Columns
from stepwell.tui.model.lanes import NO_LANE, Cell, lane_map
from stepwell.tui.model.lineage import Lineage


def history(parents: list[int]) -> Columns:
    count = len(parents)
    return Columns(
        array("q", range(1, count + 1)), array("q", parents), {}, array("q", range(count))
    )


def lines(columns: Columns, head: int, start: int) -> list[int]:
    """The lane of the line beside each step, the newest first."""
    rows = lane_map(columns, head).page(0)
    lineage = Lineage(columns, start - 1, lambda ordinal: rows[ordinal].lane)
    return [lineage.lane(ordinal) for ordinal in reversed(range(len(columns)))]


def test_the_line_runs_in_the_lane_of_its_steps_down_to_the_fork() -> None:
    """Above the selected step there is none; at the fork it goes over to the other lane."""
    columns = history([0, 1, 2, 2, 4])
    assert lines(columns, 3, 5) == [1, 1, 1, 0, 0]
    assert lines(columns, 3, 3) == [NO_LANE, NO_LANE, 0, 0, 0]


@given(st.data())
def test_wherever_the_line_passes_something_is_drawn(data: st.DataObject) -> None:
    """Over any history: a node where its steps are, a line that goes on in between."""
    count = data.draw(st.integers(1, 40))
    parents = [0] + [data.draw(st.integers(1, at)) for at in range(1, count)]
    columns = history(parents)
    rows = lane_map(columns, count).page(0)
    start = data.draw(st.integers(0, count - 1))
    lineage = Lineage(columns, start, lambda ordinal: rows[ordinal].lane)
    for ordinal in range(start + 1):
        lane = lineage.lane(ordinal)
        cell = rows[ordinal].cells[lane]
        assert cell is not Cell.EMPTY
        assert (cell is Cell.NODE) == (rows[ordinal].lane == lane)
