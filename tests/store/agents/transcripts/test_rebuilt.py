"""Files of old sessions, as far as the records have them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oldsessions import laid_out

from stepwell.store import RefusedError, Step, Workspace
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.transcripts.items import Edit, Touched
from stepwell.store.agents.transcripts.rebuilt import first_known, scenes
from stepwell.store.agents.transcripts.sessions import find_sessions, import_session
from stepwell.store.agents.transcripts.told import AGENTS, Told

CALC = b"def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
CHECKED = CALC.replace(b"a + b", b"a + b  # checked")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "repo"
    root.mkdir()
    (root / ".gitignore").write_text("*.env\n")
    with Workspace.init(root, home=tmp_path / "data") as opened:
        yield opened


def imported(agent: str, workspace: Workspace, folder: Path) -> list[Step]:
    """Lays out and imports the agent's one session; returns its steps, oldest first."""
    laid_out(agent, workspace, folder)
    [session] = find_sessions(workspace, agent, folder)
    import_session(workspace, session)
    return list(workspace.steps(session=session.name, limit=100))[::-1]


@pytest.mark.parametrize("agent", AGENTS)
def test_edited_files_have_their_contents(agent: str, workspace: Workspace, tmp_path: Path) -> None:
    """Each step shows its own edit; what the shell did to the file afterwards nobody can know."""
    steps = imported(agent, workspace, tmp_path / agent)
    edits = [step for step in steps if step.title.startswith(("write", "edit"))]
    assert [workspace.read_file(step, b"calc.py") for step in edits] == [CALC, CHECKED, CHECKED]
    assert (
        workspace.read_file(steps[-1], b"CHANGES.md") == b"# Changes\n\n- removed the data folder\n"
    )
    changed = [set(workspace.changed_paths(step)) for step in edits]
    assert changed == [{b"calc.py"}, {b"calc.py"}, {b"CHANGES.md"}]
    assert [step.changes.added for step in edits] == [6, 1, 3]
    assert not workspace.verify(full=True).damaged


def test_going_back_to_some_files_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """With the reason, and with the way in which one file can be had; nothing is changed."""
    step = imported("claude", workspace, tmp_path / "claude")[-1]
    assert "some-files" in step.flags
    for plan in (
        lambda: workspace.plan_rollback(step),
        lambda: workspace.plan_rollback(step, side="before"),
        lambda: workspace.plan_rollback(step, paths=[b"calc.py"]),
        lambda: workspace.plan_switch(step.branch),
        lambda: workspace.plan_merge(step.branch),
        lambda: workspace.try_approaches([("a", "true")], base=step),
    ):
        with pytest.raises(RefusedError) as raised:
            plan()
        assert "some files only" in raised.value.message
        assert f"stepwell cat '#{step.seq}:PATH'" in (raised.value.hint or "")
    assert sorted(os.listdir(workspace.root)) == [b".gitignore"]


def call(id: str, *files: Touched) -> Told:
    return Told(id, 1, AgentEvent("call.after", "x:s", title=id), files)


def played(*told: Told) -> list[tuple[str, dict[bytes, bytes | None]]]:
    """Returns what changes with each scene, and before the first."""
    first = first_known(told, "/r", lambda path: not path.endswith(b".env"))
    found = scenes(told, "/r", first, lambda path: not path.endswith(b".env"))
    return [("", dict(first)), *((s.told.id, dict(s.contents)) for s in found)]


def test_what_a_file_held_at_first_is_known_from_the_beginning() -> None:
    """So that its first edit shows as one."""
    edit = Touched("/r/a", before="1\n2\n", edits=(Edit("2", "3"),))
    assert played(call("x"), call("y", edit)) == [
        ("", {b"a": b"1\n2\n"}), ("x", {}), ("y", {b"a": b"1\n3\n"})
    ]  # fmt: skip


def test_a_change_that_is_found_afterwards_is_nobodys() -> None:
    """As when a shell command changed the file between two edits of it."""
    one = call("x", Touched("a", after="1"))
    two = call("y", Touched("/r/a", before="2", edits=(Edit("2", "3"),)))
    assert played(one, two) == [
        ("", {}), ("x", {b"a": b"1"}), ("y:meanwhile", {b"a": b"2"}), ("y", {b"a": b"3"})
    ]  # fmt: skip


def test_an_edit_that_does_not_fit_leaves_the_file_in_doubt() -> None:
    """It is kept as it was last known, and said to be unsure, until it is known again."""
    told = (
        call("x", Touched("a", after="1 1")),
        call("y", Touched("a", edits=(Edit("1", "2"),))),
        call("z", Touched("a", edits=(Edit("1", "2", everywhere=True),))),
    )
    found = list(scenes(told, "/r", {}, lambda path: True))
    assert [sorted(scene.doubtful) for scene in found] == [[], [b"a"], []]
    assert [scene.contents for scene in found] == [{b"a": b"1 1"}, {}, {b"a": b"2 2"}]


@pytest.mark.parametrize(
    "path", ["/elsewhere/a", "../a", "/r/../a", "/r", "", "a\0", ".git/config", "x/.GIT/hooks/y",
             "local.env", "n" * 256, ".gitmodules"],
)  # fmt: skip
def test_other_paths_are_left_out(path: str) -> None:
    """Outside of the folder, ignored, or none that a capture would store there."""
    assert played(call("x", Touched(path, after="1"))) == [("", {}), ("x", {})]


NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d"])
TOUCHES = st.builds(
    Touched,
    NAMES,
    after=st.none() | st.text(max_size=4),
    before=st.none() | st.text(max_size=4),
    edits=st.lists(
        st.builds(Edit, st.text(max_size=2), st.text(max_size=2), st.booleans()), max_size=2
    ).map(tuple),
    gone=st.booleans(),
)


@given(st.lists(st.lists(TOUCHES, max_size=3), max_size=8))
def test_whatever_is_told_the_files_are_as_told_last(told: list[list[Touched]]) -> None:
    """After each call the file that was touched last has what the record says, if it says."""
    calls = [call(f"{n}", *files) for n, files in enumerate(told)]
    held: dict[bytes, bytes | None] = {}
    for id, contents in played(*calls):
        held |= contents
        if id.isdigit() and told[int(id)]:
            last = told[int(id)][-1]
            if last.gone:
                assert held.get(last.path.encode()) is None
            elif last.after is not None:
                assert held[last.path.encode()] == last.after.encode()
