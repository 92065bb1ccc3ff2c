"""Codex CLI's hook payloads, and those of its `notify` program, as events.

Its names are Claude Code's. The exit code of a shell command is not told, a patch's is.
"""

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

AGENT = "codex"

_READS = frozenset(
    ("update_plan", "view_image", "web_search", "list_mcp_resources", "read_mcp_resource")
)
_FILES = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)
_EXIT_CODE = re.compile(r"\AExit code: (\d{1,3})\b")


def translate(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload; None for one of no use."""
    name = payload.get("hook_event_name") or payload.get("type") or event
    return chosen(name, _EVENTS, payload)


def _session(payload: Payload) -> str:
    return f"{AGENT}:{payload.get('session_id') or payload['thread-id']}"


_DIALECT = Dialect(_session, _READS, {"apply_patch": "edit"})


def _call(kind: EventKind, payload: Payload) -> AgentEvent | None:
    patches, given = payload["tool_name"] == "apply_patch", payload.get("tool_input")
    if patches:
        given = {"path": _patched(given), "patch": _patch(given)}
    result = told(payload.get("tool_response")) if kind == "call.after" else None
    code = number_in(result, _EXIT_CODE) if patches else None
    return _DIALECT.call(
        kind,
        payload,
        given=given,
        model=payload.get("model"),
        result=result,
        ok=not code,
        exit_code=code,
    )


def _patch(given: object) -> str:
    return str(given.get("command", "")) if isinstance(given, dict) else ""


def _patched(given: object) -> str:
    names = _FILES.findall(_patch(given))
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


_EVENTS: Mapping[str, Made] = {
    "SessionStart": lambda p: AgentEvent("session.start", _session(p)),
    "UserPromptSubmit": lambda p: prompted(_session(p), p.get("prompt"), p.get("turn_id")),
    "PreToolUse": lambda p: _call("call.before", p),
    "PostToolUse": lambda p: _call("call.after", p),
    "Stop": lambda p: ended("turn.end", _session(p), p),
    "agent-turn-complete": lambda p: AgentEvent("turn.end", _session(p)),
}
EVENTS = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
"""Names of the hooks that are of use."""
