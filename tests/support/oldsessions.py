"""Records that agents keep of a session, condensed from files that real clients wrote."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from stepwell.store import Workspace

_OLD = Path(__file__).parents[1] / "store/agents/transcripts/old"
SOME = {"claude": 12, "codex": 14, "gemini": 12, "opencode": 20, "pi": 12}
"""Lines of a record that hold a part of the session."""


def record_of(agent: str) -> str:
    """Returns an agent's record; the session was in /work/repo. OpenCode's has a line for each row."""
    return (_OLD / f"{agent}.jsonl").read_text()


def laid_out(agent: str, workspace: Workspace, folder: Path) -> Path:
    """Puts an agent's old session where the agent would have; returns the file."""
    root = os.fsdecode(workspace.root)
    places = {
        "claude": f"projects/{re.sub('[^0-9A-Za-z]', '-', root)}/9eaaed0c.jsonl",
        "codex": "sessions/2026/11/21/rollout-2026-11-21T01-37-03-01a1fbbf.jsonl",
        "gemini": "tmp/repo/chats/session-2026-11-21T01-37-be39e8f8.jsonl",
        "opencode": "opencode.db",
        "pi": "sessions/--repo--/2026_01a1fbc0-62dc-75ec-9ad6-8e2952e941de.jsonl",
    }
    path = folder / places[agent]
    path.parent.mkdir(parents=True)
    write(agent, path, record_of(agent).replace("/work/repo", root))
    if agent == "gemini":
        (folder / "projects.json").write_text(json.dumps({"projects": {root: "repo"}}))
    return path


def write(agent: str, path: Path, text: str) -> None:
    """Writes an agent's record of one session; OpenCode's is a database with a row for each line."""
    if agent != "opencode":
        path.write_text(text)
        return
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE session (id, directory, time_created);"
            "CREATE TABLE message (id, session_id, time_created, data);"
            "CREATE TABLE part (id, message_id, session_id, data);"
        )
        for line in text.splitlines():
            row = json.loads(line)
            table = row.pop("table")
            names, places = ", ".join(row), ", ".join("?" * len(row))
            database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", [*row.values()])
        database.commit()
