"""Lanes of the timeline's graph, top (newest) to bottom, a page at a time.

The current branch is always lane 0. Every other line of steps takes the first free lane, keeps it
until it meets its parent, and leaves it empty for one row, so that two lines never look like one.
The state between two rows is a small tuple; it is remembered at every page boundary, so any page
is drawn at the cost of that page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from stepwell.tui.model.columns import NO_PARENT, PAGE, Columns

State = tuple[int, ...]
"""For each lane the step number that it waits for, or one of the next two."""
NO_LANE = -1
FREE = 0
REST = -1
"""Freed by the row above: not to be taken by the next one."""


class Cell(Enum):
    """What is drawn in one lane of one row."""

    EMPTY = "empty"
    NODE = "node"
    PIPE = "pipe"
    CROSS = "cross"
    """A horizontal line, nothing vertical."""
    JOIN_TEE = "join_tee"
    """A line from above ends here, the horizontal goes on."""
    JOIN_END = "join_end"
    FORK_TEE = "fork_tee"
    """A line begins here downwards (a merge's other parent)."""
    FORK_END = "fork_end"
    FORK_START = "fork_start"
    """The same at the left end of the horizontal."""
    MEET_RIGHT = "meet_right"
    """A line that goes on is met from the left."""
    MEET_LEFT = "meet_left"
    MEET_THROUGH = "meet_through"
    """A line that goes on is met by a horizontal that goes on."""


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One row of the graph."""

    lane: int
    """The step's own lane."""
    cells: tuple[Cell, ...]
    low: int
    """The horizontal line reaches from lane `low` to lane `high`; equal: there is none."""
    high: int
    line: int = NO_LANE
    """The lane in which the selected step's line passes here."""


def alone(row: LaneRow) -> LaneRow:
    """Returns the row with its step only, in its lane: none of the lines around it."""
    cells = tuple(c if c is Cell.NODE else Cell.EMPTY for c in row.cells[: row.lane + 1])
    return LaneRow(row.lane, cells, row.lane, row.lane)


def step_down(state: State, seq: int, parents: tuple[int, ...]) -> tuple[LaneRow, State]:
    """Returns the row of step `seq`, and the state below it."""
    lanes = list(state)
    waiting = [lane for lane, wanted in enumerate(lanes) if wanted == seq]
    own = waiting[0] if waiting else _take(lanes)
    joined = waiting[1:]
    lanes[own] = parents[0] if parents and parents[0] != NO_PARENT else REST
    for lane in joined:
        lanes[lane] = REST
    opened, met = _fork(lanes, parents[1:], own)
    ends = [own, *joined, *opened, *met]
    low, high = min(ends), max(ends)
    cells = _cells(state, own, (frozenset(joined), frozenset(opened), frozenset(met)), low, high)
    below = _settled(lanes, {own, *joined})
    return LaneRow(own, cells, low, high), below


def _take(lanes: list[int]) -> int:
    # Lane 0 is the current branch's, even where it is not in use.
    for lane in range(1, len(lanes)):
        if lanes[lane] == FREE:
            return lane
    if not lanes:
        lanes.append(FREE)
    lanes.append(FREE)
    return len(lanes) - 1


def _fork(lanes: list[int], others: tuple[int, ...], own: int) -> tuple[list[int], list[int]]:
    opened: list[int] = []
    met: list[int] = []
    for parent in others:
        if parent in lanes:
            met.append(lanes.index(parent))
            continue
        lane = _take(lanes)
        lanes[lane] = parent
        opened.append(lane)
    return opened, [lane for lane in met if lane != own]


def _settled(lanes: list[int], touched: set[int]) -> State:
    for lane, wanted in enumerate(lanes):
        if wanted == REST and lane not in touched:
            lanes[lane] = FREE
    while lanes and lanes[-1] == FREE:
        lanes.pop()
    return tuple(lanes)


_Ends = tuple[frozenset[int], frozenset[int], frozenset[int]]


def _cells(before: State, own: int, ends: _Ends, low: int, high: int) -> tuple[Cell, ...]:
    size = max(len(before), high + 1)
    return tuple(_cell(lane, before, own, ends, low, high) for lane in range(size))


def _cell(lane: int, before: State, own: int, kinds: _Ends, low: int, high: int) -> Cell:
    joined, opened, met = kinds
    if lane == own:
        return Cell.NODE
    if lane in joined:
        return Cell.JOIN_END if lane == high else Cell.JOIN_TEE
    if lane in opened:
        ends = {low: Cell.FORK_START, high: Cell.FORK_END}
        return ends.get(lane, Cell.FORK_TEE)
    if lane in met:
        return {low: Cell.MEET_LEFT, high: Cell.MEET_RIGHT}.get(lane, Cell.MEET_THROUGH)
    if lane < len(before) and before[lane] not in (FREE, REST):
        return Cell.PIPE
    return Cell.CROSS if low < lane < high else Cell.EMPTY


@dataclass(frozen=True, slots=True)
class LaneMap:
    """The lanes of a whole history, as states at page boundaries. Built once, read by page."""

    columns: Columns = field(default_factory=Columns)
    states: Sequence[State] = ()
    """`states[p]` holds above the newest step of page `p`."""

    def page(self, number: int) -> list[LaneRow]:
        """Returns the rows of a page, oldest first, as ordinals are."""
        rows = [row for row, _ in _walk(self.columns, self.states[number], number)]
        rows.reverse()
        return rows


def _walk(columns: Columns, state: State, page: int) -> Iterator[tuple[LaneRow, State]]:
    stop = min(len(columns), (page + 1) * PAGE)
    for ordinal in range(stop - 1, page * PAGE - 1, -1):
        seq = columns.seqs[ordinal]
        parents = (columns.parents[ordinal], *columns.more.get(seq, ()))
        row, state = step_down(state, seq, parents)
        yield row, state


def lane_map(columns: Columns, head: int, before: LaneMap | None = None) -> LaneMap:
    """Returns the lanes when the current branch's tip is step `head`.

    `before` is the map of a shorter history of the same workspace: where the walk comes to a state
    that it knows, the rest is taken over, so that a new step costs one page.
    """
    pages = -(-len(columns) // PAGE)
    states: list[State] = [()] * pages
    state: State = (head,)
    for page in range(pages - 1, -1, -1):
        if before is not None and _same_below(columns, before, page, state):
            states[: page + 1] = before.states[: page + 1]
            break
        states[page] = state
        state = _below(columns, state, page)
    return LaneMap(columns, states)


def _below(columns: Columns, state: State, page: int) -> State:
    """Returns the state under a page: `step_down` again and again, without drawing its rows."""
    seqs, parents, more = columns.seqs, columns.parents, columns.more
    lanes, resting = list(state), REST in state
    for ordinal in range(min(len(seqs), (page + 1) * PAGE) - 1, page * PAGE - 1, -1):
        seq, parent = seqs[ordinal], parents[ordinal]
        # Nearly every step only goes on with its own line.
        if not resting and lanes.count(seq) == 1 and parent != NO_PARENT and seq not in more:
            lanes[lanes.index(seq)] = parent
            continue
        _, below = step_down(tuple(lanes), seq, (parent, *more.get(seq, ())))
        lanes, resting = list(below), REST in below
    return tuple(lanes)


def _same_below(columns: Columns, before: LaneMap, page: int, state: State) -> bool:
    """Tells whether the older map drew this page whole, from this state, over the same steps."""
    end = (page + 1) * PAGE
    if len(before.columns) < end or before.states[page] != state:
        return False
    first, last = page * PAGE, end - 1
    old, new = before.columns, columns
    return (
        old.seqs[0] == new.seqs[0]
        and old.seqs[first] == new.seqs[first]
        and (old.seqs[last] == new.seqs[last])
    )
