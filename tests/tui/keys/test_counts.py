"""Numbers that are typed before a key."""

from __future__ import annotations

from stepwell.tui.keys.counts import Counts


def typed(digits: str) -> tuple[list[bool], int | None]:
    """Which digits were taken, and the count of the key that follows."""
    counts = Counts("123")
    taken = [counts.add(digit) for digit in digits]
    counts.end()
    return taken, counts.take()


def test_a_digit_that_is_a_key_begins_no_count() -> None:
    """From pane to pane and back is no number; behind a 0, or another digit, it counts."""
    assert typed("31") == ([False, False], None)
    assert typed("5") == ([True], 5)
    assert typed("012") == ([True, True, True], 12)
    assert typed("40") == ([True, True], 40)
    assert typed("0") == ([True], None)


def test_a_count_is_for_one_key_and_never_endless() -> None:
    """It is taken once; escape forgets it; a cat on the keyboard counts to ten million."""
    counts = Counts()
    for digit in "9" * 30:
        counts.add(digit)
    counts.end()
    assert counts.take() == 9_999_999 and counts.take() is None
    counts.add("4")
    counts.drop()
    counts.end()
    assert counts.typed == "" and counts.take() is None
