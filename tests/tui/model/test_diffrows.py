"""A diff as numbered rows."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.tui.model.diffrows import LINES, DiffRows, Kind
from stepwell.tui.values import Change, Hunk, Oid, PatchLines, TrackedPath

OLD, NEW = Oid(b"o" * 20), Oid(b"n" * 20)


def hunk(old: int, new: int, *lines: bytes) -> Hunk:
    count_old = sum(line[:1] in b" -" for line in lines)
    count_new = sum(line[:1] in b" +" for line in lines)
    ends = tuple(line if line.startswith(b"\\") else line + b"\n" for line in lines)
    return Hunk(f"{old}.{new}", old, count_old, new, count_new, ends)


def modified(path: bytes, *hunks: Hunk, **fields: object) -> Change:
    settled = {"old_mode": 0o100644, "new_mode": 0o100644, "old_blob": OLD, "new_blob": NEW}
    return Change(TrackedPath(path), "M", hunks=hunks, **{**settled, **fields})  # type: ignore[arg-type]


TWO = DiffRows(
    [
        modified(
            b"a.py",
            hunk(10, 10, b" one", b"-two", b"+TWO", b"+more", b" three"),
            hunk(40, 41, b" x", b"-y"),
        ),
        modified(b"b.py", hunk(1, 1, b"-only", b"+ONLY")),
    ]
)


def kinds(rows: DiffRows) -> str:
    signs = {Kind.FILE: "F", Kind.GAP: "~", Kind.NOTICE: "N", Kind.BLANK: "_"}
    found = (rows.row(index).kind for index in range(len(rows)))
    return "".join(signs.get(kind, kind.value) for kind in found)


def test_rows_stand_in_reading_order() -> None:
    """Header, gap, lines, gap, lines; then the next file after a blank row."""
    assert kinds(TWO) == "F~ -++ ~ -_F-+"


def test_line_numbers_run_on_both_sides() -> None:
    """Removed lines have no new number, added ones no old one."""
    numbers = [(TWO.row(i).old, TWO.row(i).new) for i in range(2, 7)]
    assert numbers == [(10, 10), (11, None), (None, 11), (None, 12), (12, 13)]


def test_gaps_count_the_hidden_lines() -> None:
    """Before the first hunk and between hunks; a hunk at line 1 hides nothing."""
    assert [TWO.row(1).hidden, TWO.row(7).hidden] == [9, 27]
    assert TWO.row(12).kind is Kind.DELETE


def test_hunk_jumps_land_on_changes() -> None:
    """Forwards from hunk to hunk across files, and the same way back."""
    stops = [TWO.step_hunk(0, 1)]
    while (following := TWO.step_hunk(stops[-1] or 0, 1)) is not None:
        stops.append(following)
    assert stops == [3, 9, 12]
    assert [TWO.step_hunk(12, -1), TWO.step_hunk(9, -1), TWO.step_hunk(3, -1)] == [9, 3, None]


def test_going_back_inside_a_hunk_leads_to_its_first_change() -> None:
    """As in a pager: the start of what is being read comes before what stands above it."""
    assert TWO.step_hunk(5, -1) == 3


def test_file_jumps_land_on_headers() -> None:
    """Back leads to the own header first, then to the file above."""
    assert TWO.step_file(0, 1) == 11
    assert TWO.step_file(12, -1) == 11
    assert TWO.step_file(11, -1) == 0
    assert TWO.step_file(11, 1) is None


def test_place_names_file_and_hunk() -> None:
    """The caption's numbers: which file, which of its hunks, of how many."""
    assert [TWO.place(i) for i in (0, 3, 9, 12)] == [(0, 0, 2), (0, 1, 2), (0, 2, 2), (1, 1, 1)]


def test_a_missing_line_feed_is_a_row_without_numbers() -> None:
    """It neither counts as a line nor shifts the numbers after it."""
    rows = DiffRows([modified(b"a", hunk(3, 3, b"-x", b"\\ No newline at end of file", b"+x"))])
    assert kinds(rows) == "F~-\\+"
    assert rows.row(4).new == 3
    assert "line feed" in rows.row(3).text


def test_emphasis_marks_the_replaced_word() -> None:
    """The pair of a removed and an added line, found inside a longer run."""
    rows = DiffRows(
        [modified(b"a", hunk(1, 1, b" a", b"-x = get(1)", b"+# why", b"+x = put(1)", b" z"))]
    )
    by_sign = {rows.row(i).text: rows.emphasis(rows.row(i)) for i in range(len(rows))}
    assert by_sign["x = get(1)"] == ((4, 7),)
    assert by_sign["x = put(1)"] == ((4, 7),)
    assert by_sign["# why"] == by_sign["a"] == ()


def test_content_is_harmless() -> None:
    """Escape sequences and direction overrides are shown, never sent; tabs are spaces."""
    rows = DiffRows([modified(b"a", hunk(0, 1, b"+\tx\x1b[2J\xe2\x80\xae\xff"))])
    assert rows.row(1).text == "    x\\x1b[2J\\u202e\\xff"


def test_carriage_returns_show_only_where_endings_are_mixed() -> None:
    """A CRLF file reads as any other; a changed ending is visible."""
    same = DiffRows([modified(b"a", hunk(1, 1, b" a\r", b"-b\r", b"+c\r"))])
    mixed = DiffRows([modified(b"a", hunk(1, 1, b"-a\r", b"+a"))])
    assert [same.row(i).text for i in (1, 2, 3)] == ["a", "b", "c"]
    assert [mixed.row(i).text for i in (1, 2)] == ["a\\x0d", "a"]


def test_long_lines_are_cut() -> None:
    """A minified line costs no more than a screen can show."""
    rows = DiffRows([modified(b"a", hunk(0, 1, b"+" + b"x" * 1_000_000))])
    text = rows.row(1).text
    assert len(text) == 2_000 and "… (cut: the line has " in text


def test_a_line_is_found_again_in_a_reread_diff() -> None:
    """More context moves rows; the line that was read keeps its place."""
    wide = DiffRows([modified(b"a.py", hunk(8, 8, b" -2", b" -1", b" one", b"-two", b"+TWO"))])
    assert wide.row(wide.row_of_line(0, 11, None)).text == "two"
    assert wide.row(wide.row_of_line(0, None, 11)).text == "TWO"


def test_a_million_lines_open_and_jump_at_once() -> None:
    """Opening costs by hunk, and reading a far row does not walk there."""
    lines = PatchLines(b" keep me as I am\n-old\n+new\n" * 333_334)
    count = len(lines) // 3 * 2
    change = modified(b"big", Hunk("h", 1, count, 1, count, lines))
    begun = time.process_time()
    rows = DiffRows([change])
    assert time.process_time() - begun < 0.05
    rows.row(900_000)
    begun = time.process_time()
    for index in range(900_000, 900_060):
        rows.emphasis(rows.row(index))
    assert time.process_time() - begun < 0.2
    assert rows.row(len(rows) - 1).new == count


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([b" a", b"-b", b"+c"]), min_size=1, max_size=9), max_size=5)
)
def test_every_row_reads_and_numbers_ascend(hunks: list[list[bytes]]) -> None:
    """Whatever the hunks: no row fails, each line is there once, numbers grow by one."""
    made, old, new = [], 1, 1
    for lines in hunks:
        one = hunk(old, new, *lines)
        made.append(one)
        old, new = old + one.old_lines + 4, new + one.new_lines + 4
        if not one.old_lines or not one.new_lines:
            made.pop()
    rows = DiffRows([modified(b"p", *made)])
    seen = [rows.row(index) for index in range(len(rows))]
    lines_seen = [row for row in seen if row.kind in LINES]
    assert len(lines_seen) == sum(len(one.lines) for one in made)
    for side in ("old", "new"):
        numbers = [getattr(row, side) for row in lines_seen if getattr(row, side) is not None]
        assert numbers == sorted(set(numbers))
