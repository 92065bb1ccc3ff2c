"""The MCP server, asked by a client as agents do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from stepwell.store import Act, Workspace
from stepwell.store.service.mcp import make_server
from stepwell.store.service.toolbox import Toolbox

Ask = Callable[[Client], Awaitable[Any]]


def asked(ws: Workspace, ask: Ask, *, may_restore: bool = False) -> Any:
    """Runs a client over a server in this process."""

    async def run() -> Any:
        async with Client(make_server(Toolbox(ws, may_restore=may_restore))) as client:
            return await ask(client)

    return asyncio.run(run())


def call(
    ws: Workspace, tool: str, *, may_restore: bool = False, **arguments: Any
) -> dict[str, Any]:
    """Calls one tool, and returns its answer."""

    async def ask(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    answer = asked(ws, ask, may_restore=may_restore)
    assert not answer.is_error, answer.content
    return dict(json.loads(answer.content[0].text))


def refusal(ws: Workspace, tool: str, **arguments: Any) -> str:
    """Calls one tool that refuses, and returns what it says."""

    async def ask(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    answer = asked(ws, ask)
    assert answer.is_error
    return str(answer.content[0].text)


@pytest.fixture
def worked(ws: Workspace, project: Path) -> Workspace:
    """A workspace in which an agent changed a file."""
    (project / "src" / "app.py").write_text("def run():\n    return 2\n")
    ws.record(
        act=Act("edit app", "tool", session="claude:s", turn=1, tool="Edit", input="two, please")
    )
    return ws


def test_tools_say_which_of_them_change_something(worked: Workspace) -> None:
    """So that a client may let the others run unasked."""
    tools = {tool.name: tool.annotations for tool in asked(worked, lambda c: c.list_tools()).tools}
    reading = {name for name, hints in tools.items() if hints and hints.read_only_hint}
    assert reading == {"list_steps", "show_step", "diff", "file_at", "find_change", "blame"}
    assert tools.keys() - reading == {"checkpoint", "restore"}


def test_an_agent_reads_its_past(worked: Workspace) -> None:
    """Steps, a step, a patch, a file as it was, and where something changed."""
    steps = call(worked, "list_steps", query="tool:Edit")["steps"]
    assert [step["title"] for step in steps] == ["edit app"]
    assert call(worked, "show_step", step="#2")["input"] == "two, please"
    assert "+    return 2" in call(worked, "diff", older="#1", newer="#2")["patch"]
    assert "return 1" in call(worked, "file_at", step="#1", path="src/app.py")["text"]
    lines = call(worked, "blame", path="src/app.py", first=2)["lines"]
    assert [(one["text"], one["seq"], one["agent"]) for one in lines] == [
        ("    return 2", 2, "claude")
    ]
    hits = call(worked, "find_change", text="return 2", path="src/app.py")["hits"]
    assert [(hit["step"]["seq"], hit["where"]) for hit in hits] == [(2, "diff")]


def test_a_checkpoint_holds_the_disk_as_it_is(worked: Workspace, project: Path) -> None:
    """Also what no step had."""
    (project / "new").write_text("new\n")
    made = call(worked, "checkpoint", label="before-refactoring", note="tests pass")
    assert made["checkpoint"]["label"] == "before-refactoring"
    assert worked.read_file(worked.get_step("before-refactoring"), b"new") == b"new\n"


def test_restoring_is_planned_and_done_only_when_allowed(worked: Workspace, project: Path) -> None:
    """And can be taken back."""
    plan = call(worked, "restore", step="#1")
    assert plan["dry_run"] and [c["path"] for c in plan["changes"]] == ["src/app.py"]
    assert "allow-restore" in refusal(worked, "restore", step="#1", dry_run=False)
    assert "return 2" in (project / "src" / "app.py").read_text()
    done = call(worked, "restore", may_restore=True, step="#1", dry_run=False)
    assert "return 1" in (project / "src" / "app.py").read_text()
    assert done["undo"].startswith("stepwell undo ")


def test_a_restore_tells_what_it_leaves(worked: Workspace, project: Path) -> None:
    """With the reason: here the agents' hooks, which are nothing that failed."""
    hooks = project / ".codex" / "hooks.json"
    hooks.parent.mkdir()
    hooks.write_text('{"hooks": {"Stop": [{"hooks": [{"command": "true # stepwell"}]}]}}')
    worked.capture("hooks")
    done = call(worked, "restore", may_restore=True, step="#1", dry_run=False)
    assert hooks.exists() and done["not_restored"] == []
    assert [one["path"] for one in done["keep"]] == [".codex/hooks.json"]
    assert "hooks" in done["keep"][0]["reason"]


def test_what_cannot_be_answered_is_said(worked: Workspace, project: Path) -> None:
    """In the sentence and the hint of the command line."""
    assert "no step, branch or label" in refusal(worked, "show_step", step="nowhere")
    assert "outside the workspace" in refusal(worked, "file_at", step="@", path="../../etc/passwd")
    (project / "blob").write_bytes(b"\0\1")
    worked.capture()
    assert "no text" in refusal(worked, "file_at", step="@", path="blob")


def test_resources_and_prompts(worked: Workspace) -> None:
    """The timeline, a step's diff and a file by address."""

    async def ask(client: Client) -> list[str]:
        addresses = (
            "stepwell://timeline",
            "stepwell://step/%232/diff",
            "stepwell://file/%231/README.md",
        )
        answers = [await client.read_resource(address) for address in addresses]
        prompts = await client.list_prompts()
        return [a.contents[0].text for a in answers] + [p.name for p in prompts.prompts]

    timeline, patch, file, *prompts = asked(worked, ask)
    assert len(json.loads(timeline)["steps"]) == 2
    assert "+    return 2" in patch
    assert file == "# a project\n"
    assert prompts == ["what_changed", "find_the_step_that_broke"]


def test_the_command_serves_over_stdio(worked: Workspace, project: Path, home: Path) -> None:
    """As an agent starts it."""
    words = ["-c", "import sys; from stepwell.store.cli.main import main; sys.exit(main(['mcp']))"]
    server = StdioServerParameters(
        command=sys.executable, args=words, cwd=project, env={"STEPWELL_HOME": str(home)}
    )

    async def run() -> Any:
        async with Client(server) as client:
            return await client.call_tool("list_steps", {"limit": 1})

    answer = asyncio.run(run())
    assert json.loads(answer.content[0].text)["steps"][0]["title"] == "edit app"
