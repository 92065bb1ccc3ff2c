"""Capturing what has no hooks: when the folder rests, and around a command."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import until

from stepwell.store import Act, Snapshot, Workspace
from stepwell.store.agents.watching import Rest, run, watch
from stepwell.store.model.ids import Oid

STEPWELL = Path(sys.executable).with_name("stepwell")


def snapshot(number: int) -> Snapshot:
    return Snapshot(Oid(bytes([number]) * 20), Oid(bytes(20)))


def test_rest_is_reached_when_something_new_stays_the_same() -> None:
    """Not while it changes, not when it is as the head, and again after each change."""
    rest = Rest(quiet_s=1.0)
    seen = [(0, 0.0), (1, 1.0), (1, 1.5), (2, 2.1), (2, 3.0), (2, 3.1), (0, 9.0), (0, 99.0)]
    reached = [rest.reached(snapshot(n), snapshot(0), now) for n, now in seen]
    assert reached == [False, False, False, False, False, True, False, False]


def test_watching_records_each_time_the_folder_rests(ws: Workspace, project: Path) -> None:
    """And what is left when it ends."""
    acts: Iterator[object] = iter(
        [
            lambda: (project / "a").write_text("1\n"),
            None,
            lambda: (project / "a").write_text("2\n"),
            None,
            None,
            lambda: (project / "b").write_text("3\n"),
        ]
    )

    def pause(_: float) -> bool:
        act = next(acts, "end")
        if callable(act):
            act()
        return act == "end"

    told: list[str] = []
    watch(
        ws, Act(), pause=pause, quiet_s=0.0, tell=lambda recorded: told.append(recorded.step.title)
    )
    assert told == ["a", "a", "b"]
    assert [s.title for s in ws.steps(limit=3)] == ["b", "a", "a"]


def test_watching_by_the_clock_records_only_changes(ws: Workspace, project: Path) -> None:
    """However often it looks."""
    times = itertools.count()

    def pause(_: float) -> bool:
        turn = next(times)
        if turn == 2:
            (project / "a").write_text("1\n")
        return turn == 6

    watch(ws, Act(), pause=pause, quiet_s=9.0, interval_s=1e-9, tell=lambda _: None)
    assert len(ws.steps()) == 2


def test_a_command_is_a_step_with_its_end(ws: Workspace, project: Path) -> None:
    """What differed before is not its work."""
    (project / "mine").write_text("mine\n")
    code = run(
        ws,
        ["sh", "-c", "echo x >a; exit 3"],
        folder=os.fsencode(project),
        session="run:1",
        quiet_s=0.0,
        started=lambda process: None,
    )
    assert code == 3
    steps = ws.steps()
    assert steps[-2].kind == "outside" and [c.path for c in ws.step_changes(steps[-2])] == [b"mine"]
    assert steps[0].title == "$ sh -c echo x >a; exit 3"
    assert steps[0].result is not None and steps[0].result.exit_code == 3
    changed = [c.path for step in steps[:-2] for c in ws.step_changes(step)]
    assert changed == [b"a"] and {s.session for s in steps[:-2]} == {"run:1"}


def test_a_command_that_waits_is_captured_on_the_way(
    ws: Workspace, project: Path, home: Path
) -> None:
    """Its changes before and after a rest are steps of their own."""
    script = "echo 1 >a; while [ ! -e go ]; do sleep 0.02; done; echo 2 >a"
    process = subprocess.Popen(
        [STEPWELL, "run", "--quiet", "50", "--", "sh", "-c", script],
        cwd=project,
        env={**os.environ, "STEPWELL_HOME": str(home)},
    )
    until(lambda: ws.refresh() and ws.head().title == "a")
    (project / "go").touch()
    assert process.wait(20) == 0
    ws.refresh()
    assert ws.head().title.startswith("$ sh -c")
    assert ws.read_file(ws.head(), b"a") == b"2\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_command_and_its_status_is_ours(
    ws: Workspace, project: Path, home: Path, number: int
) -> None:
    """SIGTERM is passed on, SIGINT comes from the terminal; the command decides what they mean."""
    script = 'trap "echo got >got; exit 7" TERM INT; echo >ready; while :; do sleep 0.02; done'
    process = subprocess.Popen(
        [STEPWELL, "run", "--", "sh", "-c", script],
        cwd=project,
        env={**os.environ, "STEPWELL_HOME": str(home)},
        start_new_session=True,
    )
    until((project / "ready").exists)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(20) == 7
    ws.refresh()
    assert ws.head().result is not None and ws.head().result.exit_code == 7
    assert ws.read_file(ws.head(), b"got") == b"got\n"


def test_a_command_killed_by_a_signal_has_the_status_of_a_shell(
    ws: Workspace, project: Path, home: Path
) -> None:
    """And one that is not there that of a shell, too."""
    env = {**os.environ, "STEPWELL_HOME": str(home)}
    killed = [STEPWELL, "run", "--", "sh", "-c", "kill -9 $$"]
    assert subprocess.run(killed, cwd=project, env=env).returncode == 137
    for command, status in (("no-such-command", 127), ("/etc/passwd", 126)):
        done = subprocess.run(
            [STEPWELL, "run", "--", command], cwd=project, env=env, capture_output=True
        )
        assert done.returncode == status and command.encode() in done.stderr


def test_the_watch_command_captures_and_ends_at_a_signal(
    ws: Workspace, project: Path, home: Path
) -> None:
    """Through the daemon that it starts."""
    process = subprocess.Popen(
        [STEPWELL, "watch", "--quiet", "20"],
        cwd=project,
        env={**os.environ, "STEPWELL_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: ws.daemon() is not None)
        (project / "a").write_text("a\n")
        until(lambda: ws.refresh() and ws.head().title == "a")
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=20)
        link = ws.link()
        assert link is not None and link.stop()
        until(lambda: ws.daemon() is None)
    assert process.returncode == 0 and b"captured #2" in out
