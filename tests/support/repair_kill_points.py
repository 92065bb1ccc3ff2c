"""Kills a repair at calls that change something, and lets the next one mend the store."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from support.kill_points import killed
from support.seal_kill_points import SealKiller, judged

from stepwell.store import Workspace


def repair(project: Path, home: Path) -> None:
    """Repairs the store."""
    with Workspace.open(project, home=home) as ws:
        ws.repair()


def sweep(project: Path, home: Path, folder: Path, *, first: int, step: int) -> list[str]:
    """Returns what was wrong after which point; every STEP-th from FIRST on is tried."""
    original, wrong, point = folder / "original", list[str](), first
    shutil.copytree(home, original)
    while True:
        shutil.rmtree(home)
        shutil.copytree(original, home)
        if not killed(point, partial(repair, project, home), killer=SealKiller):
            return wrong
        wrong += judged(point, "after the kill", partial(_mends, project, home))
        point += step


def _mends(project: Path, home: Path) -> None:
    with Workspace.open(project, home=home) as ws:
        before = {d.kind for d in ws.verify(full=True).damaged}
        assert before <= {"object", "frame", "pack", "refs"}, before
        assert ws.repair().after == ()
        for step in ws.steps(limit=100, all_branches=True):
            ws.read_file(step, b"src/app.py")
        assert ws.verify(full=True).ok
