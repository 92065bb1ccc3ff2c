"""What agents tell us, in one shape: an adapter an agent translates its payloads into this."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

EventKind = Literal[
    "session.start", "prompt", "call.before", "call.after", "turn.end", "session.end"
]


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One thing that happened in an agent's session. Texts are as the agent gave them."""

    kind: EventKind
    session: str
    """`AGENT:ID`."""
    key: str | None = None
    """The agent's own id of the call or, of a prompt, of the turn; seen again, it changes nothing."""
    title: str = ""
    """One line for the timeline."""
    prompt: str | None = None
    tool: str | None = None
    only_reads: bool = False
    """The tool is known not to change files, or its changes are told by calls of their own."""
    input: str | None = None
    result: str | None = None
    ok: bool = True
    exit_code: int | None = None
    duration_ms: int | None = None
    model: str | None = None
    record: str | None = None
    """Path of the agent's own record of the session, where it tells of it."""
    risk: str = ""
    """Of a call that is about to run a command: what is risky in it, in a few words."""


def without_text(event: AgentEvent) -> AgentEvent:
    """Returns the event as it may be told where texts are not wanted: its tool and file are left."""
    title = event.title
    if event.kind == "prompt":
        title = "prompt"
    elif title.startswith("$ "):
        title = event.tool or ""
    return replace(event, title=title, prompt=None, input=None, result=None)
