"""From the catalogue's graph to the timeline's columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stepwell.tui.model.columns import Columns
from stepwell.tui.model.rows import Tips
from stepwell.tui.model.turns import Shape, TurnBuilder, act
from stepwell.tui.values import View


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
