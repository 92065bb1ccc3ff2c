"""SIGKILL of the daemon during a stream of captures: nothing acknowledged is lost, nobody has to help."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from support.claude import Claude, run_hook
from support.daemons import daemon_process, until

from stepwell.store import StepwellError, Workspace
from stepwell.store.model.errors import FailedError
from stepwell.store.model.steps import StepRecorded


class Stream:
    """A client that edits and captures without a pause, and keeps what was acknowledged."""

    def __init__(self, root: Path, home: Path, name: str) -> None:
        self.acknowledged: dict[str, bytes] = {}
        self.unknown = 0
        self.failures: list[StepwellError] = []
        self.name = name
        self._root, self._home = root, home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with Workspace.open(self._root, home=self._home, wait_s=20) as ws:
            number = 0
            while not self._stop.is_set():
                number += 1
                content = f"{self.name} {number}\n".encode()
                (self._root / self.name).write_bytes(content)
                try:
                    step = ws.record(f"{self.name} {number}", tags=("s",)).step
                    self.acknowledged[step.id] = content
                except FailedError as error:
                    assert "not known" in error.message, error
                    self.unknown += 1
                except StepwellError as error:
                    self.failures.append(error)


def kill_often(root: Path, home: Path, kills: int, seed: int) -> None:
    """Kills daemon after daemon under four clients, which share syncs, then looks at what is there."""
    chance = random.Random(seed)
    streams = [Stream(root, home, name) for name in ("one", "two", "three", "four")]

    def known() -> int:
        return sum(len(stream.acknowledged) for stream in streams)

    with ExitStack() as running:
        for stream in streams:
            running.enter_context(stream)
        for _ in range(kills):
            process = daemon_process(root, home)
            wanted = known() + 5
            until(lambda wanted=wanted: known() >= wanted)  # type: ignore[misc]
            time.sleep(chance.random() * 0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert [stream.failures for stream in streams] == [[]] * len(streams)
    with Workspace.open(root, home=home) as ws:
        assert ws.settle() is None
        assert known() > 4 * kills
        for stream in streams:
            for step, content in stream.acknowledged.items():
                assert ws.read_file(ws.get_step(step), stream.name.encode()) == content
        assert ws.verify(full=True).ok
        ws.record("the next command works", tags=("s",))


def test_a_few_kills_of_the_daemon_lose_nothing(ws: Workspace, project: Path, home: Path) -> None:
    """On each push."""
    kill_often(project, home, 10, seed=1)


@pytest.mark.long
def test_a_hundred_kills_of_the_daemon_lose_nothing(
    ws: Workspace, project: Path, home: Path
) -> None:
    """The same, longer."""
    kill_often(project, home, 100, seed=2)


def kill(pid: int) -> None:
    """Kills a daemon, if there is one."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_kills_between_and_during_hooks_lose_no_event(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """Each call is recorded once, by itself or in a late step; the disk is in the last one."""
    env = {
        "STEPWELL_HOME": str(home),
        "HOME": str(home.parent),
        "XDG_RUNTIME_DIR": str(runtime),
        "PATH": os.environ["PATH"],
    }
    claude, chance = Claude(project), random.Random(3)
    run_hook(*claude.prompt("Go"), env=env)
    for number in range(8):
        run_hook(*claude.before("Bash", command=f"call {number}"), env=env)
        (project / "a").write_text(f"{number}\n")
        info = ws.daemon()
        killer = threading.Timer(chance.random() * 0.05, kill, (info.pid if info else 0,))
        if chance.random() < 0.7:
            killer.start()
        run_hook(*claude.after("Bash", "", command=f"call {number}"), env=env)
        if killer.ident is not None:
            killer.join()
    run_hook(*claude.stop(), env=env)
    link = ws.link()
    until(lambda: not any((ws.store / "spool").glob("[0-9]*")))
    assert link is not None and link.stop()
    ws.refresh()
    steps = [
        effect.step
        for row in ws.operations(1_000)
        for effect in row.operation.effects
        if isinstance(effect, StepRecorded)
    ]
    calls = [step.call for step in steps if step.call and step.kind == "tool"]
    assert len(calls) == len(set(calls))
    told = "\n".join(step.title + (ws.text(step.input) or "") for step in steps)
    assert all(f"call {number}" in told for number in range(8))
    assert ws.read_file(ws.head(), b"a") == b"7\n"
