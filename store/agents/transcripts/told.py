"""What agents' own session files tell, as the events that their hooks would have sent.

The formats are nobody's promise: what is unknown or malformed is passed over. Files are other
people's input, so what is read of one is bounded.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stepwell.store.agents.adapters import claude, codex, gemini, pi
from stepwell.store.agents.adapters.common import number_in
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.transcripts import records

LONGEST_LINE = 16 << 20
LARGEST_FILE = 512 << 20
MOST = 100_000
"""Prompts and calls of one session that are taken."""

_PLAIN = re.compile(r"[!-~]{1,200}")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A prompt, or a call that ended."""

    id: str
    """The agent's own id of it, the same at each reading."""
    time_ns: int
    event: AgentEvent


def told_in(agent: str, path: Path, root: str) -> list[Told]:
    """Returns what a session file tells, in its order, each thing once; empty for any other file.

    `root` is the folder that the session was in.
    """
    found: dict[str, Told] = {}
    for id, time, event in _READERS[agent](_records(path), path, root):
        if len(found) >= MOST:
            break
        if event is not None and _PLAIN.fullmatch(id) and _PLAIN.fullmatch(event.session):
            found.setdefault(id, Told(id, _nanoseconds(time), event))
    return list(found.values())


def _records(path: Path) -> Iterator[Record]:
    """Yields the objects of a file of JSON lines, without what is no object or too long."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return
    with open(fd, "rb") as file:
        left = LARGEST_FILE
        while left > 0 and (line := file.readline(LONGEST_LINE)):
            left -= len(line)
            found = _object(line)
            if found is not None:
                yield found


def _object(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _nanoseconds(time: object) -> int:
    """Returns an RFC 3339 time as nanoseconds since 1970; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(str(time))
        return max(0, int(moment.timestamp() * 1000)) * 1_000_000
    except (ValueError, OverflowError, OSError):
        return 0


# --- the agents ----------------------------------------------------------------------------------

Found = tuple[str, object, AgentEvent | None]
"""The id, the time as the file tells it, and the event."""


def _claude(lines: Iterable[Record], path: Path, root: str) -> Iterator[Found]:
    calls: dict[str, tuple[str, object, object]] = {}
    for line in lines:
        message = records.mapping(line, "message")
        base = {"session_id": line.get("sessionId") or path.stem, "cwd": line.get("cwd") or root}
        for part in records.parts(message.get("content")):
            if part.get("type") == "tool_use":
                calls[str(part.get("id"))] = (
                    str(part.get("name")), part.get("input"), message.get("model"),
                )  # fmt: skip
            elif part.get("type") == "tool_result" and str(part.get("tool_use_id")) in calls:
                id = str(part["tool_use_id"])
                name, given, model = calls[id]
                payload = {**base, "tool_name": name, "tool_input": given, "tool_use_id": id}
                yield id, line.get("timestamp"), _with(_claude_call(payload, line, part), model)
        if line.get("type") == "user" and not line.get("isMeta"):
            text = records.text_of(message.get("content"))
            id = str(line.get("promptId") or line.get("uuid"))
            payload = {**base, "prompt": text, "prompt_id": id}
            yield id, line.get("timestamp"), claude.translate("UserPromptSubmit", payload)


def _claude_call(payload: Record, line: Record, part: Record) -> AgentEvent | None:
    if part.get("is_error") is True:
        error = records.text_of(part.get("content"))
        return claude.translate("PostToolUseFailure", {**payload, "error": error})
    response = line.get("toolUseResult") or records.text_of(part.get("content"))
    return claude.translate("PostToolUse", {**payload, "tool_response": response})


def _codex(lines: Iterable[Record], path: Path, root: str) -> Iterator[Found]:
    session, model, turn = path.stem, None, None
    calls: dict[str, tuple[str, object]] = {}
    for line in lines:
        body = records.mapping(line, "payload")
        match line.get("type"), body.get("type"):
            case "session_meta", _:
                session = str(body.get("id") or session)
            case "turn_context", _:
                model, turn = body.get("model"), body.get("turn_id")
            case "event_msg", "item_completed" | "user_message":
                text = records.codex_prompt(body)
                payload: Record = {"session_id": session, "prompt": text, "turn_id": turn}
                id = f"{turn or line.get('timestamp')}"
                yield id, line.get("timestamp"), codex.translate("UserPromptSubmit", payload)
            case "response_item", "function_call" | "custom_tool_call":
                calls[str(body.get("call_id"))] = records.codex_call(body)
            case "response_item", "function_call_output" | "custom_tool_call_output":
                id = str(body.get("call_id"))
                if id not in calls:
                    continue
                name, given = calls[id]
                result = records.text_of(body.get("output"))
                payload = {"session_id": session, "tool_name": name, "tool_input": given}
                payload |= {"tool_use_id": id, "tool_response": result, "model": model}
                event = codex.translate("PostToolUse", payload)
                yield id, line.get("timestamp"), _with_code(event, result)


def _with_code(event: AgentEvent | None, result: str) -> AgentEvent | None:
    """Returns the event with the exit code that the file tells, and the hook does not."""
    code = number_in(result, records.CODEX_EXIT)
    if event is None or code is None:
        return event
    return replace(event, exit_code=code, ok=code == 0)


def _gemini(lines: Iterable[Record], path: Path, root: str) -> Iterator[Found]:
    session = path.stem
    messages: dict[str, Record] = {}
    for line in lines:
        session = str(line.get("sessionId") or session)
        if isinstance(line.get("id"), str) and len(messages) < MOST:
            # A message is written again when its calls have ended.
            messages[line["id"]] = line
    for id, message in messages.items():
        time, text = message.get("timestamp"), records.text_of(message.get("content"))
        if message.get("type") == "user" and not text.startswith("<session_context>"):
            payload: Record = {"session_id": session, "prompt": text}
            yield id, time, gemini.translate("BeforeAgent", payload)
        for call in records.parts(message.get("toolCalls")):
            payload = {"session_id": session, "tool_name": call.get("name"), "cwd": root}
            payload |= {"tool_input": call.get("args"), "tool_use_id": call.get("id")}
            payload |= {"tool_response": records.gemini_result(call)}
            event = _with(gemini.translate("AfterTool", payload), message.get("model"))
            yield str(call.get("id")), call.get("timestamp") or time, event


def _pi(lines: Iterable[Record], path: Path, root: str) -> Iterator[Found]:
    calls: dict[str, tuple[object, object]] = {}
    for line in lines:
        message = records.mapping(line, "message")
        role, content = message.get("role"), message.get("content")
        if role == "user":
            payload: Record = {"session": path.name, "text": records.text_of(content)}
            yield str(line.get("id")), line.get("timestamp"), pi.translate("input", payload)
        for part in records.parts(content):
            if part.get("type") == "toolCall":
                calls[str(part.get("id"))] = (part.get("arguments"), message.get("model"))
        if role == "toolResult" and str(message.get("toolCallId")) in calls:
            id = str(message["toolCallId"])
            given, model = calls[id]
            name = message.get("toolName")
            payload = {**message, "session": path.name, "input": given}
            payload |= {"toolName": name, "cwd": root}
            event = pi.translate("tool_result", payload)
            yield id, line.get("timestamp"), _with(event, model)


def _with(event: AgentEvent | None, model: object) -> AgentEvent | None:
    if event is None or not isinstance(model, str):
        return event
    return replace(event, model=model)


_READERS: Mapping[str, Callable[[Iterable[Record], Path, str], Iterator[Found]]] = {
    claude.AGENT: _claude,
    codex.AGENT: _codex,
    gemini.AGENT: _gemini,
    pi.AGENT: _pi,
}
AGENTS = tuple(_READERS)
"""Whose session files can be read."""
