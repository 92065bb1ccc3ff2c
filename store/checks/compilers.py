"""Messages of compilers and interpreters: where, how bad, and what.

gcc and clang (GNU error format), rustc, tsc in both of its forms, Python's SyntaxError and the last
line of a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning"]

MOST = 200
"""How many messages are read."""

_LONGEST = 500
_ASSERTED = re.compile(r"^E\s+")
"""What pytest puts before the lines of an error."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; lines and columns count from 1, and are None where none is said."""

    path: str
    line: int | None
    column: int | None
    severity: Severity
    text: str


_STYLES = re.compile(r"\x1b\[[0-9;]*[mK]")
_PLACE = r"(?P<path>[^\s:(][^:\n(]{0,400})"
_GNU = re.compile(
    rf"^{_PLACE}:(?P<line>\d{{1,9}}):(?:(?P<column>\d{{1,9}}):)? (?P<severity>fatal error|error|warning): (?P<text>.*)$"
)
_TSC = re.compile(
    rf"^{_PLACE}\((?P<line>\d{{1,9}}),(?P<column>\d{{1,9}})\): (?P<severity>error|warning) (?P<text>TS\d+: .*)$"
)
_TSC_PRETTY = re.compile(
    rf"^{_PLACE}:(?P<line>\d{{1,9}}):(?P<column>\d{{1,9}}) - (?P<severity>error|warning) (?P<text>TS\d+: .*)$"
)
_RUST = re.compile(r"^(?P<severity>error|warning)(?P<code>\[\w+\])?: (?P<text>.*)$")
_RUST_PLACE = re.compile(r"^\s*--> (?P<path>.+?):(?P<line>\d{1,9}):(?P<column>\d{1,9})$")
_FILE = re.compile(r'^\s*File "(?P<path>[^"\n]+)", line (?P<line>\d{1,9})')
_RAISED = re.compile(
    r"^(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)): ?(?P<text>.*)$"
)


def compiler_messages(text: str) -> Iterator[Message]:
    """Yields the messages in an output, in order, up to 200."""
    yield from islice(_messages(_STYLES.sub("", text).splitlines()), MOST)


def _messages(lines: list[str]) -> Iterator[Message]:
    place: re.Match[str] | None = None
    for at, line in enumerate(_ASSERTED.sub("", line) for line in lines):
        if len(line) > 4_000:
            continue
        if found := _FILE.match(line):
            place = found
        elif found := _GNU.match(line) or _TSC.match(line) or _TSC_PRETTY.match(line):
            yield _message(found, found, found["text"])
        elif (found := _RUST.match(line)) and (where := _next_place(lines, at)):
            yield _message(found, where, f"{found['text']} {found['code'] or ''}".strip())
        elif place is not None and (found := _RAISED.match(line)):
            said = f"{found['kind']}: {found['text']}".rstrip(": ")
            yield Message(place["path"], int(place["line"]), None, "error", said[:_LONGEST])
            place = None


def _next_place(lines: list[str], at: int) -> re.Match[str] | None:
    """Returns where rustc says that its message belongs: a line or two below it."""
    for line in lines[at + 1 : at + 3]:
        if found := _RUST_PLACE.match(line):
            return found
    return None


def _message(said: re.Match[str], where: re.Match[str], text: str) -> Message:
    column = where["column"]
    severity: Severity = "warning" if said["severity"] == "warning" else "error"
    return Message(
        where["path"].strip(),
        int(where["line"]),
        int(column) if column else None,
        severity,
        text[:_LONGEST],
    )
