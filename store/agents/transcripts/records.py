"""Picking what is meant out of the loose objects of session files.

The formats are nobody's promise, and files are other people's input: what is unknown or malformed
is passed over, and what is read of one is bounded.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stepwell.store.agents.adapters.common import whole
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.transcripts.items import Record
from stepwell.store.model.steps import Tokens

LONGEST_LINE = 16 << 20
LARGEST_FILE = 512 << 20
MOST = 100_000
"""Prompts and calls of one session that are taken."""


NEWEST_BYTES = 4 << 20
"""What is read of the end of a record where only the newest turns matter."""


def json_lines(path: Path, *, newest: bool = False) -> Iterator[Record]:
    """Yields the objects of a file of JSON lines, without what is no object or too long.

    With `newest` only those near its end.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError):
        # A name with a zero byte, or one that the file system cannot spell, is a ValueError.
        return
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return
    with open(fd, "rb") as file:
        left = LARGEST_FILE
        if newest and os.fstat(fd).st_size > NEWEST_BYTES:
            file.seek(-NEWEST_BYTES, os.SEEK_END)
            file.readline(LONGEST_LINE)
        while left > 0 and (line := file.readline(LONGEST_LINE)):
            left -= len(line)
            if found := decoded(line):
                yield found


def decoded(text: object) -> Mapping[str, Any]:
    """Returns the object that a JSON text is; an empty one where it is none."""
    try:
        found = json.loads(text) if isinstance(text, str | bytes) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def mapping(record: Record, name: str) -> Mapping[str, Any]:
    """Returns the object in a field; an empty one where there is none."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def parts(content: object) -> list[Mapping[str, Any]]:
    """Returns the objects of a list; none of anything else."""
    return [one for one in content if isinstance(one, Mapping)] if isinstance(content, list) else []


def text_in(part: Record) -> str:
    """Returns the text of a part; empty where there is none."""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def text_or_none(value: object) -> str | None:
    """Returns a text; None for anything else, and for an empty one."""
    return value if isinstance(value, str) and value else None


def text_of(content: object) -> str:
    """Returns a message's text: a string, or the texts of its parts."""
    if isinstance(content, str):
        return content
    texts = (part.get("text") for part in parts(content))
    return "\n".join(text for text in texts if isinstance(text, str))


def with_model(event: AgentEvent | None, model: object) -> AgentEvent | None:
    """Returns the event with the model that the record names, if it names one."""
    return replace(event, model=model) if event is not None and isinstance(model, str) else event


def counted(
    used: Record, fresh: Sequence[str], output: Sequence[str], cached: Sequence[str]
) -> Tokens | None:
    """Returns the sums of counts under the given names; None where there is none of them."""

    def total(names: Sequence[str]) -> int:
        return sum(max(0, whole(used.get(name)) or 0) for name in names)

    tokens = Tokens(total(fresh), total(output), total(cached))
    return tokens if tokens != Tokens() else None
