"""Kills a purge at each call that changes something, then the next one too, and judges the store.

Run as `python purge_kill_points.py FIRST STEP`: takes every STEP-th point from FIRST on. After each
kill everything but the content reads as before; a second attempt is killed at another point, and a
third, a `gc` or a purge by turns, has to finish unaided. Prints one JSON document: how many points
there were, and what was wrong after which.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from support.bench import FAST
from support.kill_points import killed
from support.pruning import edits
from support.seal_kill_points import SealKiller, judged
from support.sealed import assert_clean, copy_objects
from support.traces import traces

from stepwell.store import StateConfig, StateSnapshots, Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.model.errors import NotFoundError

SECRET = random.Random(5).randbytes(40).hex()


def prepared(project: Path, home: Path) -> dict[str, Any]:
    """Makes a workspace with a secret in packs, segments and texts; returns what stays of it."""
    (project / "src").mkdir(parents=True)
    with Workspace.init(project, home=home) as ws:
        (project / "secret").write_text(SECRET)
        ws.record(act=Act("write", "tool", session="claude:s", prompt=f"use {SECRET}"))
        edits(ws, project, 2)
        ws.gc()
        copy_objects(ws.store / "repo.git")
        ws.apply(ws.plan_rollback(ws.get_step("#2")))
        (project / "secret").unlink()
        edits(ws, project, 2)
        (ws.store / "daemon.log").write_text(f'{{"title": "use {SECRET}"}}\n{{"title": "other"}}\n')
        with StateSnapshots(ws.store / "state", StateConfig(full_every=3)) as snapshots:
            for number in range(5):
                more = {"env": SECRET} if number in (1, 3) else {}
                snapshots.create("s", {"filler": "x" * 300, "number": number, **more})
            snapshots.record_event("s", "merge", {"env": SECRET})
        return told(ws)


def told(ws: Workspace) -> dict[str, Any]:
    """Returns what a purge does not change."""
    steps = ws.steps(limit=1000, all_branches=True)
    return {
        "steps": [(s.id, s.seq, s.parents, s.kind, s.time_ns) for s in steps],
        "branches": ws.branches(),
        "states": states(ws),
        "app": [ws.read_file(step, b"src/app.py") for step in steps if step.seq not in (1, 2, 5)],
    }


def states(ws: Workspace) -> list[object]:
    """Returns the states in order, without what a purge takes out of them."""
    with StateSnapshots(ws.store / "state") as snapshots:
        found = [snapshots.reconstruct_state(one) for one in snapshots.search(direction="asc")]
        assert snapshots.statistics().damaged == ()
        assert len(snapshots.events("s")) == 1
    for number, state in enumerate(found):
        env = state.pop("env", None)
        assert env in ((SECRET, "[purged]") if number in (1, 3) else (None,)), env
    return found


def purge(project: Path, home: Path) -> None:
    """Purges the secret; a purge that finds nothing more is done."""
    with Workspace.open(project, home=home) as ws:
        ws.purge(paths=[b"secret"])


def main(folder: Path, first: int, step: int) -> dict[str, Any]:
    """Returns the report."""
    project, original, home = folder / "project", folder / "original", folder / "home"
    before = prepared(project, original)
    wrong: list[str] = []
    point = first
    while True:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(original, home)
        run = partial(purge, project, home)
        if not killed(point, run, killer=SealKiller):
            break
        wrong += judged(point, "after the kill", partial(_readable, project, home, before))
        with Workspace.open(project, home=home) as ws:
            finished = not ws.view().purging and not traces(ws.store, SECRET.encode())
        if not finished:
            killed(1 + point * 7 % 61, partial(_again, project, home), killer=SealKiller)
        wrong += judged(point, "after the next", partial(_goes_on, project, home, before, point))
        point += step
    return {"points": point, "wrong": wrong}


def _again(project: Path, home: Path) -> None:
    try:
        purge(project, home)
    except NotFoundError:
        return


def _readable(project: Path, home: Path, before: dict[str, Any]) -> None:
    with Workspace.open(project, home=home) as ws:
        assert told(ws) == before
        damaged = [d for d in ws.verify(full=True).damaged if d.kind not in ("refs", "config")]
        assert damaged == [], damaged


def _goes_on(project: Path, home: Path, before: dict[str, Any], point: int) -> None:
    with Workspace.open(project, home=home) as ws:
        if ws.view().purging and point % 2:
            ws.gc()
        else:
            _again(project, home)
            ws.refresh()
        assert ws.view().purging == ()
        assert traces(ws.store, SECRET.encode()) == []
        assert told(ws) == before
        ws.gc()
        ws.rebuild()
        assert told(ws) == before
        assert ws.verify(full=True).damaged == ()
        assert_clean(ws.store)
        (project / "secret").write_text(SECRET)
        step = ws.capture("again")
        (project / "secret").unlink()
        assert ws.read_file(step, b"secret") == SECRET.encode()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        json.dump(main(Path(name), int(sys.argv[1]), int(sys.argv[2])), sys.stdout)
