"""Which step has the state of a file before or after another: along one line of history. Pure."""

from __future__ import annotations

from collections.abc import Collection

from stepwell.tui.model.columns import Columns


def older_state(columns: Columns, seq: int, touching: Collection[int]) -> int | None:
    """Returns the nearest first-parent ancestor of a step that is among `touching`."""
    at = _parent(columns, seq)
    while at and at not in touching:
        at = _parent(columns, at)
    return at or None


def newer_state(columns: Columns, seq: int, head: int, touching: Collection[int]) -> int | None:
    """Returns the nearest step of `touching` on the way from a step to the head.

    From a step that the head does not come from, the way is that to its newest descendant.
    """
    found = _on_the_way(columns, seq, head, touching)
    if found is None:
        found = _on_the_way(columns, seq, _newest_descendant(columns, seq), touching)
    return found or None


def _on_the_way(columns: Columns, seq: int, tip: int, touching: Collection[int]) -> int | None:
    """0: there is none; None: the tip does not come from the step."""
    at, found = tip, 0
    while at > seq:
        found = at if at in touching else found
        at = _parent(columns, at)
    return found if at == seq else None


def _newest_descendant(columns: Columns, seq: int) -> int:
    """Returns the newest step that comes from a step by first parents, or the step itself."""
    line, newest = {seq}, seq
    for ordinal in range(columns.ordinal(seq) + 1, len(columns)):
        if columns.parents[ordinal] in line:
            newest = columns.seqs[ordinal]
            line.add(newest)
    return newest


def _parent(columns: Columns, seq: int) -> int:
    ordinal = columns.ordinal(seq)
    known = ordinal < len(columns) and columns.seqs[ordinal] == seq
    return columns.parents[ordinal] if known else 0
