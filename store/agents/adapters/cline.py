"""Cline's hook payloads as events; what the CLI really sends, with the documented names beside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepwell.store.agents.adapters.common import (
    Dialect,
    Made,
    Payload,
    chosen,
    number_in,
    prompted,
    told,
    whole,
)
from stepwell.store.agents.events import AgentEvent, EventKind

AGENT = "cline"

_READS = frozenset((
    "read_files", "read_file", "list_files", "search_files", "search_codebase", "fetch_web_content",
    "list_code_definition_names", "ask_question", "ask_followup_question", "skills",
    "attempt_completion",
))  # fmt: skip
_VERBS = {"editor": "edit", "write_to_file": "write", "replace_in_file": "edit"}
_EXIT_CODE = re.compile(r"exited with code (\d{1,3})")


def translate(event: str, payload: Payload) -> AgentEvent | None:
    """Returns the event of a payload; None for one of no use."""
    return chosen(event, _EVENTS, payload)


def _session(payload: Payload) -> str:
    context = payload.get("sessionContext") or {}
    return f"{AGENT}:{context.get('rootSessionId') or payload['taskId']}"


_DIALECT = Dialect(_session, _READS, _VERBS, tool="name", given="input", key="id")


def _call(kind: EventKind, payload: Payload) -> AgentEvent | None:
    told_call: Mapping[str, Any] = payload.get("tool_call") or payload.get("tool_result") or {}
    documented = payload.get("preToolUse") or payload.get("postToolUse") or {}
    output = told_call.get("output")
    failed = _failures(output)
    roots = payload.get("workspaceRoots") or [""]
    call = {
        **told_call,
        **payload,
        "name": told_call.get("name") or documented["toolName"],
        "input": told_call.get("input", documented.get("parameters")),
        "id": told_call.get("id"),
    }
    return _DIALECT.call(
        kind,
        call,
        folder=roots[0],
        result=told(output) if kind == "call.after" else None,
        ok=not failed,
        exit_code=number_in(failed, _EXIT_CODE),
        duration_ms=whole(told_call.get("durationMs")),
    )


def _failures(output: object) -> str:
    """Returns what went wrong, in words; empty when nothing did."""
    parts = output if isinstance(output, list) else [output]
    bad = (p for p in parts if isinstance(p, Mapping) and p.get("success") is False)
    return "\n".join(str(part.get("error") or "failed") for part in bad)


_EVENTS: Mapping[str, Made] = {
    "TaskStart": lambda p: AgentEvent("session.start", _session(p)),
    "TaskResume": lambda p: AgentEvent("session.start", _session(p)),
    "UserPromptSubmit": lambda p: prompted(_session(p), (p.get("userPromptSubmit") or {}).get("prompt")),
    "PreToolUse": lambda p: _call("call.before", p),
    "PostToolUse": lambda p: _call("call.after", p),
    "TaskComplete": lambda p: AgentEvent("turn.end", _session(p)),
    "TaskCancel": lambda p: AgentEvent("turn.end", _session(p)),
}  # fmt: skip
EVENTS = tuple(_EVENTS)
"""Names of the hooks that are of use; each is a file."""
