"""How one line of file content is shown: decoded, harmless, of bounded length.

Colour and word emphasis address characters of this form, so both are computed from it.
"""

from __future__ import annotations

from stepwell.tui.values import printable_line

CELLS = 2_000
"""Longer lines are cut here; nobody reads further, and lexing or measuring them stalls a screen."""

_BYTES = CELLS * 4


def line_text(line: bytes, *, endings: bool = False) -> str:
    """Returns a line as it is shown, without its line feed.

    A carriage return before the line feed is part of the ending: it is shown (escaped) only with
    `endings`. A cut line ends in `…`.
    """
    body = line[:-1] if line.endswith(b"\n") else line
    if not endings and body.endswith(b"\r"):
        body = body[:-1]
    text = printable_line(body[:_BYTES].decode("utf-8", "surrogateescape"))
    if len(text) > CELLS or len(body) > _BYTES:
        return text[: CELLS - 1] + "…"
    return text
