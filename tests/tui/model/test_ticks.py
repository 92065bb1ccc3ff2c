"""Where a scrollbar shows that something changed."""

from __future__ import annotations

from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.ticks import BOTH, ticks
from stepwell.tui.values import Change, Hunk


def hunk(start: int, *lines: bytes) -> Hunk:
    old = sum(line[:1] in b" -" for line in lines)
    new = sum(line[:1] in b" +" for line in lines)
    return Hunk(f"h{start}", start, old, start, new, lines)


def test_each_kind_of_change_has_its_colour_where_it_lies() -> None:
    """Added at the top, removed at the bottom, and where both fall into one cell, both."""
    context = [b" x\n"] * 40
    hunks = (hunk(1, b"+a\n", *context), hunk(100, *context, b"-b\n"))
    rows = DiffRows([Change(b"f", "M", hunks=hunks)])
    assert ticks(rows, lambda row: row, len(rows), 10) == {0: "added", 9: "deleted"}
    assert ticks(rows, lambda row: row, len(rows), 1) == {0: BOTH}
    assert ticks(DiffRows(()), lambda row: row, 1, 10) == {}


def test_of_a_long_diff_the_beginnings_of_hunks_are_marked() -> None:
    """At most one look at each hunk."""
    rows = DiffRows([Change(b"f", "M", hunks=(hunk(1, *[b"+x\n"] * 30_000),))])
    assert ticks(rows, lambda row: row, len(rows), 10) == {0: BOTH}
