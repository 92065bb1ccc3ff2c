"""Searching the lines of a diff."""

from __future__ import annotations

from stepwell.tui.model.difffind import SLICE, find_lines
from stepwell.tui.model.diffrows import LINES, DiffRows, Kind
from stepwell.tui.values import Change, Hunk, Oid, TrackedPath


def rows_of(*files: tuple[bytes, tuple[bytes, ...]]) -> DiffRows:
    changes = []
    for path, lines in files:
        hunk = Hunk(path.hex(), 9, len(lines), 9, len(lines), lines)
        blob = Oid(b"b" * 20)
        changes.append(Change(TrackedPath(path), "M", None, 1, 1, blob, blob, hunks=(hunk,)))
    return DiffRows(changes)


def test_found_rows_are_those_that_show_the_text() -> None:
    """Lines of any kind and paths, upper and lower case alike; no sign and no note is a line."""
    rows = rows_of(
        (b"src/Tree.py", (b" plant a tree\n", b"-TREE\n", b"+bush", b"\\ No newline, tree\n")),
        (b"soil.py", (b"+x\n", b"+a tree\n")),
    )
    found = [row for part in find_lines(rows, "Tree") for row in part]
    shown = [rows.row(index) for index in found]
    assert [row.kind for row in shown] == [Kind.FILE, Kind.CONTEXT, Kind.DELETE, Kind.ADD]
    assert all("tree" in row.text.lower() for row in shown if row.kind in LINES)
    assert [row for part in find_lines(rows, "-tree") for row in part] == []


def test_long_diffs_are_searched_in_slices() -> None:
    """So that a search can be given up."""
    rows = rows_of((b"a", (b"+x\n",) * (2 * SLICE + 1)))
    parts = list(find_lines(rows, "x"))
    assert [len(part) for part in parts] == [SLICE, SLICE, 1]
