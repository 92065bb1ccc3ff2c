"""Ten thousand captures: the daemon stays as small and quick as it was, the store as small as it can be."""

from __future__ import annotations

import logging
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support.daemons import daemon_process
from support.processes import Sample, most, sample
from support.sealed import git

from stepwell.store import Workspace

CAPTURES = int(os.environ.get("STEPWELL_CAPTURES", "10000"))
FILES = 300
BESIDE = """
import os, sys
from stepwell.store import Workspace
from stepwell.store.model.retention import Policy
os.nice(10)
root, home, prunes = sys.argv[1:]
with Workspace.open(root, home=home, wait_s=60) as ws:
    if prunes == "prune":
        ws.prune(Policy(keep_last=500, hourly=0, daily=0, per_session=1))
    ws.gc(grace_minutes=0)
"""
"""Sealing, and once pruning with the removal of what it dropped, by a process beside the daemon."""


class Edited:
    """A folder of sources in which one file after the other is edited."""

    def __init__(self, root: Path) -> None:
        self._chance = random.Random(3)
        self._files = [root / "src" / f"module{number}.py" for number in range(FILES)]
        for path in self._files:
            words = (f"    value_{n} = {self._chance.random()}\n" for n in range(150))
            path.write_text("def run():\n" + "".join(words))

    def edit(self, number: int) -> None:
        """Changes one line of one file."""
        path = self._chance.choice(self._files)
        lines = path.read_text().splitlines(keepends=True)
        lines[self._chance.randrange(1, len(lines))] = f"    edited_{number} = {number}\n"
        path.write_text("".join(lines))


@pytest.mark.long
@pytest.mark.timeout(0)
def test_ten_thousand_captures_leave_daemon_and_store_as_they_should_be(
    ws: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """Memory and descriptors flat, captures as quick beside sealing and pruning, the store small."""
    source = Edited(project)
    process = daemon_process(project, home)
    quiet, busy, samples, files = list[float](), list[float](), list[Sample](), list[int]()
    beside: subprocess.Popen[bytes] | None = None
    try:
        for number in range(CAPTURES):
            if number % (CAPTURES // 8) == CAPTURES // 16 and (
                beside is None or beside.poll() == 0
            ):
                kind = "prune" if number > CAPTURES * 5 // 8 else "seal"
                beside = subprocess.Popen(
                    [sys.executable, "-c", BESIDE, str(project), str(home), kind]
                )
            source.edit(number)
            begun = time.perf_counter()
            ws.record(f"edit {number}", session="me:1")
            took = time.perf_counter() - begun
            (quiet if beside is None or beside.poll() is not None else busy).append(took)
            if number % 100 == 99:
                samples.append(sample(process.pid))
                files.append(beside_packs(process.pid))
        assert beside is not None and beside.wait(600) == 0
    finally:
        process.terminate()
        assert process.wait(60) == 0
    ws.gc(grace_minutes=0)
    ws.refresh()
    kept, fresh = ws.stats().sealed_bytes, repacked(ws.store / "repo.git", tmp_path / "fresh.git")
    quarter = len(samples) // 4
    early, late = most(samples[quarter : 2 * quarter]), most(samples[3 * quarter :])
    figures = {
        "captures, quiet and beside": (len(quiet), len(busy)),
        "p50 ms": [round(share(times, 0.5) * 1e3, 2) for times in (quiet, busy)],
        "p99 ms": [round(share(times, 0.99) * 1e3, 2) for times in (quiet, busy)],
        "most ms": [round(max(times) * 1e3, 1) for times in (quiet, busy)],
        "early": early,
        "late": late,
        "files but packs": files[:: max(1, len(files) // 10)],
        "packs": kept,
        "fresh": fresh,
    }
    logging.getLogger(__name__).warning("%s", figures)
    assert late.rss_kb < early.rss_kb * 1.15
    # Segments wait to be sealed, more of them or fewer, and each is open three times.
    assert min(files[3 * quarter :]) <= min(files[quarter : 2 * quarter]) + 9
    assert kept <= 1.3 * fresh
    assert share(busy, 0.99) < 4 * share(quiet, 0.99)
    assert ws.verify(full=True).ok


def beside_packs(pid: int) -> int:
    """Returns how many files a process has open but packs, of which there are up to thirty."""
    folder = f"/proc/{pid}/fd"
    links = []
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):
            links.append(os.readlink(f"{folder}/{name}"))
    return sum("/objects/pack/" not in link for link in links)


def share(times: list[float], part: float) -> float:
    """Returns the nearest rank."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def repacked(repository: Path, target: Path) -> int:
    """Returns what packs and indexes take once git has packed all of it afresh."""
    shutil.copytree(repository, target)
    git(target, "repack", "-a", "-d", "-f", "-q")
    folder = target / "objects" / "pack"
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".pack", ".idx"))
