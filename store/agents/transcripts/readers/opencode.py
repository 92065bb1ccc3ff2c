"""OpenCode's database: sessions, their messages, and the parts of those, each a JSON object.

It is opened for reading only, and may be in use meanwhile. Earlier versions kept a file an object;
those are not read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stepwell.store.agents.adapters import opencode
from stepwell.store.agents.transcripts.items import Edit, Happened, Items, Record, Said, Touched
from stepwell.store.agents.transcripts.records import (
    LARGEST_FILE,
    LONGEST_LINE,
    MOST,
    counted,
    decoded,
    mapping,
    parts,
    text_in,
    text_or_none,
    with_model,
)
from stepwell.store.model.steps import Tokens

NAME = "opencode.db"
_WAIT_S = 2.0
_NEWEST = 500
"""Messages that are read where only the newest turns matter."""
_PACE = 100_000
_LONGEST = 1_000
"""A query is ended after so many times `_PACE` instructions of the database's machine."""


def sessions_in(database: Path, root: str, limit: int) -> list[str]:
    """Returns the ids of the newest sessions that were in a folder or below it, oldest first."""
    below = root.rstrip("/") + "/"
    query = (
        "SELECT id FROM session WHERE directory = ?1 OR substr(directory, 1, ?2) = ?3"
        " ORDER BY time_created DESC LIMIT ?4"
    )
    rows = _rows(database, query, (root, len(below), below, limit))
    return [str(id) for (id,) in rows][::-1]


def messages_of(database: Path, session: str, *, newest: bool = False) -> Iterator[Record]:
    """Yields the messages of a session in their order, each with its `parts`; or the newest only."""
    query = (
        "SELECT m.id, m.time_created, m.data, p.id, p.data FROM ("
        " SELECT id, time_created, data FROM message WHERE session_id = ?1 AND length(data) < ?2"
        " ORDER BY time_created DESC, id DESC LIMIT ?3) AS m"
        " LEFT JOIN part AS p ON p.message_id = m.id AND length(p.data) < ?2"
        " ORDER BY m.time_created, m.id, p.id"
    )
    limit = _NEWEST if newest else MOST
    rows = _rows(database, query, (session, LONGEST_LINE, limit))
    for (id, time, data), group in groupby(rows, key=lambda row: row[:3]):
        found = [{**decoded(part), "id": part_id} for *_, part_id, part in group if part]
        yield {**decoded(data), "id": id, "session": session, "time": time, "parts": found}


def _rows(database: Path, query: str, given: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yields rows until something is wrong with the database."""
    turns = 0

    def too_long() -> bool:
        nonlocal turns
        turns += 1
        return turns > _LONGEST

    if not _is_regular(database):
        return
    import sqlite3  # large, and each daemon loads this module

    uri = f"file:{quote(os.fsencode(database))}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(uri, _WAIT_S, uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.set_progress_handler(too_long, _PACE)
        left = LARGEST_FILE
        for row in connection.execute(query, given):
            left -= sum(len(value) for value in row if isinstance(value, str))
            if left < 0:
                return
            yield row


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def items(messages: Iterable[Record], name: str, root: str) -> Items:
    """Yields what the messages tell."""
    for message in messages:
        if message.get("role") == "user":
            yield _prompt(message, name)
        elif message.get("role") == "assistant":
            for part in parts(message.get("parts")):
                yield from _part(part, message, name, root)
            yield Said(
                str(message.get("id")),
                tokens=_tokens(mapping(message, "tokens")),
                model=text_or_none(message.get("modelID")),
            )


def _prompt(message: Record, session: str) -> Happened:
    texts = [
        {"type": "text", "text": text_in(part)}
        for part in parts(message.get("parts"))
        if part.get("type") == "text" and not part.get("synthetic")
    ]
    id = str(message.get("id"))
    output = {"parts": texts, "message": {"id": id}}
    payload = {"input": {"sessionID": session}, "output": output}
    return Happened(id, message.get("time"), opencode.translate("chat.message", payload))


def _part(part: Record, message: Record, session: str, root: str) -> Items:
    if part.get("type") == "text":
        yield Said(str(part.get("id")), text_in(part))
    state = mapping(part, "state")
    if part.get("type") == "tool" and state.get("status") in ("completed", "error"):
        yield _ended(part, state, message, session, root)


def _ended(part: Record, state: Record, message: Record, session: str, root: str) -> Happened:
    tool, id, given = str(part.get("tool")), str(part.get("callID")), mapping(state, "input")
    failed = state.get("status") == "error"
    output = {
        "output": state.get("error" if failed else "output"),
        "metadata": state.get("metadata"),
    }
    asked = {"tool": tool, "sessionID": session, "callID": id, "args": given}
    payload = {"cwd": root, "input": asked, "output": output}
    event = with_model(opencode.translate("tool.execute.after", payload), message.get("modelID"))
    if event is not None and failed:
        event = replace(event, ok=False)
    files = () if failed else _files(tool, given)
    time = mapping(state, "time").get("end") or message.get("time")
    return Happened(id, time, event, files)


def _tokens(used: Record) -> Tokens | None:
    cache = mapping(used, "cache")
    flat = {**used, "read": cache.get("read"), "write": cache.get("write")}
    return counted(flat, ("input", "write"), ("output", "reasoning"), ("read",))


def _files(tool: str, given: Record) -> tuple[Touched, ...]:
    path = given.get("filePath")
    if not isinstance(path, str):
        return ()
    if tool == "write" and isinstance(given.get("content"), str):
        return (Touched(path, after=given["content"]),)
    edits = parts(given.get("edits")) or [given]
    made = tuple(
        Edit(str(e.get("oldString")), str(e.get("newString")), e.get("replaceAll") is True)
        for e in edits
    )
    return (Touched(path, edits=made),) if tool in ("edit", "multiedit") else ()
