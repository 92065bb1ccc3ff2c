"""Old sessions of agents, from condensed copies of the files that real clients wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.store import RefusedError, Step, Workspace
from stepwell.store.agents.transcripts.sessions import chosen, find_sessions, import_session
from stepwell.store.agents.transcripts.told import AGENTS, told_in
from stepwell.store.model.errors import NotFoundError

OLD = Path(__file__).parent / "old"
FIRST = "Create a small calculator module and some data for it."
SECOND = "Now remove the data folder and add a changelog."


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "kept.txt").write_text("kept\n")
    with Workspace.init(root, home=tmp_path / "data") as opened:
        yield opened


def laid_out(agent: str, workspace: Workspace, folder: Path) -> Path:
    """Puts an agent's old session where the agent would have; returns the file."""
    root = os.fsdecode(workspace.root)
    places = {
        "claude": f"projects/{re.sub('[^0-9A-Za-z]', '-', root)}/9eaaed0c.jsonl",
        "codex": "sessions/2026/11/21/rollout-2026-11-21T01-37-03-01a1fbbf.jsonl",
        "gemini": "tmp/repo/chats/session-2026-11-21T01-37-be39e8f8.jsonl",
        "pi": "sessions/--repo--/2026_01a1fbc0-62dc-75ec-9ad6-8e2952e941de.jsonl",
    }
    path = folder / places[agent]
    path.parent.mkdir(parents=True)
    path.write_text((OLD / f"{agent}.jsonl").read_text().replace("/work/repo", root))
    if agent == "gemini":
        (folder / "projects.json").write_text(json.dumps({"projects": {root: "repo"}}))
    return path


def imported(agent: str, workspace: Workspace, folder: Path) -> list[Step]:
    """Imports the agent's one session; returns its steps, oldest first."""
    [session] = find_sessions(workspace, agent, folder)
    import_session(workspace, session)
    return list(workspace.steps(session=session.name, limit=100))[::-1]


@pytest.mark.parametrize("agent", AGENTS)
def test_a_session_becomes_a_timeline(agent: str, workspace: Workspace, tmp_path: Path) -> None:
    """Prompts, calls, results and models are there, in two turns, on a branch of their own."""
    laid_out(agent, workspace, tmp_path / agent)
    before = workspace.view()
    steps = imported(agent, workspace, tmp_path / agent)
    prompts = [step for step in steps if step.kind == "prompt"]
    assert [step.title for step in prompts] == [FIRST, SECOND]
    assert [step.turn for step in steps] == [1] * 6 + [2] * 4
    calls = [step for step in steps if step.kind == "tool"]
    assert [step.title for step in calls][-1] == "$ echo build > out.log"
    assert "calc.py" in calls[0].title and "/" not in calls[0].title
    assert all(step.model and step.input and step.result_text for step in calls)
    assert [step.result.ok for step in calls if step.result] == [*[True] * 4, False, *[True] * 3]
    assert {step.flags for step in steps} == {("imported", "partial", "without-files")}
    assert {step.branch.partition("/")[0] for step in steps} == {agent}
    assert workspace.view().branches[before.current] == before.branches[before.current]


@pytest.mark.parametrize("agent", AGENTS)
def test_importing_again_adds_only_what_is_new(
    agent: str, workspace: Workspace, tmp_path: Path
) -> None:
    """A session that went on is continued on its branch; nothing is imported twice."""
    path = laid_out(agent, workspace, tmp_path / agent)
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:12]))
    some = imported(agent, workspace, tmp_path / agent)
    path.write_text(whole)
    steps = imported(agent, workspace, tmp_path / agent)
    assert 0 < len(some) < len(steps) == 10
    assert imported(agent, workspace, tmp_path / agent) == steps
    assert len({step.branch for step in steps}) == 1


def test_nothing_can_be_put_back_from_it(workspace: Workspace, tmp_path: Path) -> None:
    """Going back to such a step, or switching to a branch made there, is refused; files stay."""
    laid_out("claude", workspace, tmp_path / "claude")
    step = imported("claude", workspace, tmp_path / "claude")[-1]
    for plan in (
        lambda: workspace.plan_rollback(step),
        lambda: workspace.plan_rollback(step, side="before"),
        lambda: workspace.plan_rollback(step, paths=[b"kept.txt"]),
        lambda: workspace.plan_switch(step.branch),
    ):
        with pytest.raises(RefusedError) as raised:
            plan()
        assert raised.value.hint
    workspace.create_branch("mine", at=step)
    with pytest.raises(RefusedError):
        workspace.plan_switch("mine")
    assert (Path(os.fsdecode(workspace.root)) / "kept.txt").read_text() == "kept\n"


def test_a_session_recorded_as_it_happened_is_not_offered(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Where real steps of the session exist, its file has nothing to add."""
    laid_out("claude", workspace, tmp_path / "claude")
    [session] = find_sessions(workspace, "claude", tmp_path / "claude")
    (Path(os.fsdecode(workspace.root)) / "new.txt").write_text("new\n")
    workspace.capture("live", session=session.name)
    [again] = find_sessions(workspace, "claude", tmp_path / "claude")
    assert again.live and not session.live


def test_a_session_is_chosen_by_the_beginning_of_its_id(
    workspace: Workspace, tmp_path: Path
) -> None:
    """With or without the agent's name; what names none is an error."""
    laid_out("claude", workspace, tmp_path / "claude")
    sessions = find_sessions(workspace, "claude", tmp_path / "claude")
    assert chosen(sessions, "9eaa") == chosen(sessions, "claude:9eaa") == sessions
    with pytest.raises(NotFoundError):
        chosen(sessions, "nothing")


def test_sessions_of_other_folders_are_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    """A session file counts only where it says, by place or content, that it is of this folder."""
    for agent in AGENTS:
        path = laid_out(agent, workspace, tmp_path / agent)
        root = os.fsdecode(workspace.root)
        path.write_text(path.read_text().replace(root, "/elsewhere"))
        if agent in ("claude", "gemini"):
            shutil.move(path.parent, path.parent.with_name("elsewhere"))
        assert find_sessions(workspace, agent, tmp_path / agent) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(data=st.data(), agent=st.sampled_from(AGENTS))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_malformed_files_are_read_as_far_as_they_go(
    data: st.DataObject, agent: str, tmp_path: Path
) -> None:
    """Fields of any kind, lines that are no JSON and deep nesting are passed over."""
    lines: list[Any] = [
        json.loads(line) for line in (OLD / f"{agent}.jsonl").read_text().splitlines()
    ]
    for _ in range(data.draw(st.integers(1, 6))):
        _spoil(data, data.draw(st.sampled_from(lines)))
    text = [json.dumps(line) for line in lines]
    text.insert(
        data.draw(st.integers(0, len(text))), data.draw(st.sampled_from(("", "{", "[" * 9_999)))
    )
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(text))
    for told in told_in(agent, path, "/work/repo"):
        assert told.time_ns >= 0 and told.event.kind in ("prompt", "call.after")


def _spoil(data: st.DataObject, line: dict[str, Any]) -> None:
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


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe, a folder or a link in the place of a session tells nothing, and blocks nobody."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "link.jsonl").symlink_to(OLD / "claude.jsonl")
    for path in tmp_path.iterdir():
        assert told_in("claude", path, "/work/repo") == []
