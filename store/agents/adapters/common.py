"""What the adapters share: how a call's title, input and result are told, whatever the agent."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.store.agents.events import AgentEvent, EventKind

Payload = Mapping[str, Any]
Made = Callable[[Payload], AgentEvent | None]

OUR_OWN = re.compile(r"(?:^|_)stepwell_", re.IGNORECASE)
"""Tools of our own MCP server, however the client spells its name: they are no steps."""

_PATHS = ("file_path", "filePath", "path", "notebook_path", "absolute_path")
_LONGEST_TITLE = 200


def chosen(event: str, named: Mapping[str, Made], payload: Payload) -> AgentEvent | None:
    """Returns what the function of that event makes of a payload; None for one of no use."""
    made = named.get(event)
    return made(payload) if made else None


def prompted(session: str, text: object, key: object = None) -> AgentEvent | None:
    """Returns the event of a prompt; None for an empty one."""
    if not isinstance(text, str) or not text.strip():
        return None
    return AgentEvent("prompt", session, _text(key), title=text, prompt=text)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an agent names what all of them tell of a call."""

    session: Callable[[Payload], str]
    reads: frozenset[str]
    """Tools that change no files, or whose changes are told by calls of their own."""
    verbs: Mapping[str, str]
    """Tools that write one file, and what is said of them."""
    tool: str = "tool_name"
    given: str = "tool_input"
    key: str = "tool_use_id"
    folder: str = "cwd"

    def call(
        self,
        kind: EventKind,
        payload: Payload,
        *,
        given: object = None,
        folder: object = None,
        **more: Any,
    ) -> AgentEvent | None:
        """Returns the event of a tool call; None when the tool is one of ours.

        `given` and `folder` are what the payload does not say plainly, `more` further fields.
        """
        tool = str(payload[self.tool])
        if OUR_OWN.search(tool):
            return None
        given = payload.get(self.given) if given is None else given
        folder = str(folder or payload.get(self.folder) or "")
        return AgentEvent(
            kind,
            self.session(payload),
            _text(payload.get(self.key)),
            title=title(tool, given, folder, self.verbs),
            tool=tool,
            only_reads=tool in self.reads,
            input=command(given) or json.dumps(given, ensure_ascii=False),
            **more,
        )


def ended(
    kind: EventKind, session: str, payload: Payload, field: str = "transcript_path"
) -> AgentEvent:
    """Returns the end of a turn or session; `field` has the path of the agent's own record."""
    return AgentEvent(kind, session, record=_text(payload.get(field)))


def title(tool: str, given: object, folder: str, verbs: Mapping[str, str]) -> str:
    """Returns `$ COMMAND`, `edit src/app.py`, or the tool's name."""
    if run := command(given):
        return f"$ {run[:_LONGEST_TITLE]}"
    path = _path(given)
    if tool in verbs and path:
        return f"{verbs[tool]} {shown(path, folder)}"
    return tool


def command(given: object) -> str:
    """Returns the command line that a shell tool is to run; several are joined by `; `."""
    found = given.get("command", given.get("commands")) if isinstance(given, Mapping) else None
    if isinstance(found, list):
        return "; ".join(part for part in found if isinstance(part, str))
    return found if isinstance(found, str) else ""


def shown(path: str, folder: str) -> str:
    """Returns a path as seen from the agent's folder."""
    inside = folder.rstrip("/") + "/"
    return (
        path[len(inside) :] if os.path.isabs(path) and folder and path.startswith(inside) else path
    )


def told(response: object) -> str | None:
    """Returns a result as text; None when there is none."""
    if response is None or isinstance(response, str):
        return response
    return json.dumps(response, ensure_ascii=False)


def whole(value: object) -> int | None:
    """Returns a whole number that a payload gives; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_in(text: object, pattern: re.Pattern[str]) -> int | None:
    """Returns the number that the pattern's first group finds; None when it finds none."""
    found = pattern.search(text) if isinstance(text, str) else None
    return int(found[1]) if found else None


def _path(given: object) -> str:
    if not isinstance(given, Mapping):
        return ""
    return next((given[name] for name in _PATHS if isinstance(given.get(name), str)), "")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
