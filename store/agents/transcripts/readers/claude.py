"""Claude Code's session files: JSON lines, declared internal, so what is unknown is passed over."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.store.agents.adapters import claude
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.transcripts.items import Edit, Happened, Items, Record, Said, Touched
from stepwell.store.agents.transcripts.records import (
    counted,
    mapping,
    parts,
    text_in,
    text_of,
    text_or_none,
    with_model,
)

Call = tuple[str, object, object]
"""Tool, input and model."""


def items(lines: Iterable[Record], name: str, root: str) -> Items:
    """Yields what the lines tell; `name` is the session where they do not say."""
    calls: dict[str, Call] = {}
    for line in lines:
        message = mapping(line, "message")
        base = {"session_id": line.get("sessionId") or name, "cwd": line.get("cwd") or root}
        if line.get("type") == "assistant":
            yield _said(message, line)
        for part in parts(message.get("content")):
            if part.get("type") == "tool_use":
                call = (str(part.get("name")), part.get("input"), message.get("model"))
                calls[str(part.get("id"))] = call
            elif part.get("type") == "tool_result" and str(part.get("tool_use_id")) in calls:
                yield _ended(line, part, base, calls[str(part["tool_use_id"])])
        # What a subagent is asked is a call of the session.
        aside = line.get("isMeta") or line.get("isSidechain")
        if line.get("type") == "user" and not aside:
            text = text_of(message.get("content"))
            id = str(line.get("promptId") or line.get("uuid"))
            payload = {**base, "prompt": text, "prompt_id": id}
            event = claude.translate("UserPromptSubmit", payload)
            yield Happened(id, line.get("timestamp"), event)


def _said(message: Record, line: Record) -> Said:
    texts = [text_in(part) for part in parts(message.get("content")) if part.get("type") == "text"]
    used = mapping(message, "usage")
    fresh = ("input_tokens", "cache_creation_input_tokens")
    tokens = counted(used, fresh, ("output_tokens",), ("cache_read_input_tokens",))
    return Said(
        str(message.get("id") or line.get("uuid")),
        "\n".join(texts),
        tokens,
        text_or_none(message.get("model")),
    )


def _ended(line: Record, part: Record, base: Record, call: Call) -> Happened:
    id, (name, given, model) = str(part["tool_use_id"]), call
    payload = {**base, "tool_name": name, "tool_input": given, "tool_use_id": id}
    event = with_model(_event(payload, line, part), model)
    failed = part.get("is_error") is True
    files = () if failed else _files(name, mapping(line, "toolUseResult"))
    return Happened(id, line.get("timestamp"), event, files)


def _event(payload: Record, line: Record, part: Record) -> AgentEvent | None:
    if part.get("is_error") is True:
        error = text_of(part.get("content"))
        return claude.translate("PostToolUseFailure", {**payload, "error": error})
    response = line.get("toolUseResult") or text_of(part.get("content"))
    return claude.translate("PostToolUse", {**payload, "tool_response": response})


def _files(tool: str, result: Record) -> tuple[Touched, ...]:
    path = result.get("filePath")
    if not isinstance(path, str):
        return ()
    before = result.get("originalFile", result.get("originalFileContents"))
    before = before if isinstance(before, str) else None
    if tool == "Write" and isinstance(result.get("content"), str):
        return (Touched(path, after=result["content"], before=before),)
    # What a person changed in an edit before allowing it is told nowhere.
    edits = () if result.get("userModified") else _edits(tool, result)
    return (Touched(path, before=before, edits=edits),) if tool in ("Edit", "MultiEdit") else ()


def _edits(tool: str, result: Record) -> tuple[Edit, ...]:
    if tool == "Edit":
        old, new = result.get("oldString"), result.get("newString")
        return (Edit(str(old), str(new), result.get("replaceAll") is True),)
    return tuple(
        Edit(str(one.get("old_string")), str(one.get("new_string")), one.get("replace_all") is True)
        for one in parts(result.get("edits"))
    )
