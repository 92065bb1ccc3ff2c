"""Cursor's and Goose's hook payloads as events, by their documentation: not tried with the clients."""

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

CURSOR = "cursor"
GOOSE = "goose"

_CURSOR_READS = frozenset(("Read", "Grep", "Glob", "LS", "WebSearch", "WebFetch", "Task"))
_GOOSE_READS = frozenset(("developer__read_file", "developer__list_files", "developer__search"))
_VERBS = {"Write": "write", "StrReplace": "edit", "Delete": "delete", "developer__edit": "edit",
          "developer__text_editor": "edit"}  # fmt: skip


def translate_cursor(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload of Cursor; None for one of no use."""
    return chosen(payload.get("hook_event_name") or event, _CURSOR, payload)


def translate_goose(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload of Goose; None for one of no use."""
    return chosen(payload.get("event") or event, _GOOSE, payload)


def _in_cursor(payload: Payload) -> str:
    return f"{CURSOR}:{payload['conversation_id']}"


def _in_goose(payload: Payload) -> str:
    return f"{GOOSE}:{payload['session_id']}"


_IN_CURSOR = Dialect(_in_cursor, _CURSOR_READS, _VERBS)
_IN_GOOSE = Dialect(_in_goose, _GOOSE_READS, _VERBS, key="tool_call_id", folder="working_dir")


def _cursor_call(kind: EventKind, payload: Payload, *, ok: bool = True) -> AgentEvent | None:
    roots = payload.get("workspace_roots") or [""]
    response = payload.get(
        "tool_output", payload.get("tool_response", payload.get("error_message"))
    )
    return _IN_CURSOR.call(
        kind,
        payload,
        folder=roots[0],
        model=payload.get("model"),
        result=told(response) if kind == "call.after" else None,
        ok=ok,
        duration_ms=whole(payload.get("duration")),
    )


def _goose_call(kind: EventKind, payload: Payload, *, ok: bool = True) -> AgentEvent | None:
    response = payload.get("tool_output", payload.get("error"))
    result = told(response) if kind == "call.after" else None
    return _IN_GOOSE.call(kind, payload, result=result, ok=ok)


_CURSOR: Mapping[str, Made] = {
    "sessionStart": lambda p: AgentEvent("session.start", _in_cursor(p)),
    "beforeSubmitPrompt": lambda p: prompted(
        _in_cursor(p), p.get("prompt"), p.get("generation_id")
    ),
    "preToolUse": lambda p: _cursor_call("call.before", p),
    "postToolUse": lambda p: _cursor_call("call.after", p),
    "postToolUseFailure": lambda p: _cursor_call("call.after", p, ok=False),
    "stop": lambda p: AgentEvent("turn.end", _in_cursor(p)),
    "sessionEnd": lambda p: AgentEvent("session.end", _in_cursor(p)),
}
CURSOR_EVENTS = tuple(_CURSOR)

_GOOSE: Mapping[str, Made] = {
    "SessionStart": lambda p: AgentEvent("session.start", _in_goose(p)),
    "UserPromptSubmit": lambda p: prompted(_in_goose(p), p.get("message")),
    "PreToolUse": lambda p: _goose_call("call.before", p),
    "PostToolUse": lambda p: _goose_call("call.after", p),
    "PostToolUseFailure": lambda p: _goose_call("call.after", p, ok=False),
    "Stop": lambda p: AgentEvent("turn.end", _in_goose(p)),
    "SessionEnd": lambda p: AgentEvent("session.end", _in_goose(p)),
}
GOOSE_EVENTS = tuple(_GOOSE)
"""Names of the hooks that are of use."""
