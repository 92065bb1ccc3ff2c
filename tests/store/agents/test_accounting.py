"""What agents' own records tell of a turn that is over."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.claude import Claude, run_hook
from support.daemons import daemon_thread, until
from support.oldsessions import laid_out

from stepwell.store import Step, Workspace
from stepwell.store.agents.accounting import Accounting, matched
from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.agents.transcripts.told import AGENTS, Told
from stepwell.store.engine.filters import parse
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.retention import Policy
from stepwell.store.model.steps import Snapshot, StepResult, Tokens

PAYLOADS = Path(__file__).parent / "payloads"
ANSWERS = [
    "The calculator is there, with a mistake in sub().",
    "Removed the data folder and wrote a changelog.",
]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "repo"
    root.mkdir()
    with Workspace.init(root, home=tmp_path / "data") as opened:
        yield opened


def payloads(agent: str, workspace: Workspace, record: Path) -> Iterator[tuple[str, bytes]]:
    """Yields what a client told its hooks, with its record at a place of ours."""
    root = os.fsdecode(workspace.root)
    for line in (PAYLOADS / f"{agent}.jsonl").read_text().replace("/work/repo", root).splitlines():
        form = json.loads(line)
        payload = form["payload"]
        if agent in ("claude", "codex", "gemini", "pi"):
            payload["session" if agent == "pi" else "transcript_path"] = str(record)
        yield form["event"], json.dumps(payload).encode()


def played(
    agent: str, workspace: Workspace, folder: Path, *, keep_text: bool = True
) -> tuple[Accounting, list[Step]]:
    """Plays a session beside its record; returns its steps, oldest first."""
    record = laid_out(agent, workspace, folder)
    accounting = Accounting(workspace, {"opencode": folder})
    recorder = AgentRecorder(workspace, keeps_text=lambda: keep_text, accounting=accounting)
    for event, payload in payloads(agent, workspace, record):
        recorder.take(agent, event, payload)
        settle(accounting, keep_text=keep_text)
    return accounting, steps_of(workspace)


def settle(accounting: Accounting, *, keep_text: bool = True) -> None:
    accounting.read()
    accounting.settle(keep_text=keep_text)


def steps_of(workspace: Workspace) -> list[Step]:
    steps = workspace.steps(limit=100)[::-1]
    return [step for step in steps if step.session]


@pytest.mark.parametrize("agent", AGENTS)
def test_steps_have_models_tokens_exit_codes_and_what_was_said(
    agent: str, workspace: Workspace, tmp_path: Path
) -> None:
    """As soon as their turn is over, in lists and by themselves."""
    _, steps = played(agent, workspace, tmp_path / agent)
    prompts = [step for step in steps if step.kind == "prompt"]
    assert [step.tokens for step in prompts] == [Tokens(600, 120), Tokens(300, 60)]
    assert [workspace.text(step.said) for step in prompts] == ANSWERS
    assert all(step.model for step in steps)
    failing = next(step for step in steps if "about to fail" in step.title)
    assert failing.result == StepResult(False, 3, failing.result and failing.result.duration_ms)
    alone = workspace.get_step(failing.id)
    assert workspace.with_account(alone) == failing
    [found] = [seq for sifted in workspace.find_steps(parse("status:failed", datetime.now(UTC)))
               for seq in sifted.seqs]  # fmt: skip
    assert found == failing.seq
    assert [row.failed for row in workspace.sessions() if row.name] == [1]


@pytest.mark.parametrize("agent", AGENTS)
def test_what_is_known_is_not_recorded_again(
    agent: str, workspace: Workspace, tmp_path: Path
) -> None:
    """Neither by the same daemon nor by the next one."""
    _, steps = played(agent, workspace, tmp_path / agent)
    number = workspace.view().number
    again = Accounting(workspace, {"opencode": tmp_path / agent})
    session = steps[0].session
    assert session is not None
    record = next((tmp_path / agent).rglob("*.jsonl"), tmp_path)
    again.hear(AgentEvent("turn.end", session, record=str(record)))
    settle(again)
    assert workspace.view().number == number
    assert not again.is_due


def test_a_record_that_is_written_late_is_read_again(workspace: Workspace, tmp_path: Path) -> None:
    """A few times; and a record that never comes is given up."""
    record = laid_out("claude", workspace, tmp_path / "claude")
    whole = record.read_text()
    record.unlink()
    accounting = Accounting(workspace, {})
    recorder = AgentRecorder(workspace, accounting=accounting)
    for event, payload in payloads("claude", workspace, record):
        recorder.take("claude", event, payload)
        if event == "Stop":
            break
    settle(accounting)
    assert accounting.is_due and steps_of(workspace)[0].tokens is None
    record.write_text(whole)
    settle(accounting)
    assert steps_of(workspace)[0].tokens == Tokens(600, 120) and not accounting.is_due
    record.unlink()
    accounting.hear(AgentEvent("turn.end", "claude:9eaaed0c", record=str(record)))
    for _ in range(10):
        settle(accounting)
    assert not accounting.is_due


@pytest.mark.parametrize("agent", AGENTS)
def test_without_texts_nothing_that_was_said_is_kept(
    agent: str, workspace: Workspace, tmp_path: Path
) -> None:
    """Figures and models are."""
    _, steps = played(agent, workspace, tmp_path / agent, keep_text=False)
    assert all(step.said is None and step.input is None for step in steps)
    assert [step.tokens for step in steps if step.kind == "prompt"] == [
        Tokens(600, 120), Tokens(300, 60)
    ]  # fmt: skip


def test_it_survives_sealing_and_goes_with_its_step(workspace: Workspace, tmp_path: Path) -> None:
    """What was said of a step that is removed for good is removed with it."""
    _, steps = played("claude", workspace, tmp_path / "claude")
    workspace.gc()
    assert workspace.rebuild() and steps_of(workspace) == steps
    texts = [step.said for step in steps if step.said is not None]
    workspace.prune(Policy(keep_last=2, hourly=0, daily=0, per_session=1, safety_days=0))
    workspace.gc(grace_minutes=0)
    left = steps_of(workspace)
    kept = [step.said for step in left if step.said is not None]
    assert 0 < len(kept) < len(texts)
    assert [workspace.objects.has(said) for said in texts] == [said in kept for said in texts]
    assert workspace.verify(full=True).ok


def test_the_daemon_does_it_by_itself(project: Path, home: Path, runtime: Path) -> None:
    """The hook does not wait for it."""
    env = {
        "HOME": str(home.parent),
        "STEPWELL_HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "PATH": os.environ["PATH"],
    }
    with Workspace.init(project, home=home) as ws:
        record = laid_out("claude", ws, home.parent / "claude")
        for event, payload in payloads("claude", ws, record):
            run_hook(event, payload, env=env)
            if event == "Stop":
                break
        try:
            until(lambda: ws.refresh() is None or steps_of(ws)[0].tokens == Tokens(600, 120))
        finally:
            link = ws.link()
            assert link is not None
            link.stop()


def test_a_record_that_takes_long_to_read_holds_nothing_up(
    project: Path, home: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a capture nor the upkeep that takes in what hooks left."""
    reads, begun, go_on = Accounting.read, threading.Event(), threading.Event()

    def slow(self: Accounting) -> None:
        begun.set()
        assert go_on.wait(60)
        reads(self)

    monkeypatch.setattr(Accounting, "read", slow)
    claude = Claude(project)
    with Workspace.init(project, home=home) as ws, daemon_thread(project, home, runtime):
        env = {"HOME": str(home.parent), "STEPWELL_HOME": str(home)}
        (ws.store / "spool").mkdir(mode=0o700, exist_ok=True)
        run_hook(*claude.stop(), env=env)
        try:
            assert begun.wait(20)
            (project / "a").write_text("a\n")
            ws.record("beside it")
            event, payload = claude.prompt("left in the spool")
            (ws.store / "spool" / f"{1:020d}-1").write_bytes(f"claude {event}\n".encode() + payload)
            until(lambda: not any((ws.store / "spool").glob("[0-9]*")))
        finally:
            go_on.set()
        ws.refresh()
        assert [step.title for step in ws.steps(limit=3)][2] == "beside it"
        assert "late" in ws.head().flags


def step(n: int, kind: Any, title: str, call: str | None = None) -> Step:
    nothing = Snapshot(Oid(b"\0" * 20), Oid(b"\0" * 20))
    return Step(StepId(f"{n:032x}"), n, "main", (), kind, title, n, nothing, "x:s", call=call)


def told(id: str, kind: Any, title: str) -> Told:
    return Told(id, 1, AgentEvent(kind, "x:s", title=title))


def test_turns_without_ids_are_found_by_their_prompt_and_calls_by_their_order() -> None:
    """The newest of several like ones; what the record lacks is left out."""
    steps = [
        step(1, "prompt", "go"), step(2, "tool", "$ a"), step(3, "tool", "$ b"),
        step(4, "prompt", "go"), step(5, "tool", "$ a"), step(6, "tool", "$ a"),
    ]  # fmt: skip
    record = [
        told("0", "prompt", "go"), told("1", "call.after", "$ b"),
        told("2", "prompt", "go"), told("3", "call.after", "$ a"), told("4", "call.after", "$ a"),
    ]  # fmt: skip
    assert [(s.seq, t.id) for s, t in matched(steps, record)] == [
        (1, "0"), (3, "1"), (4, "2"), (5, "3"), (6, "4")
    ]  # fmt: skip


TITLES = st.sampled_from(["a", "b"])
KINDS = st.sampled_from(["prompt", "tool", "outside"])


@given(
    st.lists(st.tuples(KINDS, TITLES, st.none() | TITLES)),
    st.lists(st.tuples(st.sampled_from(["prompt", "call.after"]), TITLES, TITLES)),
)
def test_each_step_and_each_thing_told_is_matched_once(
    steps: list[tuple[Any, str, str | None]], record: list[tuple[Any, str, str]]
) -> None:
    """Whatever both hold, and never a prompt with a call."""
    mine = [step(n, *one) for n, one in enumerate(steps, 1)]
    theirs = [told(id, kind, title) for kind, title, id in record]
    pairs = list(matched(mine, theirs))
    assert len({s.id for s, _ in pairs}) == len(pairs) == len({id(t) for _, t in pairs})
    assert all((s.kind == "prompt") == (t.event.kind == "prompt") for s, t in pairs)


def test_purged_content_is_blotted_out_of_what_was_said(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Sealed or not, as it is out of prompts and results."""
    _, steps = played("claude", workspace, tmp_path / "claude")
    (Path(os.fsdecode(workspace.root)) / "secret.txt").write_text(f"{ANSWERS[0]}\n")
    workspace.capture("by mistake")
    workspace.purge(paths=[b"secret.txt"])
    [prompt] = [step for step in steps_of(workspace) if step.id == steps[0].id]
    assert workspace.text(prompt.said) == "[purged]"
    assert steps[0].said is not None and not workspace.objects.has(steps[0].said)
    assert workspace.verify(full=True).ok


@pytest.mark.parametrize("record", ["/tmp/a\0b", "/tmp/\ud800", "/dev/null", "/nowhere"])
def test_a_record_that_cannot_be_opened_tells_nothing(workspace: Workspace, record: str) -> None:
    """However its name is spelled."""
    accounting = Accounting(workspace, {})
    recorder = AgentRecorder(workspace, accounting=accounting)
    payload = {"session_id": "s", "transcript_path": record, "hook_event_name": "Stop"}
    recorder.take("claude", "Stop", json.dumps(payload).encode())
    assert accounting.is_due
    before = workspace.view().number
    accounting.read()
    accounting.settle()
    assert workspace.view().number == before
