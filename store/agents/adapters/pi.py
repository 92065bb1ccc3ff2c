"""What our Pi extension hands on, as events: the extension API's own events, and the session file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepwell.store.agents.adapters.common import (
    Dialect,
    Made,
    Payload,
    chosen,
    ended,
    number_in,
    prompted,
    told,
)
from stepwell.store.agents.events import AgentEvent, EventKind

AGENT = "pi"

_READS = frozenset(("read", "grep", "find", "ls"))
_VERBS = {"write": "write", "edit": "edit"}
_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_EXIT_CODE = re.compile(r"exited with code (\d{1,3})")


def translate(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of what the extension sent; None for one of no use."""
    return chosen(event or str(payload.get("type", "")), _EVENTS, payload)


def _session(payload: Payload) -> str:
    """Returns the session by the id in its file's name, or the whole name."""
    file = str(payload["session"]).rpartition("/")[2]
    found = _ID.search(file)
    return f"{AGENT}:{found[1] if found else file.removesuffix('.jsonl')}"


_DIALECT = Dialect(_session, _READS, _VERBS, tool="toolName", given="input", key="toolCallId")


def _call(kind: EventKind, payload: Payload) -> AgentEvent | None:
    result = _text(payload.get("content")) if kind == "call.after" else None
    failed = payload.get("isError") is True
    return _DIALECT.call(
        kind,
        payload,
        result=result,
        ok=not failed,
        exit_code=number_in(result, _EXIT_CODE) if failed else None,
    )


def _text(content: object) -> str | None:
    if not isinstance(content, list):
        return told(content)
    texts = [str(p.get("text", "")) for p in content if isinstance(p, Mapping)]
    return "\n".join(texts)


_EVENTS: Mapping[str, Made] = {
    "session_start": lambda p: AgentEvent("session.start", _session(p)),
    "input": lambda p: prompted(_session(p), p.get("text")),
    "tool_call": lambda p: _call("call.before", p),
    "tool_result": lambda p: _call("call.after", p),
    "agent_end": lambda p: ended("turn.end", _session(p), p, "session"),
    "session_shutdown": lambda p: ended("session.end", _session(p), p, "session"),
}
