"""What a line that begins with `:` asks for beyond the command line's own words. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

SESSION_WORDS = ("snapshot", "snapshots", "metrics", "timeline")
_NAMED = re.compile(r"[\w.-]+:\S+")
"""How a session is called."""


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to be done."""

    act: Literal["run", "filter", "snapshot"]
    words: tuple[str, ...] = ()
    """Of run: the command line; of filter: the query; of snapshot: what it is."""


class NotUnderstood(Exception):
    """Carries the reason as a sentence."""


def understood(text: str, session: str | None) -> Order:
    """Returns what a line asks for; `session` is that of the selected step.

    Raises:
        NotUnderstood: it holds no words, or is about a session and none is selected.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NotUnderstood("a quote is not closed") from error
    if words[:1] == ["stepwell"]:
        words = words[1:]
    if not words:
        raise NotUnderstood("type a command; tab completes it")
    short = _session(words[1:], session) if words[0] == "session" else None
    return short or Order("run", tuple(words))


def _session(rest: Sequence[str], session: str | None) -> Order | None:
    """Returns what the short forms ask for, that are about the selected step's session."""
    word, given = (rest[0] if rest else ""), rest[1:]
    if word not in SESSION_WORDS or any(one.startswith("-") for one in given):
        return None
    if word == "snapshot":
        is_name = len(given) == 1 and _NAMED.fullmatch(given[0])
        return None if is_name else Order("snapshot", (" ".join(given),))
    if word == "metrics":
        return Order("run", ("metrics", *given))
    name = given[0] if given else session
    if name is None:
        raise NotUnderstood(f"the selected step is of no session: session {word} NAME")
    return Order("filter", (f"{'kind:checkpoint ' if word == 'snapshots' else ''}{of(name)}",))


def of(session: str) -> str:
    """Returns the filter that lists the steps of a session."""
    quoted = session.replace("\\", "\\\\").replace('"', '\\"')
    return f'session:"{quoted}"' if set(quoted) & set(' ",\\') else f"session:{session}"


class Completed(NamedTuple):
    """A line completed as far as it is clear."""

    line: str
    ways: tuple[str, ...] = ()
    """How it may go on, where there are several."""


def completed(text: str, offers: Callable[[Sequence[str]], Sequence[str]]) -> Completed:
    """Returns the line with its last word completed; `offers` tells what may follow other words."""
    lead, _, word = text.rpartition(" ")
    try:
        words = shlex.split(lead)
    except ValueError:
        return Completed(text)  # within quotes
    if words[:1] == ["stepwell"]:
        words = words[1:]
    known = [*offers(words), *(SESSION_WORDS if words == ["session"] else ())]
    ways = tuple(dict.fromkeys(one for one in known if shlex.quote(one).startswith(word)))
    if not ways or (len(ways) > 1 and not text.strip()):
        return Completed(text, ways)
    front = f"{lead} " if lead or text.startswith(" ") else ""
    if len(ways) == 1:
        return Completed(f"{front}{shlex.quote(ways[0])} ")
    low, high = min(map(shlex.quote, ways)), max(map(shlex.quote, ways))
    size = next((i for i, sign in enumerate(low) if sign != high[i : i + 1]), len(low))
    common = low[:size]
    return Completed(f"{front}{common}", ways if common == word else ())


class History:
    """The lines that were run, and the one that is typed."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        """`lines`: from before, the newest last."""
        self._lines = list(lines)
        self._at = len(self._lines)
        self._draft = ""

    def ran(self, line: str) -> None:
        """Takes a line; the same one twice running counts once."""
        if self._lines[-1:] != [line]:
            self._lines.append(line)
        self._at = len(self._lines)

    def step(self, way: int, typed: str) -> str:
        """Returns the line before (-1) or after (1); beyond the newest what was typed."""
        if self._at == len(self._lines):
            self._draft = typed
        self._at = max(0, min(len(self._lines), self._at + way))
        return self._lines[self._at] if self._at < len(self._lines) else self._draft
