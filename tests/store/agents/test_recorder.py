"""From an agent's events to steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.claude import Claude

from stepwell.store import FailedError, Step, Workspace
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.agents.spool import Spooled

Told = tuple[str, bytes]


@pytest.fixture
def recorder(ws: Workspace) -> AgentRecorder:
    return AgentRecorder(ws)


@pytest.fixture
def claude(project: Path) -> Claude:
    return Claude(project)


@pytest.fixture
def tell(recorder: AgentRecorder) -> Callable[[Told], None]:
    return lambda told: recorder.take("claude", *told)


def rows(ws: Workspace) -> list[tuple[str, str, int]]:
    """Returns kind, title and number of changed files of the steps since the first, oldest first."""
    return [(s.kind, s.title, s.changes.files) for s in reversed(ws.steps())][1:]


def test_a_turn_is_a_prompt_and_a_step_for_each_call(
    ws: Workspace, project: Path, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """With tool, input, result and what it changed; a call that only reads has none."""
    tell(claude.start())
    tell(claude.prompt("Make it work.\nAll of it."))
    tell(claude.before("Write", file_path=str(project / "b.py"), content="x"))
    (project / "b.py").write_text("x\n")
    tell(claude.after("Write", {"type": "create"}, file_path=str(project / "b.py"), content="x"))
    tell(claude.before("Read", file_path="b.py"))
    tell(claude.after("Read", "x", file_path="b.py"))
    tell(claude.before("Bash", command="false"))
    (project / "README.md").unlink()
    tell(claude.failed("Bash", "Exit code 1", command="false"))
    tell(claude.stop())
    tell(claude.prompt("Thanks"))
    tell(claude.end())
    assert rows(ws) == [
        ("prompt", "Make it work.", 0),
        ("tool", "write b.py", 1),
        ("tool", "$ false", 1),
        ("prompt", "Thanks", 0),
    ]
    prompt, write, bash, thanks = reversed(ws.steps(limit=4))
    assert ws.text(prompt.prompt) == "Make it work.\nAll of it."
    assert ws.text(write.result_text) == '{"type": "create"}'
    assert ws.text(bash.input) == "false"
    assert bash.result is not None and (bash.result.ok, bash.result.exit_code) == (False, 1)
    assert [s.turn for s in (prompt, write, bash, thanks)] == [1, 1, 1, 2]
    assert {s.session for s in (prompt, write, bash, thanks)} == {"claude:s-1"}


def test_what_a_person_changes_is_not_put_down_to_the_agent(
    ws: Workspace, project: Path, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """Before a prompt, before a call, during a call that only reads, and after the last one."""
    changes = iter(range(9))

    def edit() -> None:
        (project / "mine").write_text(f"{next(changes)}\n")

    edit()
    tell(claude.prompt("Go"))
    edit()
    tell(claude.before("Bash", command="true"))
    tell(claude.after("Bash", {"stdout": ""}, command="true"))
    tell(claude.before("Grep", pattern="x"))
    edit()
    tell(claude.after("Grep", "", pattern="x"))
    edit()
    tell(claude.stop())
    kinds = [(kind, files) for kind, _, files in rows(ws)]
    assert kinds == [
        ("outside", 1),
        ("prompt", 0),
        ("outside", 1),
        ("tool", 0),
        ("outside", 1),
        ("outside", 1),
    ]
    assert all(s.flags == ("outside",) for s in ws.steps() if s.kind == "outside")


def test_an_event_that_comes_twice_changes_nothing(
    ws: Workspace, project: Path, claude: Claude, recorder: AgentRecorder
) -> None:
    """Neither now nor after a restart."""
    told = [claude.prompt("Go"), claude.before("Bash", command="x")]
    for one in told:
        recorder.take("claude", *one)
    (project / "a").write_text("a\n")
    told.append(claude.after("Bash", {"stdout": ""}, command="x"))
    recorder.take("claude", *told[-1])
    expected = rows(ws)
    for again in (recorder, AgentRecorder(ws)):
        for one in told:
            again.take("claude", *one)
    assert rows(ws) == expected


def test_a_restart_knows_the_turn(
    ws: Workspace, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """It is found in the journal."""
    tell(claude.prompt("One"))
    tell(claude.prompt("Two"))
    again = AgentRecorder(ws)
    again.take("claude", *claude.after("Bash", "", command="x"))
    assert ws.head().turn == 2
    again.take("claude", *claude.prompt("Three"))
    assert ws.head().turn == 3


def test_calls_at_the_same_time_are_joint(
    ws: Workspace, project: Path, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """What they change cannot be told apart, and is nobody's outside change."""
    other = Claude(project, "s-2")
    tell(claude.before("Bash", command="one"))
    (project / "a").write_text("a\n")
    tell(other.before("Bash", command="two"))
    (project / "b").write_text("b\n")
    tell(claude.after("Bash", "", command="one"))
    tell(other.after("Bash", "", command="two"))
    assert rows(ws) == [("tool", "$ one", 2), ("tool", "$ two", 0)]
    one, two = reversed(ws.steps(limit=2))
    assert (one.flags, two.flags) == (("joint",), ())


def test_a_call_without_an_end_keeps_its_change(
    ws: Workspace, project: Path, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """Interrupted, or killed: the next prompt closes it; a refused one leaves nothing."""
    tell(claude.before("Bash", command="make"))
    (project / "half").write_text("half\n")
    tell(claude.prompt("Stop that"))
    tell(claude.before("Bash", command="refused"))
    tell(claude.stop())
    assert rows(ws) == [("tool", "$ make", 1), ("prompt", "Stop that", 0)]
    call = ws.steps(limit=2)[1]
    assert call.result is None and call.flags == ("unanswered",)


def test_secrets_do_not_reach_the_store(
    ws: Workspace, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """Not by prompt, title, input or result."""
    secret = "ghp_" + "a1B2" * 9
    tell(claude.prompt(f"use {secret}"))
    tell(claude.before("Bash", command=f"login {secret}"))
    tell(claude.after("Bash", {"stdout": secret}, command=f"login {secret}"))
    for step in ws.steps(limit=2):
        texts = [
            step.title,
            *(ws.text(t) or "" for t in (step.prompt, step.input, step.result_text)),
        ]
        assert secret not in "".join(texts) and "[secret]" in "".join(texts)


def test_an_unreadable_event_still_captures(
    ws: Workspace, project: Path, recorder: AgentRecorder
) -> None:
    """What changed is kept, though nobody knows by whom."""
    (project / "a").write_text("a\n")
    recorder.take("claude", "PostToolUse", b'{"session_id": "x"')
    kind, title, files = rows(ws)[-1]
    assert (kind, files) == ("outside", 1) and "unreadable event" in title


def test_a_step_that_cannot_be_recorded_leaves_a_gap_when_one_can_be(
    ws: Workspace,
    project: Path,
    claude: Claude,
    tell: Callable[[Told], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the next event, if the store did not even take the gap."""
    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "record", _refuse)
        patch.setattr(Workspace, "note_gap", _refuse)
        for _ in range(2):
            with pytest.raises(FailedError):
                tell(claude.after("Bash", "", command="x"))
    tell(claude.prompt("Go on"))
    gap, prompt = reversed(ws.steps(limit=2))
    assert gap.kind == "gap" and gap.reason == "2 steps, the first: the disk is full"
    assert prompt.kind == "prompt"


def _refuse(*_: object, **__: object) -> None:
    raise FailedError("the disk is full")


def test_a_capture_that_fails_leaves_a_gap_of_its_session(
    ws: Workspace, project: Path, claude: Claude, tell: Callable[[Told], None]
) -> None:
    """One, not two."""
    elsewhere = project.rename(project.with_name("elsewhere"))
    with pytest.raises(FailedError):
        tell(claude.after("Bash", "", command="x"))
    elsewhere.rename(project)
    tell(claude.stop())
    assert [(s.kind, s.session) for s in ws.steps()[:-1]] == [("gap", "claude:s-1")]


def _spooled(*told: Told) -> list[Spooled]:
    return [Spooled(Path(f"{n:020d}-1"), "claude", event, p) for n, (event, p) in enumerate(told)]


def test_the_spool_becomes_a_gap_and_a_late_step(
    ws: Workspace, project: Path, claude: Claude, recorder: AgentRecorder
) -> None:
    """With all that changed and all that was said; draining it again adds nothing."""
    (project / "a").write_text("a\n")
    spooled = _spooled(
        claude.prompt("Do two things"),
        claude.before("Bash", command="one"),
        claude.after("Bash", "", command="one"),
        claude.before("Write", file_path=str(project / "a")),
        claude.after("Write", {}, file_path=str(project / "a")),
    )
    recorder.drain(spooled)
    gap, late = reversed(ws.steps(limit=2))
    assert gap.kind == "gap" and "5 events" in (gap.reason or "")
    assert (late.kind, late.flags, late.changes.files, late.turn) == ("tool", ("late",), 1, 1)
    assert late.title == "2 calls: $ one, write a"
    assert ws.text(late.prompt) == "Do two things"
    assert "Bash: one" in (ws.text(late.input) or "")
    recorder.drain([one for one in spooled if one.event != "PreToolUse"])
    assert ws.head() == late


def test_one_spooled_call_is_its_own_late_step(
    ws: Workspace, project: Path, claude: Claude, recorder: AgentRecorder
) -> None:
    """With its result."""
    claude.before("Bash")
    (project / "a").write_text("a\n")
    recorder.drain(_spooled(claude.failed("Bash", "Exit code 2", command="x")))
    late: Step = ws.head()
    assert late.result is not None and late.result.exit_code == 2 and late.flags == ("late",)


def test_what_a_spool_of_no_calls_holds_is_outside(
    ws: Workspace, project: Path, claude: Claude, recorder: AgentRecorder
) -> None:
    """Nobody knows who changed it."""
    (project / "a").write_text("a\n")
    recorder.drain(_spooled(claude.before("Bash", command="x"), claude.stop()))
    assert (ws.head().kind, ws.head().flags, ws.head().changes.files) == ("outside", ("late",), 1)


def test_a_spool_that_cannot_be_captured_is_dealt_with_once(
    ws: Workspace, project: Path, claude: Claude, recorder: AgentRecorder
) -> None:
    """A gap says so; draining it again would add a gap each time."""
    spooled = _spooled(claude.after("Bash", "", command="x"))
    elsewhere = project.rename(project.with_name("elsewhere"))
    recorder.drain(spooled)
    elsewhere.rename(project)
    kinds = [step.kind for step in ws.steps()]
    assert kinds == ["gap", "gap", "capture"]
    recorder.drain(spooled)
    assert [step.kind for step in ws.steps()] == kinds


def test_spooled_events_that_cannot_be_read_count(
    ws: Workspace, project: Path, recorder: AgentRecorder
) -> None:
    """They were cut off, or of an agent that is not known any more."""
    (project / "a").write_text("a\n")
    recorder.drain([Spooled(Path("1-1"), "claude", "PostToolUse", b"{")])
    gap, late = reversed(ws.steps(limit=2))
    assert gap.kind == "gap" and late.flags == ("late", "outside")
