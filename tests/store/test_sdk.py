"""What a Python agent uses: tools that record themselves, and the agent of the documents."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from stepwell.store import Workspace

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "agents.md"


def test_each_call_of_a_recorded_tool_is_a_step(ws: Workspace, project: Path) -> None:
    """With its arguments, what came back, how it ended, and its own files alone."""

    @ws.recorded(tool="edit", session="me:s1")
    def edit(path: str, text: str) -> dict[str, int]:
        (project / path).write_text(text)
        return {"length": len(text)}

    (project / "mine").write_text("by hand\n")
    assert edit("theirs", text="by tool\n") == {"length": 8}
    tool, outside = ws.steps(limit=2)
    assert (outside.kind, tool.title, tool.tool, tool.session) == (
        "outside", "edit theirs", "edit", "me:s1",
    )  # fmt: skip
    assert [change.path for change in ws.step_changes(tool)] == [b"theirs"]
    assert ws.text(tool.input) == '{"path": "theirs", "text": "by tool\\n"}'
    assert ws.text(tool.result_text) == '{"length": 8}'


def test_a_recorded_tool_that_fails_is_a_failed_step(ws: Workspace, project: Path) -> None:
    """The exception goes on, and the step tells it with secrets masked."""

    @ws.recorded()
    def shell(command: str) -> None:
        (project / "half").write_text("done\n")
        raise ValueError("password=hunter2hunter2")

    with pytest.raises(ValueError, match="hunter2"):
        shell("make half")
    step = ws.head()
    assert (step.tool, step.title) == ("shell", "$ make half")
    assert step.result is not None and not step.result.ok
    assert ws.text(step.result_text) == "ValueError: password=[secret]"
    assert [change.path for change in ws.step_changes(step)] == [b"half"]


def test_a_coroutine_is_recorded_when_it_has_ended(ws: Workspace, project: Path) -> None:
    """What it changes after it was suspended belongs to it."""

    @ws.recorded(tool="slow")
    async def slow(path: str) -> str:
        await asyncio.sleep(0)
        (project / path).write_text("late\n")
        return "written"

    assert asyncio.run(slow("late")) == "written"
    step = ws.head()
    assert step.title == "slow late" and ws.text(step.result_text) == "written"
    assert [change.path for change in ws.step_changes(step)] == [b"late"]


def test_the_agent_of_the_documents_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs as it is printed there, and its calls become steps."""
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "data"))
    folder = tmp_path / "project"
    folder.mkdir()
    calls = [
        ("write", {"path": "a.txt", "content": "one\n"}),
        ("shell", {"command": "echo two >> a.txt; echo done"}),
    ]
    told: list[str] = []

    def think(result: str) -> tuple[str, dict[str, str]] | None:
        told.append(result)
        return calls.pop(0) if calls else None

    assert asyncio.run(names["work"](str(folder), "Write two lines.", think)) == "done\n"
    assert told == ["Write two lines.", "wrote 4 characters", "done\n"]
    with Workspace.open(folder) as ws:
        rows = [(step.kind, step.title, step.changes.files) for step in ws.steps()]
    assert rows[:3] == [
        ("tool", "$ echo two >> a.txt; echo done", 1),
        ("tool", "write a.txt", 1),
        ("prompt", "Write two lines.", 0),
    ]
