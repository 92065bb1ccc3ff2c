"""Pi's session files: JSON lines, of which those of type `message` tell."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.store.agents.adapters import pi
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


def items(lines: Iterable[Record], name: str, root: str) -> Items:
    """Yields what the lines tell; `name` is that of the file, which has the session's id."""
    calls: dict[str, tuple[object, object]] = {}
    for line in lines:
        message = mapping(line, "message")
        role, content = message.get("role"), message.get("content")
        if role == "user":
            payload: Record = {"session": name, "text": text_of(content)}
            yield Happened(
                str(line.get("id")), line.get("timestamp"), pi.translate("input", payload)
            )
        if role == "assistant":
            yield _said(line, message)
        for part in parts(content):
            if part.get("type") == "toolCall":
                calls[str(part.get("id"))] = (part.get("arguments"), message.get("model"))
        if role == "toolResult" and str(message.get("toolCallId")) in calls:
            id = str(message["toolCallId"])
            given, model = calls[id]
            payload = {**message, "session": name, "input": given}
            payload |= {"toolName": message.get("toolName"), "cwd": root}
            event = with_model(pi.translate("tool_result", payload), model)
            failed = message.get("isError") is True
            files = () if failed else _files(message.get("toolName"), given)
            yield Happened(id, line.get("timestamp"), event, files)


def _said(line: Record, message: Record) -> Said:
    texts = [text_in(part) for part in parts(message.get("content")) if part.get("type") == "text"]
    used = mapping(message, "usage")
    tokens = counted(used, ("input", "cacheWrite"), ("output",), ("cacheRead",))
    return Said(str(line.get("id")), "\n".join(texts), tokens, text_or_none(message.get("model")))


def _files(tool: object, given: object) -> tuple[Touched, ...]:
    if not isinstance(given, dict) or not isinstance(given.get("path"), str):
        return ()
    if tool == "write" and isinstance(given.get("content"), str):
        return (Touched(given["path"], after=given["content"]),)
    edits = parts(given.get("edits")) or [given]
    made = tuple(Edit(str(one.get("oldText")), str(one.get("newText"))) for one in edits)
    return (Touched(given["path"], edits=made),) if tool == "edit" else ()
