"""Payloads that no agent ever sent: taken or refused, never raised, and what is refused is told."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store import Workspace
from stepwell.store.agents.adapters import ADAPTERS, read_event
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.agents.spool import Spooled

PAYLOADS = Path(__file__).parent / "payloads"
DOCUMENTED = {
    "cursor": [
        {"hook_event_name": "beforeSubmitPrompt", "conversation_id": "c", "prompt": "Go",
         "generation_id": "g", "workspace_roots": ["/p"]},
        {"hook_event_name": "postToolUse", "conversation_id": "c", "tool_name": "Write",
         "tool_input": {"file_path": "/p/a.py"}, "tool_use_id": "1", "model": "m",
         "workspace_roots": ["/p"], "tool_output": "ok", "duration": 5},
        {"hook_event_name": "stop", "conversation_id": "c"},
    ],
    "goose": [
        {"event": "UserPromptSubmit", "session_id": "c", "message": "Go", "working_dir": "/p"},
        {"event": "PostToolUse", "session_id": "c", "tool_name": "developer__edit",
         "tool_input": {"path": "/p/a.py"}, "tool_call_id": "1", "working_dir": "/p"},
        {"event": "Stop", "session_id": "c"},
    ],
}  # fmt: skip
AGENTS = sorted(ADAPTERS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def told(agent: str) -> list[tuple[str, dict[str, Any]]]:
    """Returns (event, payload) as clients sent them, or as their documents have them."""
    if agent in DOCUMENTED:
        return [("", form) for form in DOCUMENTED[agent]]
    lines = (PAYLOADS / f"{agent}.jsonl").read_text().splitlines()
    return [(form["event"], form["payload"]) for form in map(json.loads, lines)]


@st.composite
def spoiled(draw: Callable[..., Any], agent: str) -> tuple[str, bytes]:
    """Draws an event with some of its values dropped or replaced, cut off, or of nothing but noise."""
    event, payload = draw(st.sampled_from(told(agent)))
    if draw(st.integers(0, 9)) == 0:
        return event, draw(st.binary(max_size=60) | JSON.map(json.dumps).map(str.encode))
    form = json.loads(json.dumps(payload))
    for _ in range(draw(st.integers(1, 3))):
        _spoil(draw, form)
    raw = json.dumps(form).encode()
    return event, raw[: draw(st.just(len(raw)) | st.integers(0, len(raw)))]


def _spoil(draw: Callable[..., Any], at: Any) -> None:
    while isinstance(at, dict | list) and at:
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or draw(st.booleans()):
            if isinstance(at, dict) and draw(st.booleans()):
                del at[key]
            else:
                at[key] = draw(JSON)
            return
        at = at[key]


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    """One for all examples: a capture of each would cost more than what is looked at here."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        home = Path(folder) / "home"
        Workspace.init(root, home=home).close()
        with Workspace.open(root, home=home, durability="fast") as opened:
            yield opened


def reason(agent: str, event: str, payload: bytes) -> str | None:
    """Returns why an event cannot be understood; None when it can."""
    try:
        read_event(agent, event, payload)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("agent", AGENTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_any_payload_is_recorded_or_leaves_a_gap_with_the_reason(
    agent: str, workspace: Workspace, data: st.DataObject
) -> None:
    """Whatever an agent says, nothing is raised, and what was not understood can be seen."""
    recorder = AgentRecorder(workspace)
    for event, payload in data.draw(st.lists(spoiled(agent), min_size=1, max_size=4)):
        before = workspace.view().number
        why = reason(agent, event, payload)
        recorder.take(agent, event, payload)
        if why is not None:
            steps = [s for s in workspace.steps(limit=20) if s.kind == "gap"]
            assert any(why[:60] in (step.reason or "") for step in steps), why
        assert workspace.view().number >= before


@pytest.mark.parametrize("agent", AGENTS)
@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_spooled_payloads_are_drained_whatever_they_are(
    agent: str, workspace: Workspace, data: st.DataObject
) -> None:
    """A gap tells of them, and they are dealt with."""
    drawn = data.draw(st.lists(spoiled(agent), min_size=1, max_size=4))
    AgentRecorder(workspace).drain(
        [Spooled(Path(f"{n}-1"), agent, event, payload) for n, (event, payload) in enumerate(drawn)]
    )


def test_what_is_not_understood_again_and_again_is_told_once(workspace: Workspace) -> None:
    """Else an agent of another version would fill the timeline."""
    recorder = AgentRecorder(workspace)
    before = workspace.view().number
    for _ in range(20):
        recorder.take("claude", "PostToolUse", b'{"session_id": 1')
    assert workspace.view().number == before + 1


def test_hostile_texts_take_no_long_time() -> None:
    """Patterns that are looked for in results do not explode."""
    for text in (
        "Exit code " * 20_000,
        "exited with code " * 20_000,
        "\n" * 200_000,
        "[" * 100_000,
    ):
        for agent in AGENTS:
            for event, payload in dict(told(agent)).items():
                form = json.dumps({**payload, "error": text, "tool_response": text, "prompt": text})
                reason(agent, event, form.encode())
