"""Which definition or heading encloses a line, guessed from indentation and opening words."""

from __future__ import annotations

import re
from collections.abc import Sequence

_REACH = 2_000
"""How many lines upwards are looked at."""

_OPENS = re.compile(
    r"(?:(?:async|export|default|public|private|protected|static|final|abstract|pub(?:\(\w+\))?|"
    r"unsafe|const|inline|virtual|override|local)\s+)*"
    r"(?:def|class|func|fn|function|impl|struct|enum|trait|interface|module|namespace|type|sub|"
    r"object|record)\b\s*\S"
)
_HEADING = re.compile(r"#{1,6}\s+\S|\[[^\[\]]+\]\s*$|\[\[[^\[\]]+\]\]\s*$")
_WITH_HEADINGS = (b".md", b".toml", b".ini", b".cfg", b".conf")


def enclosing(lines: Sequence[str], number: int, path: bytes = b"") -> str:
    """Returns the opening line of what encloses line `number` (from 1), stripped; "" for nothing.

    That is the nearest definition above that is indented less, or in Markdown and settings files
    (told by `path`) the nearest heading.
    """
    above = range(min(number, len(lines) + 1) - 2, -1, -1)[:_REACH]
    if path.endswith(_WITH_HEADINGS):
        return next((lines[at].strip() for at in above if _HEADING.match(lines[at])), "")
    depth = next((_indent(line) for line in lines[number - 1 : number + 20] if line.strip()), 0)
    for at in above:
        if depth == 0:
            return ""
        text = lines[at].strip()
        if text and _indent(lines[at]) < depth:
            if _OPENS.match(text):
                return text.rstrip("{: ")
            # An `if` or a closing bracket: what encloses it encloses the line too.
            depth = _indent(lines[at]) or 1
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
