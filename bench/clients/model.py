"""A model that follows a script, for driving real coding agents without a network.

It speaks what the clients speak: Anthropic's messages, OpenAI's chat completions and responses, and
Gemini's generateContent. Each reply begins with a text that numbers it; a client sends its history
along with each request, so the number of the next reply is read off the request, and the server
needs no memory: resumed and parallel sessions just work.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NUMBERED = re.compile(r"\(reply (\d+)\)")
ASIDE = "An answer to something aside."
MODEL = "scripted"


@dataclass(frozen=True)
class Write:
    path: str
    text: str


@dataclass(frozen=True)
class Edit:
    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Shell:
    command: str


Action = Write | Edit | Shell
Reply = Sequence[Action]
"""The calls of one reply; none: the turn ends."""
Scripts = Mapping[str, Sequence[Reply]]
"""First prompt of a session -> the replies to it and to all that follow."""

_TOOLS: dict[type[Action], tuple[str, ...]] = {
    Write: ("Write", "write_file", "write", "apply_patch", "editor"),
    Edit: ("Edit", "replace", "edit", "apply_patch", "editor"),
    Shell: ("Bash", "run_shell_command", "bash", "exec_command", "shell_command", "run_commands"),
}
_FIELDS = {
    "path": ("file_path", "filePath", "path"),
    "text": ("content", "new_text"),
    "old": ("old_string", "oldString", "old_text"),
    "new": ("new_string", "newString", "new_text"),
    "command": ("command", "cmd", "commands"),
}


def call_of(action: Action, tools: dict[str, Any], folder: Path) -> tuple[str, Any]:
    """Returns the tool of those offered that does it, and what it is given."""
    name = next(name for name in _TOOLS[type(action)] if name in tools)
    if name == "apply_patch":
        return name, _patch(action)
    offered = tools[name].get("properties", {})
    given: dict[str, Any] = {}
    values = {**vars(action), "path": str(folder / getattr(action, "path", ""))}
    for field, spellings in _FIELDS.items():
        spelling = next((one for one in spellings if one in offered), None)
        if field in vars(action) and spelling is not None:
            given[spelling] = [values[field]] if spelling == "commands" else values[field]
    if isinstance(action, Edit) and "edits" in offered:
        given["edits"] = [{"oldText": action.old, "newText": action.new}]
    for field in ("instruction", "description"):
        if field in offered:
            given[field] = "as the script says"
    return name, given


def _patch(action: Action) -> str:
    if isinstance(action, Write):
        body = [f"*** Add File: {action.path}", *(f"+{line}" for line in action.text.splitlines())]
    else:
        assert isinstance(action, Edit)
        body = [f"*** Update File: {action.path}", "@@", f"-{action.old}", f"+{action.new}"]
    return "\n".join(["*** Begin Patch", *body, "*** End Patch", ""])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scripts: Scripts, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripts = scripts
        self.folder = folder
        self.errors: list[str] = []

    def answer(self, request: Any, tools: dict[str, Any]) -> tuple[str, list[tuple[str, Any]]]:
        """Returns the text and the calls of the reply that is due."""
        if not any(name in tools for name in _TOOLS[Shell]):
            return ASIDE, []
        history = json.dumps(request)
        replies = next(replies for prompt, replies in self.scripts.items() if prompt in history)
        due = max((int(number) for number in NUMBERED.findall(history)), default=-1) + 1
        reply = replies[due] if due < len(replies) else ()
        return f"(reply {due})", [call_of(action, tools, self.folder) for action in reply]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._json({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        speak = next((f for end, f in _PROTOCOLS.items() if path.endswith(end)), None)
        if speak is None:
            # Counting tokens, for one.
            self._json({"input_tokens": 100, "totalTokens": 100})
            return
        try:
            whole, events = speak(request, self.server)
        except Exception as error:
            self.server.errors.append(repr(error))
            raise
        if request.get("stream") or path.endswith(":streamGenerateContent"):
            self._stream(events)
        else:
            self._json(whole)

    def _json(self, document: object) -> None:
        data = json.dumps(document).encode()
        self._head("application/json", len(data))
        self.wfile.write(data if self.command != "HEAD" else b"")

    def _stream(self, events: Sequence[dict[str, Any]]) -> None:
        lines = []
        for event in events:
            named = f"event: {event['type']}\n" if "type" in event else ""
            lines.append(f"{named}data: {json.dumps(event)}\n\n")
        if "choices" in events[0]:
            lines.append("data: [DONE]\n\n")
        data = "".join(lines).encode()
        self._head("text/event-stream", len(data))
        self.wfile.write(data)

    def _head(self, kind: str, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()


Spoken = tuple[dict[str, Any], list[dict[str, Any]]]
"""The answer as one document, and as the events of a stream."""


def _new(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"


def _messages(request: Any, server: _Server) -> Spoken:
    tools = {tool["name"]: tool.get("input_schema", {}) for tool in request.get("tools", [])}
    text, calls = server.answer(request["messages"], tools)
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}]
    for name, given in calls:
        blocks.append({"type": "tool_use", "id": _new("toolu"), "name": name, "input": given})
    stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    usage = {"input_tokens": 100, "output_tokens": 20}
    message = {"id": _new("msg"), "type": "message", "role": "assistant", "usage": usage}
    message |= {"model": request["model"], "content": blocks, **stop}
    begun = {**message, "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            told = json.dumps(block["input"])
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": told}
        at = {"index": index}
        events.append({"type": "content_block_start", **at, "content_block": empty})
        events.append({"type": "content_block_delta", **at, "delta": delta})
        events.append({"type": "content_block_stop", **at})
    events.append({"type": "message_delta", "delta": stop, "usage": usage})
    return message, [*events, {"type": "message_stop"}]


def _chat(request: Any, server: _Server) -> Spoken:
    functions = [tool["function"] for tool in request.get("tools", [])]
    tools = {one["name"]: one.get("parameters", {}) for one in functions}
    text, calls = server.answer(request["messages"], tools)
    told = [
        {
            "index": index,
            "id": _new("call"),
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for index, (name, given) in enumerate(calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if told:
        message["tool_calls"] = told
    finish = "tool_calls" if told else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    base = {"id": _new("chat"), "created": 0, "model": request["model"]}
    whole = {"index": 0, "message": message, "finish_reason": finish}
    chunk = {**base, "object": "chat.completion.chunk"}
    deltas = ({"delta": message, "finish_reason": None}, {"delta": {}, "finish_reason": finish})
    events: list[dict[str, Any]] = [{**chunk, "choices": [{"index": 0, **one}]} for one in deltas]
    events[-1]["usage"] = usage
    return {**base, "object": "chat.completion", "choices": [whole], "usage": usage}, events


def _responses(request: Any, server: _Server) -> Spoken:
    offered = [tool for tool in request.get("tools", []) if "name" in tool]
    tools = {tool["name"]: tool.get("parameters") or {} for tool in offered}
    free = {tool["name"] for tool in offered if tool["type"] == "custom"}
    text, calls = server.answer(request["input"], tools)
    content = [{"type": "output_text", "text": text, "annotations": []}]
    items: list[dict[str, Any]] = [
        {"type": "message", "role": "assistant", "id": _new("msg"), "content": content}
    ]
    for name, given in calls:
        call = {"id": _new("item"), "call_id": _new("call"), "name": name, "status": "completed"}
        if name in free:
            items.append({**call, "type": "custom_tool_call", "input": given})
        else:
            items.append({**call, "type": "function_call", "arguments": json.dumps(given)})
    usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
    base = {"id": _new("resp"), "object": "response", "created_at": 0, "model": request["model"]}
    done = {**base, "status": "completed", "output": items, "usage": usage}
    begun = {**base, "status": "in_progress", "output": []}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(items):
        at = {"output_index": index, "item": item}
        events.append({"type": "response.output_item.added", **at})
        events.append({"type": "response.output_item.done", **at})
    return done, [*events, {"type": "response.completed", "response": done}]


def _gemini(request: Any, server: _Server) -> Spoken:
    offered = [f for tool in request.get("tools", []) for f in tool.get("functionDeclarations", [])]
    tools = {f["name"]: f.get("parametersJsonSchema") or f.get("parameters", {}) for f in offered}
    text, calls = server.answer(request["contents"], tools)
    if "json" in request.get("generationConfig", {}).get("responseMimeType", ""):
        text = json.dumps({"reasoning": ASIDE, "next_speaker": "user", "model_choice": "pro"})
    parts: list[dict[str, Any]] = [{"text": text}]
    parts += [{"functionCall": {"name": name, "args": given}} for name, given in calls]
    content = {"role": "model", "parts": parts}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    whole = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL}
    return whole, [whole]


_PROTOCOLS = {
    "/messages": _messages,
    "/chat/completions": _chat,
    "/responses": _responses,
    ":generateContent": _gemini,
    ":streamGenerateContent": _gemini,
}


@contextmanager
def serving(scripts: Scripts, folder: Path) -> Iterator[str]:
    """Serves scripts to clients that work in `folder`; yields the address.

    Raises:
        RuntimeError: at the end, when a request could not be answered.
    """
    server = _Server(scripts, folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
    if server.errors:
        raise RuntimeError(f"the scripted model failed: {server.errors[0]}")
