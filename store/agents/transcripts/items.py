"""What readers of session files come upon, in its order: prompts and calls, and what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.store.agents.events import AgentEvent
from stepwell.store.model.steps import Tokens

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in a file's text."""

    old: str
    new: str
    everywhere: bool = False
    """Else `old` has to be there exactly once."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a call did to one file, as far as the record has its content."""

    path: str
    """Absolute, or relative to the session's folder."""
    after: str | None = None
    """The whole content afterwards; None: what `edits` make of it."""
    before: str | None = None
    """The whole content before; None: the record does not have it, or there was no such file."""
    edits: tuple[Edit, ...] = ()
    gone: bool = False
    """There is no such file afterwards."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A prompt, or a call that ended; `event` None: of no use."""

    id: str
    """The agent's own id of it, the same at each reading."""
    time: object
    """As the file tells it."""
    event: AgentEvent | None
    files: tuple[Touched, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the model; `id` because some files tell of it piece by piece."""

    id: str
    text: str = ""
    tokens: Tokens | None = None
    model: str | None = None


Items = Iterator[Happened | Said]
