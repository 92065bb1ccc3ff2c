"""From the newest steps, or from the catalogue's graph, to the timeline's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from stepwell.tui.messages import TimelineLoaded
from stepwell.tui.model.columns import Columns, columns_of
from stepwell.tui.model.lanes import lane_map
from stepwell.tui.model.rows import Tips
from stepwell.tui.model.sessionlines import SessionLine
from stepwell.tui.model.turns import Shape, TurnBuilder, act
from stepwell.tui.model.verdictlines import alarm
from stepwell.tui.source import Source
from stepwell.tui.values import Step, StepId, View


def newest_rows(view: View, newest: Sequence[Step], *, complete: bool) -> TimelineLoaded:
    """Returns the newest steps as a timeline of their own; `complete` when there are no others."""
    columns = columns_of(newest, complete=complete)
    tips = tips_of(view, {step.id: step.seq for step in newest}.get)
    return TimelineLoaded(lane_map(columns, tips.head), tips, newest)


def columns_of_graph(
    graph: Any, merges: Mapping[int, tuple[int, ...]], builder: TurnBuilder, kept: Iterable[int]
) -> Columns:
    """Returns the graph as the timeline's columns: copies, for it goes on growing.

    `builder` knows the turns of what was read before; no fold hides the rows that are `kept`.
    """
    size = len(graph)
    seqs, parents = graph.seqs[:size], graph.parents[:size]
    start = builder.known(seqs)
    acts = _acts(graph, start, size)
    builder.extend(Shape(seqs, parents, merges, graph.sessions, acts, start))
    return Columns(seqs, parents, merges, graph.times[:size], turns=builder.turns(kept))


def _acts(graph: Any, start: int, size: int) -> list[int]:
    from stepwell.store.catalogue.graph import CHANGED, FAILED, KINDS

    table = {
        (kind, bits): act(name, failed=bool(bits & FAILED), changed=bool(bits & CHANGED))
        for kind, name in enumerate(KINDS)
        for bits in (0, FAILED, CHANGED, FAILED | CHANGED)
    }
    mask = FAILED | CHANGED
    pairs = zip(graph.kinds[start:size], graph.flags[start:size], strict=True)
    return [table[kind, bits & mask] for kind, bits in pairs]


def kept_rows(view: View, graph: Any, tips: Tips) -> Iterator[int]:
    """Yields the rows of marked steps and of the branches' tips: no fold hides them."""
    for step in view.marks:
        row = graph.row_of_id(step)
        if row is not None:
            yield row
    for seq in (tips.head, *tips.names):
        row = graph.row_of(seq)
        if row is not None:
            yield row


def session_lines(source: Source) -> list[SessionLine]:
    """Returns the sessions with their figures, the newest first."""
    from stepwell.store.catalogue.graph import FAILED, KINDS

    graph, prompt = source.graph(), KINDS.index("prompt")
    failures, turns, firsts = Counter[int](), Counter[int](), dict[int, int]()
    columns = zip(graph.sessions, graph.kinds, graph.flags, strict=False)
    for row, (session, kind, flags) in enumerate(columns):
        if flags & FAILED:
            failures[session] += 1
        if kind == prompt:
            turns[session] += 1
            firsts.setdefault(session, row)
    lines = []
    for found in source.sessions():
        row = graph.row_of_id(found.last_step)
        number = graph.sessions[row] if row is not None else -1
        first = firsts.get(number)
        asked = source.get_step(graph.id_of(first)).title if first is not None else ""
        figures = (found.steps, turns[number], failures[number], found.first_ns, found.last_ns)
        lines.append(SessionLine(found.name, found.agent or "", asked, *figures))
    return lines


def tips_of(view: View, number: Callable[[StepId], int | None]) -> Tips:
    """Returns the tips of the branches whose newest step `number` knows."""
    names: dict[int, tuple[str, ...]] = {}
    head = 0
    for branch in view.branches.values():
        seq = number(branch.head)
        if branch.name == view.current:
            head = seq or 0
        elif seq is not None:
            names[seq] = (*names.get(seq, ()), branch.name)
    return Tips(view.current, head, names, alarm(view.verdicts))


def number_in(graph: Any, step: StepId) -> int | None:
    """Returns the number of a step that the graph holds; None for any other."""
    row = graph.row_of_id(step)
    return None if row is None else graph.seqs[row]
