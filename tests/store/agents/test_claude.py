"""Claude Code's payloads as events."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.claude import Claude

from stepwell.store.agents.adapters import read_event
from stepwell.store.agents.events import AgentEvent


def _event(said: tuple[str, bytes]) -> AgentEvent:
    found = read_event("claude", *said)
    assert found is not None
    return found


@pytest.fixture
def claude() -> Claude:
    return Claude(Path("/work"))


def test_a_prompt_opens_a_turn(claude: Claude) -> None:
    """Its key is the turn's."""
    event = _event(claude.prompt("Mend it.\nPlease."))
    assert (event.kind, event.session, event.key) == ("prompt", "claude:s-1", "prompt-1")
    assert event.prompt == "Mend it.\nPlease."


def test_an_empty_prompt_is_none(claude: Claude) -> None:
    """Relatives of Claude Code send one before each request to the model."""
    assert read_event("claude", *claude.prompt("  ")) is None


@pytest.mark.parametrize(
    ("tool", "given", "title", "text"),
    [
        ("Bash", {"command": "make test"}, "$ make test", "make test"),
        ("Write", {"file_path": "/work/a/b.py"}, "write a/b.py", '{"file_path": "/work/a/b.py"}'),
        ("Edit", {"file_path": "/else/b.py"}, "edit /else/b.py", '{"file_path": "/else/b.py"}'),
        ("mcp__x__y", {}, "mcp__x__y", "{}"),
    ],
)
def test_a_call_has_a_title_and_an_input(
    claude: Claude, tool: str, given: Any, title: str, text: str
) -> None:
    """Paths inside the folder are shown as seen from it."""
    event = _event(claude.before(tool, **given))
    assert (event.kind, event.title, event.tool, event.input) == ("call.before", title, tool, text)
    assert event.key == "toolu_1" and not event.only_reads


def test_results_leave_out_what_the_snapshot_has(claude: Claude) -> None:
    """Of a command its output, of an edit what it says besides the content."""
    said = claude.after("Bash", {"stdout": "out\n", "stderr": "err\n"}, command="x")
    assert _event(said).result == "out\nerr\n"
    said = claude.after("Write", {"type": "create", "originalFile": "x", "content": "y"})
    assert _event(said).result == '{"type": "create"}'
    event = _event(claude.after("Read", "text"))
    assert event.result == "text" and event.only_reads and event.duration_ms == 12


def test_a_failure_has_its_exit_code(claude: Claude) -> None:
    """Claude Code tells it in words."""
    event = _event(claude.failed("Bash", "Exit code 3\nno such file", command="x"))
    assert (event.kind, event.ok, event.exit_code) == ("call.after", False, 3)


def test_calls_of_our_own_tools_are_no_events(claude: Claude) -> None:
    """Asking us for the history is no step of it."""
    assert read_event("claude", *claude.before("mcp__stepwell__list_steps")) is None


def test_the_event_may_be_told_by_the_payload_alone(claude: Claude) -> None:
    """An installed hook line may leave the name out."""
    _, payload = claude.stop()
    assert _event(("", payload)).kind == "turn.end"


@given(
    st.sampled_from(["UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "Nothing"]),
    st.dictionaries(
        st.sampled_from(["session_id", "prompt", "tool_name", "tool_input", "tool_response"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    ),
)
def test_any_payload_is_an_event_or_refused(event: str, payload: dict[str, Any]) -> None:
    """No other error leaves the reader."""
    with contextlib.suppress(ValueError):
        read_event("claude", event, json.dumps(payload).encode())


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_event_is_refused(payload: bytes) -> None:
    """As is an agent that nobody knows."""
    with pytest.raises(ValueError):
        read_event("claude", "PreToolUse", payload)
    with pytest.raises(ValueError):
        read_event("nobody", "PreToolUse", b"{}")
