"""Three sides of a conflict line up where they agree, and nothing of any side is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.sides import SIDES, Sides

TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d"]), max_size=12).map(b"".join)


def shown(sides: Sides, stacked: bool = False) -> list[tuple[str, ...]]:
    rows = (sides.row(index, stacked) for index in range(sides.count(stacked)))
    return [(row.sign, *("" if one is None else one.text for one in row.cells)) for row in rows]


def test_signs_tell_whose_change_it_is() -> None:
    """Both differently, only ours, only theirs, both alike, nobody."""
    sides = Sides(
        (b"a\nx\nb\ny\nc\nz\nd\nw\n", b"a\n1\nb\n2\nc\nz\nd\nv\n", b"a\n3\nb\ny\nc\n4\nd\nv\n"), ""
    )
    assert [row[0] for row in shown(sides)] == [" ", "!", " ", "<", " ", ">", " ", "="]
    assert shown(sides)[1] == ("!", "x", "1", "3")
    assert sides.clashes == [1, 3, 5, 7]


def test_sides_without_a_base_line_up_with_each_other() -> None:
    """As when both added the file."""
    sides = Sides((None, b"a\nours\nb\n", b"a\ntheirs\nb\n"), "")
    assert shown(sides) == [("=", "", "a", "a"), ("!", "", "ours", "theirs"), ("=", "", "b", "b")]


def test_binary_content_is_never_shown() -> None:
    """A sentence stands for it."""
    sides = Sides((b"\0a", b"\0b", None), "binary: ...")
    assert sides.is_binary and sides.count(False) == sides.count(True) == 0


def test_hostile_lines_are_made_harmless() -> None:
    """No escape sequence gets through."""
    sides = Sides((b"a\n", b"\x1b[31mred\n", b"b\n"), "")
    assert all("\x1b" not in text for row in shown(sides) for text in row)


@given(TEXTS, TEXTS, TEXTS)
def test_every_line_of_every_side_is_there_once_and_in_order(
    base: bytes, ours: bytes, theirs: bytes
) -> None:
    """Whatever the texts; stacked, lines that all have stand once."""
    sides = Sides((base, ours, theirs), "")
    rows = [sides.row(index, False) for index in range(sides.count(False))]
    for side, text in enumerate((base, ours, theirs)):
        numbers = [row.cells[side].number for row in rows if (row.cells[side])]  # type: ignore[union-attr]
        assert numbers == list(range(1, len(text.splitlines()) + 1)), SIDES[side]
    stacked = [sides.row(index, True) for index in range(sides.count(True))]
    told = sum(not row.heading for row in stacked)
    once = {" ": (1,), "!": (0, 1, 2), "<": (0, 1), ">": (1, 2), "=": (0, 1)}
    assert told == sum(row.cells[side] is not None for row in rows for side in once[row.sign])


def test_stacked_sides_that_are_alike_stand_once() -> None:
    """The heading names both; what is unchanged and has nothing there is left out."""

    def headings(base: bytes, ours: bytes, theirs: bytes) -> list[str]:
        sides = Sides((base, ours, theirs), "")
        rows = [sides.row(index, True) for index in range(sides.count(True))]
        return [row.name for row in rows if row.heading]

    assert headings(b"a\nb\n", b"a\nb\n", b"a\n1\n") == ["ours and base", "theirs"]
    assert headings(b"a\nb\n", b"a\n1\n", b"a\nb\n") == ["ours", "base and theirs"]
    assert headings(b"a\nb\n", b"a\n1\n", b"a\n1\n") == ["ours and theirs", "base"]
    assert headings(b"a\n", b"a\n", b"a\n1\n") == ["theirs"]
    assert headings(b"a\nb\n", b"a\n1\n", b"a\n2\n") == ["ours", "base", "theirs"]
