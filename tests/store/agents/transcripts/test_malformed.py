"""Records that are damaged, hostile or of another version."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.oldsessions import laid_out, record_of, write

from stepwell.store import Workspace
from stepwell.store.agents.transcripts.places import sources
from stepwell.store.agents.transcripts.rebuilt import first_known, scenes
from stepwell.store.agents.transcripts.sessions import find_sessions, import_session
from stepwell.store.agents.transcripts.told import AGENTS, Source, told_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PER_TEST = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def spoiled(data: st.DataObject, agent: str) -> str:
    """Returns a record with some values in it replaced by others, and a line that is no JSON."""
    lines: list[Any] = [json.loads(line) for line in record_of(agent).splitlines()]
    for line in lines:
        if "data" in line:
            line["data"] = json.loads(line["data"])
    for _ in range(data.draw(st.integers(1, 6))):
        line = data.draw(st.sampled_from(lines))
        spoil(data, line["data"] if data.draw(st.booleans()) and "data" in line else line)
    for line in lines:
        if "table" in line:
            line |= {k: v if scalar(v) else json.dumps(v) for k, v in line.items()}
    text = [json.dumps(line) for line in lines if agent != "opencode" or is_row(line)]
    if agent != "opencode":
        odd = data.draw(st.sampled_from(("", "{", "[" * 9_999)))
        text.insert(data.draw(st.integers(0, len(text))), odd)
    return "\n".join(text)


def scalar(value: object) -> bool:
    return isinstance(value, str | bool | None) or (
        isinstance(value, int) and -(1 << 63) <= value < 1 << 63
    )


def is_row(line: dict[str, Any]) -> bool:
    return line.get("table") in ("session", "message", "part")


def spoil(data: st.DataObject, line: dict[str, Any]) -> None:
    """Replaces one value somewhere in the line."""
    at: Any = line
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            at[key] = data.draw(JSON)
            return
        at = at[key]


@given(data=st.data(), agent=st.sampled_from(AGENTS))
@PER_TEST
def test_records_are_read_as_far_as_they_go(
    data: st.DataObject, agent: str, tmp_path: Path
) -> None:
    """Fields of any kind, lines that are no JSON and deep nesting are passed over."""
    path = tmp_path / ("opencode.db" if agent == "opencode" else "session.jsonl")
    write(agent, path, spoiled(data, agent))
    known = sources(agent, tmp_path, "/work/repo") if agent == "opencode" else [Source(path)]
    for source in known:
        told = told_in(agent, source, "/work/repo")
        for one in told:
            assert one.time_ns >= 0 and one.event.kind in ("prompt", "call.after")
        first = first_known(told, "/work/repo", lambda path: True)
        for scene in scenes(told, "/work/repo", first, lambda path: True):
            assert all(
                name not in (b"..", b".git") for p in scene.contents for name in p.split(b"/")
            )


@given(data=st.data(), agent=st.sampled_from(AGENTS))
@settings(PER_TEST, max_examples=10)
def test_what_can_be_read_of_them_is_imported(
    data: st.DataObject, agent: str, tmp_path_factory: Any
) -> None:
    """A spoiled record gives fewer or other steps, which are sound, and never an error."""
    folder = tmp_path_factory.mktemp("spoiled")
    (folder / "repo").mkdir()
    with Workspace.init(folder / "repo", home=folder / "data") as workspace:
        path = laid_out(agent, workspace, folder / agent)
        text = spoiled(data, agent).replace("/work/repo", os.fsdecode(workspace.root))
        write(agent, path, text)
        for session in find_sessions(workspace, agent, folder / agent):
            import_session(workspace, session)
        assert not workspace.verify(full=True).damaged


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe, a folder or a link in the place of a record tells nothing, and blocks nobody."""
    laid = tmp_path / "real.jsonl"
    write("claude", laid, record_of("claude"))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(laid)
    assert told_in("claude", Source(laid), "/work/repo")
    for name in ("pipe", "folder", "link"):
        assert told_in("claude", Source(tmp_path / name), "/work/repo") == []
        assert told_in("opencode", Source(tmp_path / name, "s"), "/work/repo") == []


def test_a_database_that_would_never_answer_is_given_up(tmp_path: Path) -> None:
    """A view in the place of a table may count for ever."""
    with closing(sqlite3.connect(tmp_path / "opencode.db")) as database:
        database.execute(
            "CREATE VIEW session AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT i AS id, '/elsewhere' || i AS directory, i AS time_created FROM n"
        )
    assert sources("opencode", tmp_path, "/work/repo") == []


def test_a_damaged_database_tells_what_it_can(tmp_path: Path) -> None:
    """Bytes that are no database, or a part of one, are no error."""
    path = tmp_path / "opencode.db"
    write("opencode", path, record_of("opencode"))
    whole = path.read_bytes()
    for content in (b"", b"no database", whole[: len(whole) // 2], whole[:200] + whole[400:]):
        path.write_bytes(content)
        for source in sources("opencode", tmp_path, "/work/repo"):
            told_in("opencode", source, "/work/repo")
