"""Gemini CLI's and Qwen Code's hook payloads as events.

Qwen Code is of Gemini's code base, with Claude Code's event names. Gemini gives a call no id: a call
and its end are told apart by their order.
"""

from __future__ import annotations

import re

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

AGENT = "gemini"
QWEN = "qwen"

_READS = frozenset((
    "read_file", "read_many_files", "list_directory", "glob", "search_file_content",
    "grep_search", "google_web_search", "web_fetch", "web_search", "save_memory", "write_todos",
    "todo_write", "exit_plan_mode", "ask_user", "task",
))  # fmt: skip
_VERBS = {"write_file": "write", "replace": "edit", "edit": "edit"}
_EXIT_CODE = re.compile(r"^Exit Code: (-?\d{1,3})$", re.MULTILINE)


_DIALECTS = {
    AGENT: Dialect(lambda p: f"{AGENT}:{p['session_id']}", _READS, _VERBS),
    QWEN: Dialect(lambda p: f"{QWEN}:{p['session_id']}", _READS, _VERBS),
}


def translate(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload of Gemini CLI; None for one of no use."""
    return _translated(AGENT, event, payload)


def translate_qwen(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload of Qwen Code; None for one of no use."""
    return _translated(QWEN, event, payload)


def _translated(agent: str, event: str, payload: Payload) -> AgentEvent | None:
    dialect = _DIALECTS[agent]
    session = dialect.session(payload)
    prompt, before, after, end = _NAMES[agent]
    named: dict[str, Made] = {
        "SessionStart": lambda p: AgentEvent("session.start", session),
        "SessionEnd": lambda p: ended("session.end", session, p),
        # Qwen asks again with an empty prompt before each call of the model.
        prompt: lambda p: prompted(session, p.get("prompt")),
        before: lambda p: _call("call.before", dialect, p),
        after: lambda p: _call("call.after", dialect, p),
        "PostToolUseFailure": lambda p: _call("call.after", dialect, p, failed=True),
        end: lambda p: ended("turn.end", session, p),
    }
    return chosen(payload.get("hook_event_name") or event, named, payload)


_NAMES = {
    AGENT: ("BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent"),
    QWEN: ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop"),
}
EVENTS = ("SessionStart", "SessionEnd", *_NAMES[AGENT])
QWEN_EVENTS = ("SessionStart", "SessionEnd", *_NAMES[QWEN], "PostToolUseFailure")
"""Names of the hooks that are of use."""


def _call(
    kind: EventKind, dialect: Dialect, payload: Payload, *, failed: bool = False
) -> AgentEvent | None:
    result = _result(payload.get("tool_response") or payload.get("error"))
    code = number_in(result, _EXIT_CODE)
    return dialect.call(
        kind,
        payload,
        result=result if kind == "call.after" else None,
        ok=not failed and not code,
        exit_code=code,
    )


def _result(response: object) -> str | None:
    if isinstance(response, dict):
        return told(response.get("llmContent", response))
    return told(response)
