"""Where agents keep the records of a folder's sessions."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from stepwell.store.agents.transcripts.readers import opencode
from stepwell.store.agents.transcripts.told import Source

_MOST = 2_000
"""Session files of one agent that are looked at, the newest."""


def sources(agent: str, folder: Path, root: str) -> list[Source]:
    """Returns the newest records of sessions in `root`; `folder` is where the agent keeps them."""
    if agent == "opencode":
        database = folder / opencode.NAME
        return [Source(database, id) for id in opencode.sessions_in(database, root, _MOST)]
    found = sorted(_PLACES[agent](folder, root), key=lambda path: path.name)
    return [Source(path) for path in found[-_MOST:]]


def _claude(folder: Path, root: str) -> list[Path]:
    return [*(folder / "projects" / re.sub(r"[^0-9A-Za-z]", "-", root)).glob("*.jsonl")]


def _codex(folder: Path, root: str) -> list[Path]:
    found = sorted((folder / "sessions").glob("*/*/*/rollout-*.jsonl"))[-_MOST:]
    return [path for path in found if _begins_in(path, root)]


def _begins_in(path: Path, root: str) -> bool:
    """Tells whether a file's first line names the folder; so Codex and Pi begin theirs."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline(1 << 20))
        folder = first.get("payload", first).get("cwd")
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    return isinstance(folder, str) and (folder == root or folder.startswith(root + "/"))


def _gemini(folder: Path, root: str) -> list[Path]:
    names = {hashlib.sha256(os.fsencode(root)).hexdigest()}
    try:
        projects = json.loads((folder / "projects.json").read_bytes()).get("projects", {})
        names.add(str(projects.get(root, "")))
    except (OSError, ValueError, AttributeError, RecursionError):
        pass
    safe = [name for name in names if name and os.sep not in name and name not in (".", "..")]
    return [p for name in safe for p in (folder / "tmp" / name / "chats").glob("session-*.jsonl")]


def _pi(folder: Path, root: str) -> list[Path]:
    return [path for path in (folder / "sessions").glob("*/*.jsonl") if _begins_in(path, root)]


_PLACES: Mapping[str, Callable[[Path, str], list[Path]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "pi": _pi,
}
