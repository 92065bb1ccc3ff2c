"""Claude Code's hook payloads as events."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.store.agents.events import AgentEvent

AGENT = "claude"

_ONLY_READS = frozenset(
    {
        "AskUserQuestion",
        "BashOutput",
        "EnterPlanMode",
        "ExitPlanMode",
        "Glob",
        "Grep",
        "LS",
        "ListMcpResourcesTool",
        "NotebookRead",
        "Read",
        "ReadMcpResourceTool",
        "TodoRead",
        "TodoWrite",
        "ToolSearch",
        "WebFetch",
        "WebSearch",
        # A subagent's calls have events of their own.
        "Agent",
        "Task",
    }
)
_OUR_OWN = "mcp__stepwell__"
_VERBS = {"Write": "write", "Edit": "edit", "MultiEdit": "edit", "NotebookEdit": "edit"}
_IN_THE_TREE = frozenset({"originalFile", "content", "structuredPatch", "gitDiff"})
"""Of a result: what the step's snapshot has anyway."""
_EXIT_CODE = re.compile(r"Exit code (\d{1,3})\b")


def translate(event: str, payload: Mapping[str, Any]) -> AgentEvent | None:
    """Returns the event of a payload; None for one that tells nothing about files."""
    made = _EVENTS.get(event or payload.get("hook_event_name", ""))
    return made(payload) if made else None


def _session(payload: Mapping[str, Any]) -> str:
    return f"{AGENT}:{payload['session_id']}"


def _start(payload: Mapping[str, Any]) -> AgentEvent:
    return AgentEvent("session.start", _session(payload))


def _prompt(payload: Mapping[str, Any]) -> AgentEvent | None:
    prompt = payload.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return None
    key = payload.get("prompt_id")
    return AgentEvent("prompt", _session(payload), key, title=prompt, prompt=prompt)


def _before(payload: Mapping[str, Any]) -> AgentEvent | None:
    return _call("call.before", payload)


def _after(payload: Mapping[str, Any]) -> AgentEvent | None:
    return _call("call.after", payload, result=_result(payload.get("tool_response")))


def _failed(payload: Mapping[str, Any]) -> AgentEvent | None:
    error = str(payload.get("error", ""))
    found = _EXIT_CODE.match(error)
    return _call(
        "call.after", payload, result=error, ok=False, exit_code=int(found[1]) if found else None
    )


def _turn_end(payload: Mapping[str, Any]) -> AgentEvent:
    return AgentEvent("turn.end", _session(payload))


def _session_end(payload: Mapping[str, Any]) -> AgentEvent:
    return AgentEvent("session.end", _session(payload))


_EVENTS: Mapping[str, Callable[[Mapping[str, Any]], AgentEvent | None]] = {
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


def _call(kind: Any, payload: Mapping[str, Any], **more: Any) -> AgentEvent | None:
    tool, given = str(payload["tool_name"]), payload.get("tool_input")
    if tool.startswith(_OUR_OWN):
        return None
    return AgentEvent(
        kind,
        _session(payload),
        payload.get("tool_use_id"),
        title=_title(tool, given, str(payload.get("cwd", ""))),
        tool=tool,
        only_reads=tool in _ONLY_READS,
        input=_command(given) or json.dumps(given, ensure_ascii=False),
        duration_ms=payload.get("duration_ms"),
        **more,
    )


def _command(given: Any) -> str:
    command = given.get("command") if isinstance(given, Mapping) else None
    return command if isinstance(command, str) else ""


def _title(tool: str, given: Any, folder: str) -> str:
    if _command(given):
        return f"$ {_command(given)}"
    path = (
        given.get("file_path") or given.get("notebook_path") if isinstance(given, Mapping) else ""
    )
    if tool in _VERBS and isinstance(path, str) and path:
        return f"{_VERBS[tool]} {_shown(path, folder)}"
    return tool


def _shown(path: str, folder: str) -> str:
    inside = os.path.isabs(path) and folder and path.startswith(folder.rstrip("/") + "/")
    return path[len(folder.rstrip("/")) + 1 :] if inside else path


def _result(response: Any) -> str | None:
    if response is None or isinstance(response, str):
        return response
    if isinstance(response, Mapping):
        if isinstance(response.get("stdout"), str):
            return str(response["stdout"]) + str(response.get("stderr") or "")
        response = {key: value for key, value in response.items() if key not in _IN_THE_TREE}
    return json.dumps(response, ensure_ascii=False)
