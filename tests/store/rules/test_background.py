"""Rules looked at while work goes on: in a process beside the daemon, which holds nobody up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.claude import HOOK, Claude
from support.daemons import daemon_process, until

from stepwell.store import Act, Step, Workspace
from stepwell.store.rules.background import Background

AGENT = "claude:1"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's configuration, also for what this process starts."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("STEPWELL_CONFIG", str(path))
    return path


@pytest.fixture
def edit(ws: Workspace, project: Path) -> Callable[[str], Step]:
    """Has the agent write a file, in a step of its own."""

    def write(text: str, name: str = "state") -> Step:
        (project / name).write_text(text + "\n")
        return ws.record(act=Act(f"write {text}", "tool", session=AGENT, tool="Write")).step

    return write


Edit = Callable[[str], Step]


@pytest.fixture
def daemon(ws: Workspace, project: Path, home: Path, config: Path) -> Iterator[int]:
    """A daemon with an automatic rule from the person; its process id."""
    config.write_text(
        "[rules]\nmode = 'auto'\n"
        "[rules.state]\nrun = 'grep -q good state'\ndo = 'rollback'\nquiet_ms = 0\n"
    )
    process = daemon_process(project, home)
    yield process.pid
    process.kill()
    process.wait()


def hand_over(told: tuple[str, bytes], home: Path) -> bytes:
    """Hands an event over as an agent does; returns what the hook printed."""
    command = [sys.executable, "-I", "-S", str(HOOK), "claude", told[0]]
    env = {**os.environ, "STEPWELL_HOME": str(home)}
    done = subprocess.run(command, input=told[1], capture_output=True, env=env, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def verdicts(ws: Workspace) -> dict[str, bool | None]:
    ws.refresh()
    return {one.step: one.ok for one in ws.view().verdicts}


def watchers(ws: Workspace) -> list[int]:
    """Processes that look at rules of this workspace."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"stepwell.store.service.rulework" in words and ws.root in words:
            found.append(int(name))
    return found


def test_a_daemon_has_rules_looked_at_and_goes_back(
    daemon: int, ws: Workspace, edit: Edit, project: Path
) -> None:
    """The agent's steps are recorded meanwhile; whoever listens hears of it; undo works."""
    heard: list[str] = []
    ws.subscribe("rule:verdict", lambda event: heard.append(event.facts["action"]))
    good = edit("good")
    until(lambda: verdicts(ws).get(good.id) is True)
    bad = edit("bad")
    until(lambda: (ws.refresh(), ws.view().verdicts[-1].action == "rollback")[1])
    verdict = ws.view().verdicts[-1]
    assert verdict.step == bad.id and verdict.target == good.id
    assert (project / "state").read_text() == "good\n"
    until(lambda: "rollback" in heard)
    ws.undo()
    assert (project / "state").read_text() == "bad\n"


def test_what_looks_at_rules_ends_with_its_daemon(daemon: int, ws: Workspace, edit: Edit) -> None:
    """However that ended; and a killed one leaves nothing that stops anybody."""
    until(lambda: watchers(ws))
    os.kill(daemon, signal.SIGKILL)
    until(lambda: not watchers(ws))
    assert edit("good").kind == "tool"


def test_rules_that_come_and_go_start_and_end_it(
    ws: Workspace, project: Path, home: Path, config: Path
) -> None:
    """A rule file alone starts nothing: it has to be trusted first."""
    (project / "stepwell.toml").write_text("[rules.a]\nrun = 'true'\n")
    process = daemon_process(project, home)
    try:
        ws.capture("through the daemon")
        assert not watchers(ws)
        ws.trust()
        until(lambda: watchers(ws))
        (project / "stepwell.toml").write_text("[rules.a]\nrun = 'true'\n# changed\n")
        until(lambda: not watchers(ws))
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def background(ws: Workspace, config: Path, project: Path, home: Path) -> Iterator[Background]:
    """The same in this process, over a reader of its own, for a slow rule."""
    config.write_text("[rules.slow]\nrun = 'sh -c \"test -f fast || sleep 60\"'\nquiet_ms = 0\n")
    with Workspace.open(project, home=home) as own:
        yield Background(own, config, {"PATH": os.environ["PATH"]}, lambda: False)


def test_newer_work_cancels_a_look(
    ws: Workspace, background: Background, edit: Callable[..., Step]
) -> None:
    """Its command is ended, and only the newest step is judged."""
    background.begin()
    slow = edit("one")
    began = time.monotonic()
    thread = threading.Thread(target=background.tick)
    thread.start()
    until(lambda: list((ws.store / "scratch").glob("rules-*/0/*/state")))
    fast = edit("", "fast")
    thread.join(20)
    assert time.monotonic() - began < 30 and not thread.is_alive()
    assert verdicts(ws) == {}
    background.tick()
    assert verdicts(ws) == {fast.id: True} and slow.id not in verdicts(ws)


def test_files_that_were_found_well_are_not_looked_at_again(
    ws: Workspace, background: Background, edit: Callable[..., Step], project: Path
) -> None:
    """A rollback to them, or the same edit again, costs nothing."""
    background.begin()
    first = edit("", "fast")
    background.tick()
    edit("x", "other")
    background.tick()
    (project / "other").unlink()
    again = ws.record(act=Act("take it back", "tool", session=AGENT)).step
    assert again.snapshot == first.snapshot
    background.tick()
    assert again.id not in verdicts(ws) and len(verdicts(ws)) == 2


def test_the_agent_is_told_once_that_its_work_was_taken_back(
    daemon: int, ws: Workspace, project: Path, home: Path
) -> None:
    """By the reply of its hook, which prints nothing otherwise; another session is told nothing."""
    mine, other = Claude(project, "s-1"), Claude(project, "s-2")

    def write(text: str) -> tuple[str, bytes]:
        before = mine.before("Write", file_path=str(project / "state"))
        assert hand_over(before, home) == b""
        (project / "state").write_text(text + "\n")
        return mine.after("Write", file_path=str(project / "state"))

    assert hand_over(mine.prompt("write"), home) == b""
    assert hand_over(write("good"), home) == b""
    until(lambda: True in verdicts(ws).values())
    assert hand_over(write("bad"), home) == b""
    until(lambda: False in verdicts(ws).values())
    assert hand_over(other.prompt("hello"), home) == b""
    said = json.loads(hand_over(mine.prompt("go on"), home))["hookSpecificOutput"]
    assert said["hookEventName"] == "UserPromptSubmit"
    assert "rule state said: the command ends with 1" in said["additionalContext"]
    assert hand_over(mine.prompt("go on"), home) == b""
