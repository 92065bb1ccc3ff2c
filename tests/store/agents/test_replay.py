"""What real clients told their hooks, replayed while the files really change.

The payloads were recorded from one scenario, played in each client against a scripted model: write a
file, read it, edit it, a shell command that does much, one that fails and changes a file all the
same; then, resumed, a shell command, and a write and a shell command in one reply.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.agents.adapters import read_event
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.recorder import AgentRecorder

PAYLOADS = Path(__file__).parent / "payloads"
RECORDED = ("claude", "opencode", "codex", "gemini", "qwen", "pi", "cline")

CALC = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
MUCH = (
    "mkdir -p data && seq 1 50 > data/nums.txt && mv notes.txt notes-renamed.txt && rm doomed.txt"
    r" && printf '\000\001\002' > data/blob.bin && chmod +x run.sh"
)
EFFECTS = {
    "seq 1 50": MUCH,
    "a - b/b - a": "sed -i 's/a - b/b - a/' calc.py",
    "find data": "find data -delete",
    "CHANGES.md": "printf '# Changes\\n\\n- removed the data folder\\n' > CHANGES.md",
    "out.log": "echo build > out.log",
    "# checked": "sed -i 's/return a + b/return a + b  # checked/' calc.py",
    "calc.py": f"printf '%s' '{CALC}' > calc.py",
}
"""What a call's input holds -> what the call does."""


def recorded(agent: str, root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (event, payload) as the client sent them for a project at `root`."""
    text = (PAYLOADS / f"{agent}.jsonl").read_text().replace("/work/repo", str(root))
    for line in text.splitlines():
        form = json.loads(line)
        yield form["event"], form["payload"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The scenario's project."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "notes.txt").write_text("some notes\n")
    (folder / "doomed.txt").write_text("will be removed\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    return folder


def do(event: AgentEvent | None, root: Path) -> None:
    """Changes the files as the call does that has just ended."""
    if event is None or event.kind != "call.after" or event.only_reads:
        return
    command = next(run for words, run in EFFECTS.items() if words in (event.input or ""))
    subprocess.run(command, shell=True, cwd=root, check=True)


def replay(agent: str, root: Path, ws: Workspace) -> list[Step]:
    """Plays the whole recording and returns the steps since the first, oldest first."""
    recorder = AgentRecorder(ws)
    for name, payload in recorded(agent, root):
        raw = json.dumps(payload).encode()
        do(read_event(agent, name, raw), root)
        recorder.take(agent, name, raw)
    return ws.steps()[::-1][1:]


def calls_of(steps: list[Step]) -> list[Step]:
    """Returns the steps of calls that change something; Codex reads by a shell command."""
    return [s for s in steps if s.kind == "tool" and s.title != "$ cat calc.py"]


def files(ws: Workspace, step: Step) -> set[bytes]:
    """Returns the changed paths, of a rename both."""
    return set(ws.changed_paths(step))


@pytest.mark.parametrize("agent", RECORDED)
def test_each_changing_call_is_a_step_with_exactly_its_files(
    agent: str, root: Path, home: Path
) -> None:
    """Shell calls too, and the one that failed keeps its change."""
    with Workspace.init(root, home=home) as ws:
        steps = replay(agent, root, ws)
        calls = calls_of(steps)
        changed = [files(ws, step) for step in calls]
        # Calls of one reply may end in any order.
        changed[-2:] = sorted(changed[-2:], reverse=True, key=len)
        assert changed == [
            {b"calc.py"},
            {b"calc.py"},
            {b"data/nums.txt", b"data/blob.bin", b"notes.txt", b"notes-renamed.txt",
             b"doomed.txt", b"run.sh"},
            {b"calc.py"},
            {b"data/nums.txt", b"data/blob.bin"},
            {b"CHANGES.md"},
            set(),
        ]  # fmt: skip
        assert not [step for step in steps if step.kind in ("outside", "gap")]
        assert all(ws.text(step.input) for step in calls)
        assert {step.agent for step in steps} == {agent}


@pytest.mark.parametrize("agent", sorted({*RECORDED} - {"cline"}))
def test_two_turns_of_one_session_have_their_prompts(agent: str, root: Path, home: Path) -> None:
    """Although a second process resumed it."""
    with Workspace.init(root, home=home) as ws:
        steps = replay(agent, root, ws)
        prompts = [step for step in steps if step.kind == "prompt"]
        assert [ws.text(step.prompt) for step in prompts] == [
            "Create a small calculator module and some data for it.",
            "Now remove the data folder and add a changelog.",
        ]
        assert len({step.session for step in steps}) == 1
        turns = [step.turn for step in calls_of(steps)]
        assert turns == [1, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("agent", sorted({*RECORDED} - {"codex"}))
def test_a_failed_call_says_so(agent: str, root: Path, home: Path) -> None:
    """With its exit code. (Codex does not tell its hooks how a shell command ended.)"""
    with Workspace.init(root, home=home) as ws:
        calls = calls_of(replay(agent, root, ws))
        results = [(s.result.ok, s.result.exit_code) for s in calls if s.result is not None]
        assert [ok for ok, _ in results] == [True, True, True, False, True, True, True]
        assert results[3][1] == 3


@pytest.mark.parametrize("agent", RECORDED)
def test_titles_say_what_was_done(agent: str, root: Path, home: Path) -> None:
    """Commands as typed, files as seen from the project."""
    with Workspace.init(root, home=home) as ws:
        titles = [step.title for step in calls_of(replay(agent, root, ws))]
        assert titles[0] in ("write calc.py", "edit calc.py")
        assert titles[1] == "edit calc.py"
        assert titles[2].startswith("$ mkdir -p data")


@pytest.mark.parametrize("agent", ["claude", "opencode", "codex", "qwen", "pi", "cline"])
def test_hearing_everything_twice_changes_nothing(agent: str, root: Path, home: Path) -> None:
    """As when user and project have both installed the hooks. (Gemini's calls have no id.)"""
    with Workspace.init(root, home=home) as ws:
        replay(agent, root, ws)
        once = [step.id for step in ws.steps() if step.kind == "tool"]
        recorder = AgentRecorder(ws)
        for name, payload in recorded(agent, root):
            recorder.take(agent, name, json.dumps(payload).encode())
        assert [step.id for step in ws.steps() if step.kind == "tool"] == once


def test_our_own_tools_are_no_steps() -> None:
    """However the client spells a tool of our MCP server."""
    for tool in ("mcp__stepwell__list_steps", "stepwell_list_steps", "mcp_stepwell_list_steps"):
        payload = {"session_id": "s", "tool_name": tool, "tool_input": {}, "tool_use_id": "1"}
        assert read_event("claude", "PostToolUse", json.dumps(payload).encode()) is None


@pytest.mark.parametrize(
    ("agent", "payload"),
    [
        ("cursor", {"hook_event_name": "postToolUse", "conversation_id": "c", "tool_name": "Write",
                    "tool_input": {"file_path": "/p/a.py"}, "tool_use_id": "1",
                    "workspace_roots": ["/p"], "tool_output": "ok"}),
        ("goose", {"event": "PostToolUse", "session_id": "c", "tool_name": "developer__edit",
                   "tool_input": {"path": "/p/a.py"}, "tool_call_id": "1", "working_dir": "/p"}),
    ],
)  # fmt: skip
def test_documented_payloads_are_understood(agent: str, payload: dict[str, Any]) -> None:
    """Of the clients that could not be tried."""
    event = read_event(agent, "", json.dumps(payload).encode())
    assert event is not None
    assert (event.kind, event.session, event.key) == ("call.after", f"{agent}:c", "1")
    assert event.title.split()[1:] == ["a.py"]
