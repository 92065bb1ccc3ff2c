"""How much memory the daemon of a small project takes while clients are at work."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from support.daemons import daemon_process
from support.processes import sample

from stepwell.store import Step, Workspace

FILES = 150
MOST_KB = 80_000


def write(project: Path, names: range, seed: int) -> None:
    """Fills files of about 10 KB each with what no other one holds."""
    chance = random.Random(seed)
    for number in names:
        words = (f"    value_{n} = {chance.getrandbits(64):x}\n" for n in range(340))
        (project / f"module{number}.py").write_text("def run():\n" + "".join(words))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by Linux")
def test_a_daemon_at_work_stays_below_the_bound(ws: Workspace, project: Path, home: Path) -> None:
    """Captures of few and of all files, sealed in between, and rollbacks over all of them."""
    write(project, range(FILES), 0)
    first = ws.record().step
    process = daemon_process(project, home)
    try:
        seen = [sample(process.pid).rss_kb]
        for act in (captures_of_few, captures_of_all, sealing, rollbacks_of_all):
            act(ws, project, first)
            seen.append(sample(process.pid).rss_kb)
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert max(seen) < MOST_KB, seen


def captures_of_few(ws: Workspace, project: Path, _: Step) -> None:
    """Many steps of which each is kept ready."""
    for number in range(40):
        write(project, range(number, number + 3), number)
        ws.record()


def captures_of_all(ws: Workspace, project: Path, _: Step) -> None:
    """Few steps of which none is."""
    for number in range(3):
        write(project, range(FILES), 100 + number)
        ws.record()


def sealing(ws: Workspace, *_: object) -> None:
    """Puts everything into a pack, from which it is read then."""
    ws.gc()


def rollbacks_of_all(ws: Workspace, _: Path, first: Step) -> None:
    """There and back again."""
    ws.apply(ws.plan_rollback(first))
    ws.undo()
