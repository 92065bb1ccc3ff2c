"""A step carries JSON state beside its files, and one rollback brings both back."""

from __future__ import annotations

import json
import queue
from pathlib import Path
from typing import Any

import pytest

from stepwell.store import Workspace
from stepwell.store.model.errors import UsageError

S = "me:s1"


def _both(ws: Workspace, project: Path, number: int) -> int:
    """Records files and state that belong together; returns the step's number."""
    (project / "data.txt").write_text(f"{number}\n")
    state = {"plan": {"step": number, "todo": ["a", "b"][:number]}, "notes": [number]}
    return ws.capture(f"number {number}", session=S, state=state).seq


def _stands_at(ws: Workspace, project: Path, number: int) -> bool:
    ws.refresh()
    on_disk = (project / "data.txt").read_text() == f"{number}\n"
    return on_disk and ws.state(S)["plan"]["step"] == number


def test_one_rollback_brings_files_and_state_back(either: Workspace, project: Path) -> None:
    """So do its undo and redo, and a switch to another branch."""
    first, second = _both(either, project, 1), _both(either, project, 2)
    assert either.state(S, at=f"#{first}") == {"plan": {"step": 1, "todo": ["a"]}, "notes": [1]}
    either.apply(either.plan_rollback(f"#{first}"))
    assert _stands_at(either, project, 1)
    either.undo()
    assert _stands_at(either, project, 2)
    either.redo()
    assert _stands_at(either, project, 1)
    either.create_branch("later", at=f"#{second}")
    either.apply(either.plan_switch("later"))
    assert _stands_at(either, project, 2)
    assert either.state(S, at=f"#{second}") == either.state(S)


def test_state_alone_is_a_step(either: Workspace, project: Path) -> None:
    """The same again is none; going back to it changes no file, and the state."""
    first = either.capture("one", session=S, state={"n": 1})
    second = either.capture("two", session=S, state={"n": 2})
    assert second.seq == first.seq + 1
    assert either.capture("two", session=S, state={"n": 2}) == second
    assert either.capture("nothing said") == second
    done = either.apply(either.plan_rollback(first))
    assert done.applied and either.state(S) == {"n": 1}


def test_state_stays_until_other_is_given(either: Workspace, project: Path) -> None:
    """Through steps of other sessions, which have their own, and through partial rollbacks."""
    _both(either, project, 1)
    (project / "other").write_text("x\n")
    either.capture("another's", session="you:s2", state={"mine": True})
    (project / "other").write_text("y\n")
    either.capture("a person's")
    assert either.state(S)["notes"] == [1]
    assert either.state("you:s2") == {"mine": True}
    assert either.states(either.head()).keys() == {S, "you:s2"}
    _both(either, project, 2)
    either.apply(either.plan_rollback("#1", paths=[b"README.md"], files_only=True))
    assert either.state(S)["notes"] == [2]
    either.capture("none any more", session="you:s2", state={})
    assert either.states(either.head()).keys() == {S}


def test_state_is_sealed_verified_and_rebuilt_with_its_step(ws: Workspace, project: Path) -> None:
    """It comes back from the sealed repository alone."""
    seq = _both(ws, project, 1)
    wanted = ws.state(S)
    ws.gc()
    ws.rebuild()
    assert ws.state(S, at=f"#{seq}") == wanted
    assert ws.verify(full=True).ok


def test_damaged_state_is_told(ws: Workspace, project: Path) -> None:
    """With the step that cannot be read back whole."""
    step = ws.capture("one", session=S, state={"n": "needle" * 40})
    assert step.state is not None
    (segment,) = (ws.store / "journal").glob("*.segment")
    content = bytearray(segment.read_bytes())
    content[content.index(step.state) + 30] ^= 1
    segment.write_bytes(content)
    with Workspace.open(project, home=ws.home) as again:
        report = again.verify(full=True)
    assert not report.ok


def test_a_bundle_carries_state(ws: Workspace, project: Path, tmp_path: Path) -> None:
    """Into another workspace."""
    from stepwell.store.bundling import export_bundle, import_bundle

    _both(ws, project, 1)
    target = tmp_path / "steps.bundle"
    export_bundle(ws, target, ws.steps(all_branches=True))
    other = tmp_path / "other"
    other.mkdir()
    with Workspace.init(other, home=ws.home) as there:
        import_bundle(there, target)
        states = [there.states(step) for step in there.steps(all_branches=True)]
    assert any(S in one and one[S]["notes"] == [1] for one in states)


def test_a_program_is_told_when_going_back_changed_its_state(
    either: Workspace, project: Path
) -> None:
    """With the documents, and not when another session's changed."""
    told: queue.Queue[dict[str, Any]] = queue.Queue()
    first = _both(either, project, 1)
    _both(either, project, 2)
    either.subscribe_state("you:s2", lambda documents: told.put({"wrong": documents}))
    either.subscribe_state(S, told.put)
    either.apply(either.plan_rollback(f"#{first}"))
    assert told.get(timeout=10)["notes"] == [1]
    either.undo()
    assert told.get(timeout=10)["notes"] == [2]
    assert told.empty()


def _deep() -> Any:
    nested: Any = 1
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "state",
    [
        {"": 1},
        {"x" * 300: 1},
        {"x": object()},
        {"x": float("nan")},
        {1: 2},
        {"x": "y" * (17 << 20)},
    ],
    ids=lambda state: repr(state)[:20],
)
def test_what_is_no_state_is_refused(ws: Workspace, state: Any) -> None:
    """Before anything is captured."""
    before = ws.view().number
    with pytest.raises(UsageError):
        ws.capture("x", state=state)
    with pytest.raises(UsageError):
        ws.capture("x", state={"x": _deep()})
    assert ws.view().number == before


def test_state_is_json_as_it_was_given(ws: Workspace) -> None:
    """Text beyond ASCII, numbers and their kinds."""
    state = {"ü": ["\U0001f600", 1, 1.0, True, None, {"a/b": {}}], "n": 10**30}
    ws.capture("x", session=S, state=state)
    assert json.dumps(ws.state(S), sort_keys=True) == json.dumps(state, sort_keys=True)
