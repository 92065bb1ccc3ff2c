"""How one line of file content is shown: decoded, harmless, of bounded length.

Colour and word emphasis address characters of this form, so both are computed from it.
"""

from __future__ import annotations

from textwrap import wrap

from stepwell.tui.model.notices import size_text
from stepwell.tui.values import plural, printable_line

CELLS = 2_000
"""Longer lines are cut here; nobody reads further, and lexing or measuring them stalls a screen."""

_BYTES = CELLS * 4

_PROSE = 56
LINES = 1_000
"""Of a longer text the last so many lines are shown: what a command said at its end counts."""


def line_text(line: bytes, *, endings: bool = False) -> str:
    """Returns a line as it is shown, without its line feed.

    A carriage return before the line feed is part of the ending: it is shown (escaped) only with
    `endings`. A cut line ends in how large it is.
    """
    body = line[:-1] if line.endswith(b"\n") else line
    if not endings and body.endswith(b"\r"):
        body = body[:-1]
    text = printable_line(body[:_BYTES].decode("utf-8", "surrogateescape"))
    if len(text) > CELLS or len(body) > _BYTES:
        end = f"… (cut: the line has {size_text(len(body))})"
        return text[: CELLS - len(end)] + end
    return text


def text_lines(text: bytes, *, is_prose: bool = False) -> list[str]:
    """Returns a text's lines as they are shown; of a long one the end, and how much is left out.

    Prose is broken into lines that every pane has room for.
    """
    lines = text.rstrip(b"\n").split(b"\n")
    left_out = len(lines) - LINES
    shown = [line_text(line) for line in lines[max(0, left_out) :]]
    if is_prose:
        shown = [part for line in shown for part in wrap(line, _PROSE) or [""]]
    return [f"({plural(left_out, 'earlier line')} not shown)", *shown] if left_out > 0 else shown
