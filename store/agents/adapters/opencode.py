"""What our OpenCode plugin hands on, as events: the plugin API's own inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.store.agents.adapters.common import (
    Dialect,
    Made,
    Payload,
    chosen,
    prompted,
    told,
    whole,
)
from stepwell.store.agents.events import AgentEvent, EventKind

AGENT = "opencode"

_READS = frozenset((
    "read", "glob", "grep", "list", "webfetch", "websearch", "codesearch", "todowrite", "todoread",
    "question", "skill", "lsp", "task", "plan_enter", "plan_exit",
))  # fmt: skip
_VERBS = {"write": "write", "edit": "edit", "multiedit": "edit", "patch": "edit"}


def translate(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of what the plugin sent; None for one of no use."""
    return chosen(event or str(payload.get("hook_event_name", "")), _EVENTS, payload)


_DIALECT = Dialect(
    lambda given: f"{AGENT}:{given['sessionID']}",
    _READS,
    _VERBS,
    tool="tool",
    given="args",
    key="callID",
)


def _message(payload: Payload) -> AgentEvent | None:
    given, output = payload["input"], payload["output"]
    texts = [part["text"] for part in output["parts"] if part.get("type") == "text"]
    text = "\n".join(texts).strip()
    # `opencode run` puts the prompt in quotes.
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return prompted(f"{AGENT}:{given['sessionID']}", text, output["message"]["id"])


def _call(kind: EventKind, payload: Payload) -> AgentEvent | None:
    given, output = payload["input"], payload["output"]
    metadata = output.get("metadata") or {}
    code = whole(metadata.get("exit")) if isinstance(metadata, Mapping) else None
    return _DIALECT.call(
        kind,
        given,
        given=given.get("args") or output.get("args"),
        folder=payload.get("cwd"),
        result=told(output.get("output")) if kind == "call.after" else None,
        ok=not code,
        exit_code=code,
    )


def _lifecycle(kind: EventKind, payload: Payload) -> AgentEvent:
    return AgentEvent(kind, f"{AGENT}:{payload['properties']['sessionID']}")


_EVENTS: Mapping[str, Made] = {
    "chat.message": _message,
    "tool.execute.before": lambda p: _call("call.before", p),
    "tool.execute.after": lambda p: _call("call.after", p),
    "event:session.created": lambda p: _lifecycle("session.start", p),
    "event:session.idle": lambda p: _lifecycle("turn.end", p),
}
