"""Claude Code's hook payloads as events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepwell.store.agents.adapters.common import (
    Dialect,
    Made,
    Payload,
    chosen,
    ended,
    number_in,
    prompted,
    told,
    whole,
)
from stepwell.store.agents.events import AgentEvent, EventKind

AGENT = "claude"

_READS = frozenset((
    "AskUserQuestion", "BashOutput", "EnterPlanMode", "ExitPlanMode", "Glob", "Grep", "LS",
    "ListMcpResourcesTool", "NotebookRead", "Read", "ReadMcpResourceTool", "TodoRead", "TodoWrite",
    "ToolSearch", "WebFetch", "WebSearch",
    # A subagent's calls have events of their own.
    "Agent", "Task",
))  # fmt: skip
_VERBS = {"Write": "write", "Edit": "edit", "MultiEdit": "edit", "NotebookEdit": "edit"}
_IN_THE_TREE = frozenset({"originalFile", "content", "structuredPatch", "gitDiff"})
"""Of a result: what the step's snapshot has anyway."""
_EXIT_CODE = re.compile(r"\AExit code (\d{1,3})\b")


def translate(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload; None for one that tells nothing about files."""
    return chosen(event or payload.get("hook_event_name", ""), _EVENTS, payload)


def _session(payload: Payload) -> str:
    return f"{AGENT}:{payload['session_id']}"


_DIALECT = Dialect(_session, _READS, _VERBS)


def _start(payload: Payload) -> AgentEvent:
    return AgentEvent("session.start", _session(payload))


def _prompt(payload: Payload) -> AgentEvent | None:
    return prompted(_session(payload), payload.get("prompt"), payload.get("prompt_id"))


def _before(payload: Payload) -> AgentEvent | None:
    return _call("call.before", payload)


def _after(payload: Payload) -> AgentEvent | None:
    return _call("call.after", payload, result=_result(payload.get("tool_response")))


def _failed(payload: Payload) -> AgentEvent | None:
    error = str(payload.get("error", ""))
    code = number_in(error, _EXIT_CODE)
    return _call("call.after", payload, result=error, ok=False, exit_code=code)


def _turn_end(payload: Payload) -> AgentEvent:
    return ended("turn.end", _session(payload), payload)


def _session_end(payload: Payload) -> AgentEvent:
    return ended("session.end", _session(payload), payload)


_EVENTS: Mapping[str, Made] = {
    "SessionStart": _start,
    "UserPromptSubmit": _prompt,
    "PreToolUse": _before,
    "PostToolUse": _after,
    "PostToolUseFailure": _failed,
    "Stop": _turn_end,
    "StopFailure": _turn_end,
    "SessionEnd": _session_end,
}
EVENTS = tuple(_EVENTS)
"""Names of the hooks that are of use."""


def _call(kind: EventKind, payload: Payload, **more: Any) -> AgentEvent | None:
    return _DIALECT.call(kind, payload, duration_ms=whole(payload.get("duration_ms")), **more)


def _result(response: object) -> str | None:
    if isinstance(response, Mapping):
        if isinstance(response.get("stdout"), str):
            return str(response["stdout"]) + str(response.get("stderr") or "")
        response = {key: value for key, value in response.items() if key not in _IN_THE_TREE}
    return told(response)
