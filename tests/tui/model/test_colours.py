"""The memory of coloured lines."""

from __future__ import annotations

from stepwell.tui.model.colours import Colours
from stepwell.tui.values import Oid

A, B = Oid(b"a" * 20), Oid(b"b" * 20)
SPANS = ((0, 3, "keyword"),)


def test_lines_are_known_once_they_were_put() -> None:
    """Unknown is None, plain is an empty tuple: only the first is asked for again."""
    colours = Colours()
    colours.put(A, 5, [SPANS, ()])
    assert colours.spans(A, 5) == SPANS
    assert colours.spans(A, 6) == ()
    assert colours.spans(A, 7) is colours.spans(B, 5) is colours.spans(None, 5) is None
    assert colours.has(A, 5, 6) and not colours.has(A, 5, 7)


def test_a_finished_side_lacks_nothing() -> None:
    """Whatever lines are asked for."""
    colours = Colours()
    colours.put(A, 1, [SPANS], last=True)
    assert colours.has(A, 1, 99)


def test_the_memory_is_bounded_by_lines() -> None:
    """The side that was longest without new colours goes; the newest one stays whole."""
    colours = Colours(limit=10)
    colours.put(A, 1, [SPANS] * 8, last=True)
    colours.put(B, 1, [SPANS] * 8)
    assert colours.spans(A, 1) is None and not colours.has(A, 1, 1)
    colours.put(B, 9, [SPANS] * 40)
    assert colours.has(B, 1, 48)
