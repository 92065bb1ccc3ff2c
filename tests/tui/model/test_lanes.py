"""Lanes: the current branch in lane 0, every line joined to its parent, a page at a time."""

from __future__ import annotations

from array import array
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.tui.model.columns import PAGE, Columns
from stepwell.tui.model.lanes import (
    FREE,
    REST,
    Cell,
    LaneMap,
    LaneRow,
    State,
    lane_map,
    step_down,
)

Parents = dict[int, tuple[int, ...]]


def columns(parents: Parents) -> Columns:
    """Returns columns of step -> parents."""
    seqs = sorted(parents)
    return Columns(
        array("q", seqs),
        array("q", [parents[seq][0] if parents[seq] else 0 for seq in seqs]),
        {seq: parents[seq][1:] for seq in seqs if parents[seq][1:]},
    )


def rows(parents: Parents, head: int) -> dict[int, LaneRow]:
    """Returns step -> row, drawn by page."""
    drawn = lane_map(columns(parents), head)
    seqs = drawn.columns.seqs
    pages = range(-(-len(seqs) // PAGE))
    return {seqs[p * PAGE + i]: row for p in pages for i, row in enumerate(drawn.page(p))}


@st.composite
def histories(draw: st.DrawFn) -> tuple[Parents, int]:
    """Any graph whose steps have older parents, and a head."""
    size = draw(st.integers(1, 60))
    parents: Parents = {1: ()}
    for seq in range(2, size + 1):
        first = draw(st.integers(max(0, seq - 6), seq - 1))
        other = draw(st.integers(1, seq - 1)) if draw(st.integers(0, 9)) == 0 else 0
        chosen = (first,) if first else ()
        parents[seq] = (*chosen, other) if other and chosen and other != first else chosen
    return parents, draw(st.integers(1, size))


def test_a_single_line_stays_in_lane_0() -> None:
    """One branch without forks needs one lane."""
    drawn = rows({1: (), 2: (1,), 3: (2,)}, head=3)
    assert [drawn[seq].cells for seq in (3, 2, 1)] == [(Cell.NODE,)] * 3


def test_an_abandoned_future_takes_a_lane_beside_and_joins_at_its_fork() -> None:
    """After a rollback the old steps stand in lane 1 until the step that both come from."""
    drawn = rows({1: (), 2: (1,), 3: (2,), 4: (1,)}, head=4)
    assert [drawn[seq].lane for seq in (4, 3, 2, 1)] == [0, 1, 1, 0]
    assert drawn[3].cells == (Cell.PIPE, Cell.NODE)
    assert drawn[1].cells == (Cell.NODE, Cell.JOIN_END)
    assert (drawn[1].low, drawn[1].high) == (0, 1)


def test_steps_newer_than_the_head_leave_lane_0_to_the_current_branch() -> None:
    """Lane 0 runs from the top although its newest step is older than another branch's."""
    drawn = rows({1: (), 2: (1,), 3: (1,), 4: (3,)}, head=2)
    assert [drawn[seq].lane for seq in (4, 3, 2, 1)] == [1, 1, 0, 0]
    assert drawn[4].cells == (Cell.PIPE, Cell.NODE)


def test_two_futures_of_one_step_join_in_one_row() -> None:
    """The horizontal line passes the nearer one and ends at the farther one."""
    drawn = rows({1: (), 2: (1,), 3: (1,), 4: (1,)}, head=4)
    assert drawn[1].cells == (Cell.NODE, Cell.JOIN_TEE, Cell.JOIN_END)


def test_a_freed_lane_rests_for_a_row() -> None:
    """A tip right below a root does not look like its child."""
    drawn = rows({1: (), 2: (), 3: (), 4: (1,)}, head=4)
    assert drawn[3].lane == 1
    assert drawn[2].lane == 2
    assert drawn[1].lane == 0


def test_a_merge_opens_a_lane_for_its_other_parent() -> None:
    """The other parent's line begins at the merge."""
    drawn = rows({1: (), 2: (1,), 3: (1,), 4: (3, 2)}, head=4)
    assert drawn[4].cells == (Cell.NODE, Cell.FORK_END)
    assert drawn[2].lane == 1


@given(histories())
@settings(max_examples=120, deadline=None)
def test_every_line_leads_to_its_parent(history: tuple[Parents, int]) -> None:
    """Below each step its lane waits for its first parent until that parent's row takes it."""
    parents, head = history
    state: State = (head,)
    for seq in sorted(parents, reverse=True):
        before = state
        row, state = step_down(state, seq, parents[seq])
        assert row.cells[row.lane] is Cell.NODE
        assert seq not in state
        for lane, wanted in enumerate(before):
            if wanted == seq:
                assert lane == row.lane or row.cells[lane] in (Cell.JOIN_TEE, Cell.JOIN_END)
            elif wanted not in (FREE, REST):
                assert state[lane] == wanted
        for parent in parents[seq]:
            assert parent in state


UP = {Cell.PIPE, Cell.JOIN_TEE, Cell.JOIN_END, Cell.MEET_RIGHT, Cell.MEET_LEFT, Cell.MEET_THROUGH}
DOWN = {
    Cell.PIPE, Cell.FORK_TEE, Cell.FORK_END, Cell.FORK_START,
    Cell.MEET_RIGHT, Cell.MEET_LEFT, Cell.MEET_THROUGH,
}  # fmt: skip
SIDEWAYS = {
    Cell.CROSS, Cell.JOIN_TEE, Cell.JOIN_END, Cell.FORK_TEE, Cell.FORK_END, Cell.FORK_START,
    Cell.MEET_RIGHT, Cell.MEET_LEFT, Cell.MEET_THROUGH,
}  # fmt: skip


def cell(row: LaneRow, lane: int) -> Cell:
    return row.cells[lane] if lane < len(row.cells) else Cell.EMPTY


def drawn_parents(drawn: dict[int, LaneRow], order: list[int], seq: int) -> set[int]:
    """Follows what is drawn, as an eye does, from a step down to the steps where its lines end."""
    at = order.index(seq)
    row = drawn[seq]
    begun = {row.lane} if at + 1 < len(order) else set()
    for lane in range(row.low, row.high + 1):
        kind = cell(row, lane)
        if kind in (Cell.FORK_TEE, Cell.FORK_END, Cell.FORK_START) or (
            kind in (Cell.MEET_LEFT, Cell.MEET_RIGHT, Cell.MEET_THROUGH)
        ):
            begun.add(lane)
    found = set()
    for lane in begun:
        for below in order[at + 1 :]:
            other = drawn[below]
            kind = cell(other, lane)
            if kind is Cell.NODE or kind in (Cell.JOIN_TEE, Cell.JOIN_END):
                found.add(below)
            if kind is Cell.NODE or kind not in (*DOWN, Cell.PIPE):
                break
    return found


@given(histories())
@settings(max_examples=120, deadline=None)
def test_an_eye_that_follows_the_lines_finds_the_parents(history: tuple[Parents, int]) -> None:
    """What is drawn, and not only the state behind it, joins each step to all of its parents."""
    parents, head = history
    drawn = rows(parents, head)
    order = sorted(parents, reverse=True)
    for seq in order:
        if parents[seq]:
            assert drawn_parents(drawn, order, seq) == set(parents[seq])


@given(histories())
@settings(max_examples=60, deadline=None)
def test_no_line_ends_in_nothing(history: tuple[Parents, int]) -> None:
    """A line that leaves a row downwards enters the next one from above, and the other way."""
    parents, head = history
    drawn = rows(parents, head)
    order = sorted(parents, reverse=True)
    for upper, lower in pairwise(order):
        above, below = drawn[upper], drawn[lower]
        for lane in range(max(len(above.cells), len(below.cells))):
            leaves = cell(above, lane) in DOWN or (lane == above.lane and bool(parents[upper]))
            enters = cell(below, lane) in UP
            if lane != below.lane and not (lane == 0 and head < upper):
                assert leaves == enters, (upper, lane)
            elif leaves:
                assert lane == below.lane or enters


@given(histories())
@settings(max_examples=120, deadline=None)
def test_the_current_branch_keeps_lane_0(history: tuple[Parents, int]) -> None:
    """Head and first parents down to the root are all in lane 0."""
    parents, head = history
    drawn = rows(parents, head)
    seq = head
    while True:
        assert drawn[seq].lane == 0
        if not parents[seq]:
            break
        seq = parents[seq][0]


def long_history(size: int) -> Parents:
    """A line with a side line of two steps now and then."""
    parents: Parents = {1: ()}
    last = 1
    for seq in range(2, size + 1):
        parents[seq] = (last,)
        if seq % 50 not in (10, 11):
            last = seq
    return parents


def test_pages_are_drawn_as_the_whole_would_be() -> None:
    """States at page boundaries give the rows that one long walk gives."""
    parents = long_history(3 * PAGE + 17)
    head = max(parents)
    state: State = (head,)
    drawn = rows(parents, head)
    for seq in sorted(parents, reverse=True):
        row, state = step_down(state, seq, parents[seq])
        assert drawn[seq] == row


def test_a_new_step_reuses_the_states_below() -> None:
    """Growing by one step costs the top page, not the history."""
    parents = long_history(4 * PAGE)
    older = lane_map(columns(parents), 4 * PAGE)
    parents[4 * PAGE + 1] = (4 * PAGE,)
    newer = lane_map(columns(parents), 4 * PAGE + 1, older)
    assert newer.states[:4] == lane_map(columns(parents), 4 * PAGE + 1).states[:4]
    assert newer.states[2] is older.states[2]


def test_a_rollback_is_drawn_anew_down_to_where_it_matters() -> None:
    """When the head moves to another line, the map equals one made from nothing."""
    parents = long_history(2 * PAGE)
    older = lane_map(columns(parents), 2 * PAGE)
    parents[2 * PAGE + 1] = (PAGE,)
    newer = lane_map(columns(parents), 2 * PAGE + 1, older)
    assert newer.states == lane_map(columns(parents), 2 * PAGE + 1).states


def test_an_empty_history_has_no_pages() -> None:
    """Nothing to draw is no error."""
    assert lane_map(Columns(), 0).states == []
    assert LaneMap().states == ()
