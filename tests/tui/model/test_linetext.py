"""Lines of text as they are shown."""

from __future__ import annotations

from stepwell.tui.model.linetext import LINES, text_lines


def test_lines_are_harmless() -> None:
    """What a command wrote comes from anywhere."""
    assert text_lines(b"one\r\n\x1b[2Jtwo\n\n") == ["one", "\\x1b[2Jtwo"]


def test_of_a_long_text_the_end_is_shown() -> None:
    """The verdict of a test run stands in its last lines."""
    shown = text_lines(b"".join(b"%d\n" % number for number in range(LINES + 5)))
    assert shown[0] == "(5 earlier lines not shown)"
    assert (shown[1], shown[-1], len(shown)) == ("5", str(LINES + 4), LINES + 1)


def test_prose_is_broken_into_lines() -> None:
    """A prompt is read without scrolling sideways; its empty lines stay."""
    shown = text_lines(b"word " * 40 + b"\n\nend", is_prose=True)
    assert max(map(len, shown)) <= 56
    assert shown[-2:] == ["", "end"]
