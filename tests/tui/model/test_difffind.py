"""Searching the lines of a diff."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.model.patchlines import NO_NEWLINE
from stepwell.tui.model import difffind
from stepwell.tui.model.difffind import SLICE, find_lines
from stepwell.tui.model.diffrows import LINES, DiffRows, Kind
from stepwell.tui.values import Change, Hunk, Oid, PatchLines, TrackedPath, deflated, pieces_of


def rows_of(*files: tuple[bytes, Sequence[bytes]]) -> DiffRows:
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


@given(
    st.lists(
        st.sampled_from(
            [b"-", b"+", b" ", b"+a\n", b" -A\n", b"--\n", b"+ba a\n", b"+\\a\n", b" a\r\n"]
        ).map(lambda line: line if line.endswith(b"\n") else line + b"\n"),
        min_size=1,
        max_size=300,
    ),
    st.sampled_from(["a", "-", "A A", "\\", "+", "ba a", "\r"]),
    st.integers(1, 70),
)
def test_lines_are_found_as_if_looked_at_one_by_one(
    lines: list[bytes], needle: str, piece: int
) -> None:
    """However the text is cut into pieces, deflated or not."""
    text = b"".join(lines) + NO_NEWLINE + b"\n"
    whole = PatchLines(text)
    (small,) = deflated([whole])
    wanted = [at for at, line in enumerate(whole) if needle.lower().encode() in line[1:].lower()]
    wanted = [at for at in wanted if at < len(lines)]
    for body in (whole, small, tuple(whole)):
        assert b"".join(part for part, _ in pieces_of(body, piece)).count(b"\n") == len(whole)
        with mock.patch.object(difffind, "SLICE", piece):
            rows = rows_of((b"zzz", body))
            found = [row - 2 for part in find_lines(rows, needle) for row in part]
        assert found == wanted


def test_long_diffs_are_searched_in_slices() -> None:
    """So that a search can be given up, and the screen goes first in between."""
    for lines in ((b"+x\n",) * (5 * SLICE), PatchLines(b"+x\n" * (5 * SLICE))):
        parts = list(find_lines(rows_of((b"a", lines), (b"b", lines)), "x"))
        assert sum(map(len, parts)) == 10 * SLICE and max(map(len, parts)) <= SLICE
