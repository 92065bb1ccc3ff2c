"""Picking what is meant out of the loose objects of session files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

CODEX_EXIT = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,3})$", re.MULTILINE)
_SHELLS = ("exec_command", "shell_command", "shell", "local_shell")


def mapping(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns the object in a field; an empty one where there is none."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def parts(content: object) -> list[Mapping[str, Any]]:
    """Returns the objects of a list; none of anything else."""
    return [one for one in content if isinstance(one, Mapping)] if isinstance(content, list) else []


def text_of(content: object) -> str:
    """Returns a message's text: a string, or the texts of its parts."""
    if isinstance(content, str):
        return content
    texts = (part.get("text") for part in parts(content))
    return "\n".join(text for text in texts if isinstance(text, str))


def codex_prompt(body: Mapping[str, Any]) -> str:
    """Returns the prompt that an event tells; empty for any other event."""
    item = mapping(body, "item")
    if item.get("type") == "UserMessage":
        return text_of(item.get("content"))
    return text_of(body.get("message")) if body.get("type") == "user_message" else ""


def codex_call(body: Mapping[str, Any]) -> tuple[str, object]:
    """Returns tool and input as Codex's hooks name them."""
    name = str(body.get("name"))
    if body.get("type") == "custom_tool_call":
        return name, {"command": body.get("input")}
    given = _decoded(body.get("arguments"))
    if name not in _SHELLS:
        return name, {"command": given.get("input")} if name == "apply_patch" else given
    command = given.get("cmd", given.get("command"))
    return "Bash", {
        "command": " ".join(map(str, command)) if isinstance(command, list) else command
    }


def gemini_result(call: Mapping[str, Any]) -> str:
    """Returns what a call gave back."""
    answers = [mapping(part, "functionResponse") for part in parts(call.get("result"))]
    outputs = [mapping(answer, "response") for answer in answers]
    return "\n".join(str(one.get("output", one.get("error", ""))) for one in outputs)


def _decoded(text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
