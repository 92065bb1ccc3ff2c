"""Old sessions of agents, from condensed copies of the files that real clients wrote."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.oldsessions import SOME, laid_out, record_of, write

from stepwell.store import RefusedError, Step, Workspace
from stepwell.store.agents.transcripts.sessions import chosen, find_sessions, import_session
from stepwell.store.agents.transcripts.told import AGENTS
from stepwell.store.model.errors import NotFoundError

FIRST = "Create a small calculator module and some data for it."
SECOND = "Now remove the data folder and add a changelog."


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "kept.txt").write_text("kept\n")
    with Workspace.init(root, home=tmp_path / "data") as opened:
        yield opened


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
    assert {step.flags for step in steps} <= {
        ("imported", "partial", "without-files"),
        ("imported", "partial", "some-files"),
        ("imported", "partial", "some-files", "outside"),
    }
    assert {step.branch.partition("/")[0] for step in steps} == {agent}
    assert workspace.view().branches[before.current] == before.branches[before.current]


@pytest.mark.parametrize("agent", AGENTS)
def test_importing_again_adds_only_what_is_new(
    agent: str, workspace: Workspace, tmp_path: Path
) -> None:
    """A session that went on is continued on its branch; nothing is imported twice."""
    path = laid_out(agent, workspace, tmp_path / agent)
    root = os.fsdecode(workspace.root)
    text = record_of(agent).replace("/work/repo", root)
    lines = text.splitlines(keepends=True)
    write(agent, path, "".join(lines[: SOME[agent]]))
    some = imported(agent, workspace, tmp_path / agent)
    write(agent, path, "".join(lines))
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
        write(agent, path, record_of(agent).replace("/work/repo", "/elsewhere"))
        if agent in ("claude", "gemini"):
            shutil.move(path.parent, path.parent.with_name("elsewhere"))
        assert find_sessions(workspace, agent, tmp_path / agent) == []
