"""Kills the removal of dropped steps at each call that changes something, and judges the store.

Run as `python prune_kill_points.py FIRST STEP [prune | fold]`: takes every STEP-th point from FIRST
on; with `prune` or `fold` it is the dropping that is killed, not the removal. After each kill the history is read as it was, a second attempt is killed at another point, and a third one has
to finish, unaided, with nothing left that only dropped steps need. Prints one JSON document: how
many points there were, and what was wrong after which.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from support.bench import FAST
from support.kill_points import killed
from support.pruning import FEW, edits, told
from support.seal_kill_points import SealKiller, judged
from support.sealed import assert_clean

from stepwell.store import Workspace
from stepwell.store.model.ids import object_id
from stepwell.store.model.retention import Policy

SECRET = random.Random(3).randbytes(700)


def prepared(project: Path, home: Path) -> dict[str, Any]:
    """Makes a workspace with dropped steps, sealed in two packs; returns what it tells."""
    (project / "src").mkdir(parents=True)
    with Workspace.init(project, home=home) as ws:
        (project / "secret").write_bytes(SECRET)
        edits(ws, project, 3)
        (project / "secret").unlink()
        ws.gc()
        edits(ws, project, 5)
        ws.prune(FEW)
        ws.gc()
        return told(ws)


def collect(project: Path, home: Path) -> None:
    """Removes what was dropped."""
    with Workspace.open(project, home=home) as ws:
        ws.gc(grace_minutes=0)


def drop(project: Path, home: Path, policy: Policy) -> None:
    """Takes steps out of sight."""
    with Workspace.open(project, home=home) as ws:
        ws.prune(policy)


def dropping(folder: Path, first: int, step: int, policy: Policy) -> dict[str, Any]:
    """Returns the report of a prune, or a fold, that is killed: all is as before or as after."""
    project, original, home = folder / "project", folder / "original", folder / "home"
    (project / "src").mkdir(parents=True)
    with Workspace.init(project, home=original) as ws:
        edits(ws, project, 9, session="claude:s", turn=1)
        before = told(ws)
    shutil.copytree(original, home)
    drop(project, home, policy)
    with Workspace.open(project, home=home) as ws:
        after = told(ws)
    assert after != before, "there was nothing to drop"
    wrong: list[str] = []
    point = first
    while True:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(original, home)
        run = partial(drop, project, home, policy)
        if not killed(point, run, killer=SealKiller):
            return {"points": point, "wrong": wrong}
        wrong += judged(point, "after the kill", partial(_either, project, home, before, after))
        run()
        wrong += judged(point, "after the next", partial(_either, project, home, after, after))
        point += step


def _either(project: Path, home: Path, one: dict[str, Any], other: dict[str, Any]) -> None:
    with Workspace.open(project, home=home) as ws:
        assert told(ws) in (one, other)
        assert ws.verify(full=True).ok


def main(folder: Path, first: int, step: int, what: str = "") -> dict[str, Any]:
    """Returns the report."""
    if what:
        return dropping(folder, first, step, replace(FEW, fold=what == "fold"))
    project, original, home = folder / "project", folder / "original", folder / "home"
    before = prepared(project, original)
    wrong: list[str] = []
    point = first
    while True:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(original, home)
        run = partial(collect, project, home)
        if not killed(point, run, killer=SealKiller):
            break
        wrong += judged(point, "after the kill", partial(_readable, project, home, before))
        killed(1 + point * 7 % 61, run, killer=SealKiller)
        wrong += judged(point, "after the next", partial(_goes_on, project, home, before))
        point += step
    return {"points": point, "wrong": wrong}


def _readable(project: Path, home: Path, before: dict[str, Any]) -> None:
    with Workspace.open(project, home=home) as ws:
        assert told(ws) == before
        damaged = [d for d in ws.verify(full=True).damaged if d.kind not in ("refs", "config")]
        assert damaged == [], damaged


def _goes_on(project: Path, home: Path, before: dict[str, Any]) -> None:
    with Workspace.open(project, home=home) as ws:
        ws.gc(grace_minutes=0)
        assert told(ws) == before
        ws.rebuild()
        assert told(ws) == before
        assert ws.verify(full=True).damaged == ()
        assert not ws.objects.has(object_id("blob", SECRET)), "what was dropped is still there"
        packs = list((ws.store / "repo.git" / "objects" / "pack").glob("*.pack"))
        assert len(packs) == len(ws.objects.manifest.packs), packs
        assert_clean(ws.store)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        json.dump(main(Path(name), int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]), sys.stdout)
