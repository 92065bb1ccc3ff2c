"""Gemini CLI's chat files: JSON lines; a message is written again when its calls have ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stepwell.store.agents.adapters import gemini
from stepwell.store.agents.transcripts.items import Happened, Items, Record, Said, Touched
from stepwell.store.agents.transcripts.records import (
    MOST,
    counted,
    mapping,
    parts,
    text_of,
    text_or_none,
    with_model,
)
from stepwell.store.model.steps import Tokens


def items(lines: Iterable[Record], name: str, root: str) -> Items:
    """Yields what the lines tell; `name` is the session where they do not say."""
    session = name
    messages: dict[str, Record] = {}
    for line in lines:
        session = str(line.get("sessionId") or session)
        if isinstance(line.get("id"), str) and len(messages) < MOST:
            messages[line["id"]] = line
    for id, message in messages.items():
        time, text = message.get("timestamp"), text_of(message.get("content"))
        if message.get("type") == "gemini":
            yield Said(
                id, text, _tokens(mapping(message, "tokens")), text_or_none(message.get("model"))
            )
        if message.get("type") == "user" and not text.startswith("<session_context>"):
            payload = {"session_id": session, "prompt": text}
            yield Happened(id, time, gemini.translate("BeforeAgent", payload))
        for call in parts(message.get("toolCalls")):
            yield _ended(call, message, session, root)


def _ended(call: Record, message: Record, session: str, root: str) -> Happened:
    payload: Record = {
        "session_id": session,
        "cwd": root,
        "tool_name": call.get("name"),
        "tool_input": call.get("args"),
        "tool_use_id": call.get("id"),
        "tool_response": _result(call),
    }
    event = with_model(gemini.translate("AfterTool", payload), message.get("model"))
    files = _files(mapping(call, "resultDisplay")) if call.get("status") == "success" else ()
    time = call.get("timestamp") or message.get("timestamp")
    return Happened(str(call.get("id")), time, event, files)


def _result(call: Record) -> str:
    answers = [mapping(part, "functionResponse") for part in parts(call.get("result"))]
    outputs = [mapping(answer, "response") for answer in answers]
    return "\n".join(str(one.get("output", one.get("error", ""))) for one in outputs)


def _tokens(used: Record) -> Tokens | None:
    """Returns what one request took; what Gemini calls input is with what was cached."""
    tokens = counted(used, ("input",), ("output", "thoughts"), ("cached",))
    return tokens and replace(tokens, input=max(0, tokens.input - tokens.cached))


def _files(shown: Record) -> tuple[Touched, ...]:
    path, old, new = (shown.get(n) for n in ("filePath", "originalContent", "newContent"))
    if not isinstance(path, str) or not isinstance(new, str):
        return ()
    before = old if isinstance(old, str) and not shown.get("isNewFile") else None
    return (Touched(path, after=new, before=before),)
