"""The sanitiser: what comes from a workspace is made harmless before any terminal, log or page.

Escaped are control characters (C0, C1, DEL), format characters (bidirectional overrides, zero
width, tags), separators other than the space, surrogates, private and unassigned code points. What
is left cannot move the cursor, reorder text or hide. Markup needs no escaping here because nothing
in this project parses text as markup.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ODD = re.compile(r"[^\x20-\x7e]")


def printable(text: str) -> str:
    """Returns `text` with every character that could act on a terminal shown as an escape."""
    return _ODD.sub(_visible, text)


def printable_line(text: str, tab_size: int = 4) -> str:
    """Returns one line of file content made harmless, its tabs widened to spaces."""
    return printable(text.expandtabs(tab_size))


def _visible(found: re.Match[str]) -> str:
    char = found.group()
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_bytes(data: bytes) -> str:
    """Returns bytes that should be UTF-8 text, made harmless; bad bytes as `\\xNN`."""
    return printable(data.decode("utf-8", "surrogateescape"))


def message_parts(message: str) -> tuple[str, str]:
    """Returns what a message gives a step as its title, and what the title leaves out, or "".

    That is, as in git, all after the first line; of a first line too long for a title, everything.
    """
    whole = message.strip()
    first, _, rest = whole.partition("\n")
    fits = one_line(whole) == printable(first.rstrip())
    return first, rest.strip("\r\n") if fits else whole


def one_line(text: str, limit: int = 120) -> str:
    """Returns the first line of `text`, made harmless and cut to `limit` characters."""
    # Every character takes a cell at least, so what follows is cut off in any case.
    head = text.lstrip()[: limit + 1].splitlines()
    first = head[0] if head else ""
    clean = printable(first if len(first) > limit else first.rstrip())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def rfc3339(time_ns: int) -> str:
    """Returns RFC 3339 UTC with milliseconds."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    stamp = datetime.fromtimestamp(seconds, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def plural(count: int, noun: str) -> str:
    """Returns `1 file`, `2 files`, `2 branches`."""
    ending = "es" if noun.endswith("ch") else "s"
    return f"{count:,} {noun}{'' if count == 1 else ending}"
