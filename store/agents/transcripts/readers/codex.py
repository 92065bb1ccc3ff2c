"""Codex CLI's rollouts: JSON lines, each with a type and a payload with a type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from stepwell.store.agents.adapters import codex
from stepwell.store.agents.adapters.common import number_in
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.transcripts.items import Edit, Happened, Items, Record, Said, Touched
from stepwell.store.agents.transcripts.records import (
    counted,
    decoded,
    mapping,
    text_of,
    text_or_none,
)
from stepwell.store.model.steps import Tokens

_EXIT_CODE = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,3})$", re.MULTILINE)
_SHELLS = ("exec_command", "shell_command", "shell", "local_shell")
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def items(lines: Iterable[Record], name: str, root: str) -> Items:
    """Yields what the lines tell; `name` is the session where they do not say."""
    reader = _Reader(name)
    for line in lines:
        yield from reader.read(line, mapping(line, "payload"))


class _Reader:
    def __init__(self, session: str) -> None:
        self._session = session
        self._model: object = None
        self._turn: object = None
        self._calls: dict[str, tuple[str, object]] = {}
        self._files: dict[str, tuple[Touched, ...]] = {}

    def read(self, line: Record, body: Record) -> Items:
        match line.get("type"), body.get("type"):
            case "session_meta", _:
                self._session = str(body.get("id") or self._session)
            case "turn_context", _:
                self._model, self._turn = body.get("model"), body.get("turn_id")
            case "event_msg", "item_completed" | "user_message":
                yield from self._item(line, body)
            case "event_msg", "token_count":
                used = mapping(mapping(body, "info"), "last_token_usage")
                yield Said(
                    f"count {line.get('timestamp')}",
                    tokens=_tokens(used),
                    model=text_or_none(self._model),
                )
            case "response_item", kind if kind in _CALLS:
                self._calls[str(body.get("call_id"))] = _call(body)
            case "response_item", kind if kind in _OUTPUTS:
                yield from self._ended(line, body)

    def _item(self, line: Record, body: Record) -> Items:
        item = mapping(body, "item")
        if item.get("type") == "AgentMessage":
            yield Said(str(item.get("id")), text_of(item.get("content")))
        elif item.get("type") == "FileChange":
            self._files[str(item.get("id"))] = _files(mapping(item, "changes"))
        elif text := _prompt(body, item):
            payload = {"session_id": self._session, "prompt": text, "turn_id": self._turn}
            event = codex.translate("UserPromptSubmit", payload)
            yield Happened(f"{self._turn or line.get('timestamp')}", line.get("timestamp"), event)

    def _ended(self, line: Record, body: Record) -> Items:
        id = str(body.get("call_id"))
        if id not in self._calls:
            return
        name, given = self._calls[id]
        result = text_of(body.get("output"))
        payload = {"session_id": self._session, "tool_name": name, "tool_input": given}
        payload |= {"tool_use_id": id, "tool_response": result, "model": self._model}
        event = _with_code(codex.translate("PostToolUse", payload), result)
        yield Happened(id, line.get("timestamp"), event, self._files.pop(id, ()))


def _with_code(event: AgentEvent | None, result: str) -> AgentEvent | None:
    """Returns the event with the exit code that the file tells, and the hook does not."""
    code = number_in(result, _EXIT_CODE)
    if event is None or code is None:
        return event
    return replace(event, exit_code=code, ok=code == 0)


def _tokens(used: Record) -> Tokens | None:
    """Returns what one request took; what Codex calls input is with what was cached."""
    tokens = counted(used, ("input_tokens",), ("output_tokens",), ("cached_input_tokens",))
    return tokens and replace(tokens, input=max(0, tokens.input - tokens.cached))


def _prompt(body: Record, item: Record) -> str:
    if item.get("type") == "UserMessage":
        return text_of(item.get("content"))
    return text_of(body.get("message")) if body.get("type") == "user_message" else ""


def _call(body: Record) -> tuple[str, object]:
    """Returns tool and input as Codex's hooks name them."""
    name = str(body.get("name"))
    if body.get("type") == "custom_tool_call":
        return name, {"command": body.get("input")}
    given = decoded(body.get("arguments"))
    if name not in _SHELLS:
        return name, {"command": given.get("input")} if name == "apply_patch" else given
    command = given.get("cmd", given.get("command"))
    words = " ".join(map(str, command)) if isinstance(command, list) else command
    return "Bash", {"command": words}


def _files(changes: Record) -> tuple[Touched, ...]:
    found: list[Touched] = []
    for path, change in changes.items():
        if not isinstance(change, dict):
            continue
        moved = change.get("move_path")
        match change.get("type"):
            case "add":
                found.append(Touched(path, after=str(change.get("content", ""))))
            case "delete":
                found.append(Touched(path, gone=True))
            case "update" if moved:
                found += [Touched(path, gone=True), Touched(str(moved))]
            case "update":
                found.append(Touched(path, edits=_edits(str(change.get("unified_diff", "")))))
    return tuple(found)


def _edits(diff: str) -> tuple[Edit, ...]:
    """Returns the hunks of a unified diff as replacements, context included."""
    found: list[Edit] = []
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[:1] in " -")
        new = "".join(line[1:] for line in lines if line[:1] in " +")
        found.append(Edit(old, new))
    return tuple(found)
