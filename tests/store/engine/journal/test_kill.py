"""SIGKILL at random moments: every acknowledged operation is there after the next open."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import journal_victim
from support.journals import make_store, reading, record, step_of, writing

from stepwell.store.engine.objects import decode_tree


def run_until(store: Path, lines: int, extra: int) -> list[int]:
    """Lets a victim append, kills it after that many lines and bytes more; returns its numbers."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, journal_victim.__file__, "append", str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as victim:
        assert victim.stdout is not None
        said = b""
        while said.count(b"\n") < lines:
            part = os.read(victim.stdout.fileno(), 1)
            assert part, "the victim died by itself"
            said += part
        for _ in range(extra):
            os.sched_yield()
        victim.send_signal(signal.SIGKILL)
        said += victim.stdout.read()
    return [int(line) for line in said.split(b"\n")[:-1]]


def check(store: Path, acknowledged: list[int]) -> None:
    """Reads everything that was acknowledged, as a reader and after the writer's repair."""
    with reading(store) as journal:
        assert journal.last_number >= acknowledged[-1]
    with writing(store) as writer:
        found = [operation.number for operation in writer.operations()]
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= acknowledged[-1]
        next_one = record(writer, b"after the kill")
        assert next_one.number == len(found) + 1
        for operation in writer.newest(5):
            tree = writer.read(step_of(operation).snapshot.tree)[1]
            writer.read(decode_tree(tree)[0].oid)
        report = writer.verify(True)
        assert report.ok, report.damaged
    assert not list(store.rglob("*.stepwell-tmp"))


def kill_often(store: Path, rounds: int, seed: int) -> None:
    """Kills one victim after another on the same store."""
    chance = random.Random(seed)
    for _ in range(rounds):
        numbers = run_until(store, chance.randint(1, 60), chance.choice((0, 10, 1_000, 20_000)))
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        check(store, numbers)


def test_acknowledged_operations_survive_kills(tmp_path: Path) -> None:
    """Fifteen kills in a row on one store lose nothing and need no repair by hand."""
    kill_often(make_store(tmp_path / "store"), 15, 1)


@pytest.mark.long
def test_acknowledged_operations_survive_many_kills(tmp_path: Path) -> None:
    """The same two hundred times, on several stores."""
    for seed in range(2, 10):
        kill_often(make_store(tmp_path / f"store{seed}"), 25, seed)
