"""Rows of a diff on lines: on two sides, and wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.look.fit import cells
from stepwell.tui.model import layout as layout_module
from stepwell.tui.model.diffrows import LINES, DiffRows, Kind
from stepwell.tui.model.layout import NONE, SLICE, Layout, breaks, lay_out
from stepwell.tui.values import Change, Hunk, TrackedPath

LINE = st.tuples(
    st.sampled_from(b" -+\\"),
    st.sampled_from([b"", b"x", b"word " * 7, b"\t\ttab", b"\x1b[2J", "漢字".encode() * 9, b"a\r"]),
).map(lambda parts: bytes([parts[0]]) + parts[1] + b"\n")
FILES = st.lists(st.lists(st.lists(LINE, min_size=1, max_size=12), max_size=3), max_size=3)


def rows_of(files: Sequence[Sequence[Sequence[bytes]]]) -> DiffRows:
    changes = []
    for number, hunks in enumerate(files):
        made = [
            Hunk(f"{number}-{at}", 50 * at + 3, 9, 50 * at + 3, 9, tuple(lines))
            for at, lines in enumerate(hunks)
        ]
        changes.append(Change(TrackedPath(b"%d.py" % number), "M", added=1, hunks=tuple(made)))
    return DiffRows(changes)


def laid(rows: DiffRows, *, split: bool, room: int) -> Layout:
    found = list(lay_out(rows, split=split, room=room))[-1]
    assert found is not None
    return found


@given(FILES, st.booleans(), st.sampled_from([0, 8, 13]))
def test_every_row_is_shown_once_and_in_order(
    files: list[list[list[bytes]]], split: bool, room: int
) -> None:
    """Each side of two holds its lines in order; nothing is left out, nothing is doubled."""
    rows = rows_of(files)
    layout = laid(rows, split=split, room=room)
    spots = [layout.spot(line) for line in range(len(layout))]
    firsts = [spot for spot in spots if spot.part == 0]
    for side in (0, 1):
        shown = [spot[side] for spot in firsts if spot[side] != NONE]
        assert shown == sorted(set(shown))
    assert {row for spot in spots for row in spot[:2]} - {NONE} == set(range(len(rows)))
    if not split:
        assert all(spot.left == spot.right for spot in spots)
    for spot in spots if split else ():
        if spot.left != spot.right and NONE not in spot[:2]:
            assert rows.row(spot.left).kind not in (Kind.ADD, Kind.CONTEXT)
            assert rows.row(spot.right).kind not in (Kind.DELETE, Kind.CONTEXT)


@given(FILES, st.booleans(), st.sampled_from([0, 8, 13]))
def test_a_row_is_found_where_it_begins(
    files: list[list[list[bytes]]], split: bool, room: int
) -> None:
    """From a row to its line, which shows it from its first piece on."""
    rows = rows_of(files)
    layout = laid(rows, split=split, room=room)
    for row in range(len(rows)):
        spot = layout.spot(layout.line_of(row))
        assert row in spot[:2] and spot.part == 0


@given(FILES, st.booleans(), st.sampled_from([8, 13]))
def test_a_wrapped_row_has_a_line_for_each_piece(
    files: list[list[list[bytes]]], split: bool, room: int
) -> None:
    """As many lines as its pieces, or those of what stands beside it, need."""
    rows = rows_of(files)
    layout = laid(rows, split=split, room=room)
    spots = [layout.spot(line) for line in range(len(layout))]
    for row in range(len(rows)):
        mine = [spot for spot in spots if row in spot[:2]]
        both = {one for one in mine[0][:2] if one != NONE}
        texts = [rows.row(one).text for one in both if rows.row(one).kind in LINES]
        assert len(mine) == max((len(breaks(text, room)) for text in texts), default=1)
        assert [spot.part for spot in mine] == list(range(len(mine)))


@given(st.text(max_size=60), st.integers(2, 20))
def test_pieces_fit_and_make_the_whole(text: str, room: int) -> None:
    """Wide signs are never cut in half."""
    starts = breaks(text, room)
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    assert "".join(pieces) == text
    assert all(cells(piece) <= room for piece in pieces)


class Noted(Layout):
    """The newest layout can be looked at while it is made."""

    made: Layout

    def __init__(self, *, split: bool, room: int) -> None:
        super().__init__(split=split, room=room)
        Noted.made = self


def test_a_large_diff_is_laid_out_in_slices() -> None:
    """Whoever makes it can stop, and let others go first."""
    small = [[b"-a\n", b"+b\n", b"+c\n"]] * SLICE
    large = [[b"-a\n"] * (3 * SLICE) + [b"+b\n"] * (2 * SLICE)]
    for hunks in (small, large):
        rows = rows_of([hunks])
        with mock.patch.object(layout_module, "Layout", Noted):
            lengths = [len(Noted.made) for _ in lay_out(rows, split=True, room=0)]
        assert len(lengths) >= 3 and lengths[-1] < len(rows)
        assert max(b - a for a, b in pairwise([0, *lengths])) <= SLICE + 3


def test_rows_of_a_large_run_are_found_on_both_sides() -> None:
    """Without a walk through the run, whichever side is the longer one, wrapped or not."""
    short, long = [b"-a\n"] * 3_000, [b"+" + b"b" * 20 + b"\n"] * 9_000
    for run in (short + long, [b"-a\n"] * 9_000 + [b"+b\n"] * 3_000):
        rows = rows_of([[[b" x\n", *run, b" y\n"], [b"-c\n", b"+d\n"]]])
        for room in (0, 8):
            layout = laid(rows, split=True, room=room)
            for row in range(0, len(rows), 997):
                spot = layout.spot(layout.line_of(row))
                assert row in spot[:2] and spot.part == 0


@pytest.mark.parametrize("before", [0, 100, 131_060, 131_071, 131_072, 131_073, 300_000])
def test_the_one_long_line_of_a_large_hunk_is_wrapped(before: int) -> None:
    """Wherever it stands."""
    lines = [b"+" + b"x" * (before % 7) + b"\n", *[b"+abcde\n"] * (before // 7)]
    lines = [*lines, b"+" + b"y" * 9 + b"\n", b"+z\n"]
    rows = rows_of([[lines]])
    assert len(laid(rows, split=False, room=8)) == len(rows) + 1
