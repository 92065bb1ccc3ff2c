"""What agents' own session files tell, as the events that their hooks would have sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.transcripts.items import Happened, Items, Record, Said, Touched
from stepwell.store.agents.transcripts.readers import claude, codex, gemini, opencode, pi
from stepwell.store.agents.transcripts.records import MOST, json_lines
from stepwell.store.model.steps import Tokens

_PLAIN = re.compile(r"[!-~]{1,200}")


class Source(NamedTuple):
    """Where the record of a session is."""

    path: Path
    session: str = ""
    """Its id, where a file holds many."""


@dataclass(frozen=True, slots=True)
class Told:
    """A prompt, or a call that ended."""

    id: str
    """The agent's own id of it, the same at each reading."""
    time_ns: int
    event: AgentEvent
    files: tuple[Touched, ...] = ()
    said: str = ""
    """What the model said before it; of a prompt: what it said last in the turn."""
    tokens: Tokens | None = None
    """Of a prompt: what its turn took."""
    model: str | None = None
    """Of a prompt: the model that answered last."""


def told_in(agent: str, source: Source, root: str, *, newest: bool = False) -> list[Told]:
    """Returns what a session's record tells, in its order, each thing once; empty for another file.

    `root` is the folder that the session was in. With `newest` only the end of the record is read,
    and a call may lack its prompt.
    """
    path, session = source
    if session:
        records = opencode.messages_of(path, session, newest=newest)
    else:
        records = json_lines(path, newest=newest)
    name = path.name if agent == "pi" else session or path.stem
    return _Telling(_READERS[agent](records, name, root)).told


class _Telling:
    """Puts down what was said to what came of it."""

    def __init__(self, items: Items) -> None:
        self._found: dict[str, Told] = {}
        self._prompt = ""
        self._text = ""
        self._counted: set[str] = set()
        for item in items:
            if len(self._found) >= MOST:
                break
            if isinstance(item, Said):
                self._say(item)
            else:
                self._happen(item)
        self._end_turn()

    @property
    def told(self) -> list[Told]:
        return list(self._found.values())

    def _say(self, said: Said) -> None:
        self._text = said.text or self._text
        prompt = self._found.get(self._prompt)
        if said.tokens is None or prompt is None or said.id in self._counted:
            return
        self._counted.add(said.id)
        total = (prompt.tokens or Tokens()) + said.tokens
        self._found[prompt.id] = replace(prompt, tokens=total, model=said.model or prompt.model)

    def _happen(self, item: Happened) -> None:
        event = item.event
        if event is None or item.id in self._found:
            return
        if not (_PLAIN.fullmatch(item.id) and _PLAIN.fullmatch(event.session)):
            return
        said = ""
        if event.kind == "prompt":
            self._end_turn()
            self._prompt = item.id
        else:
            said, self._text = self._text, ""
        told = Told(item.id, _nanoseconds(item.time), event, item.files, said)
        self._found[item.id] = told

    def _end_turn(self) -> None:
        prompt = self._found.get(self._prompt)
        if prompt is not None and self._text:
            self._found[prompt.id] = replace(prompt, said=self._text)
        self._text = ""


def _nanoseconds(time: object) -> int:
    """Returns a time (RFC 3339, or milliseconds) as nanoseconds since 1970; 0 for what is none."""
    if isinstance(time, int) and 0 < time < 1 << 43:
        return time * 1_000_000
    try:
        moment = datetime.fromisoformat(str(time))
        return max(0, int(moment.timestamp() * 1000)) * 1_000_000
    except (ValueError, OverflowError, OSError):
        return 0


_READERS: Mapping[str, Callable[[Iterable[Record], str, str], Items]] = {
    "claude": claude.items,
    "codex": codex.items,
    "gemini": gemini.items,
    "opencode": opencode.items,
    "pi": pi.items,
}
AGENTS = tuple(_READERS)
"""Whose session files can be read."""
