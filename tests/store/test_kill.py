"""SIGKILL at random moments of capture and rollback: nothing acknowledged is lost, nothing half done."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.hostile import Disk

from stepwell.store import Step, Workspace
from stepwell.store.engine.coverage import decode_rules
from stepwell.store.engine.snapshots import entries

VICTIM = Path(__file__).resolve().parents[1] / "support" / "victim.py"


def project_of(folder: Path) -> Path:
    """Makes a small tree to work on."""
    root = folder / "work"
    for number in range(40):
        path = root / f"d{number % 6}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n" * 30)
    return root


def run_and_kill(root: Path, home: Path, notes: Path, seed: int, delay: float | None) -> list[str]:
    """Lets a victim work until its first word, then for `delay` seconds more; returns its words.

    `delay` None: until it has stopped in the middle of a rollback.
    """
    command = [sys.executable, str(VICTIM), str(root), str(home), str(notes), str(seed)]
    if delay is None:
        command.append("halt")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as victim:
        assert victim.stdout is not None and victim.stderr is not None
        said = b""
        while not said or (delay is None and not said.endswith(b"underway\n")):
            ready, _, _ = select.select([victim.stdout], [], [], 60)
            assert ready, f"the victim stopped working after {said!r}"
            said += os.read(victim.stdout.fileno(), 1 << 16) or pytest.fail("the victim died")
        time.sleep(delay or 0)
        victim.send_signal(signal.SIGKILL)
        rest, errors = victim.communicate()
    assert errors == b"", errors.decode()
    lines = (said + rest).decode().split("\n")[:-1]
    return [line for line in lines if line != "underway"]


def stored(ws: Workspace, step: Step) -> dict[bytes, tuple[str, int, str]]:
    """Returns what a step holds, as `Disk` would read it."""
    found = {}
    for entry in entries(ws._journal, step.snapshot, folders=True):
        content = b"" if entry.oid is None else ws.blob(entry.oid)
        if stat.S_ISDIR(entry.mode):
            found[bytes(entry.path)] = ("folder", stat.S_IMODE(entry.mode), "")
        elif stat.S_ISLNK(entry.mode):
            found[bytes(entry.path)] = ("link", 0, content.hex())
        else:
            digest = hashlib.sha256(content).hexdigest()
            found[bytes(entry.path)] = ("file", stat.S_IMODE(entry.mode), digest)
    return found


def check(root: Path, home: Path, notes: Path, said: list[str]) -> bool:
    """Checks invariants I1 to I6 and I9 after a kill; tells whether a rollback was interrupted."""
    with Workspace.open(root, home=home) as ws:
        settled = ws.settle()
        disk = Disk.read(root)
        assert not list(root.rglob(".stepwell-*"))
        settled_at = ws.head()
        after = ws.capture("after the kill")
        assert ws.view().intent is None
        assert same(ws, disk, after)
        words = [line.split() for line in said]
        if words and words[-1][0] in ("going", "parting"):
            before = pickle.loads((notes / "before").read_bytes())
            aim = words[-1][1] if words[-1][0] == "going" else settled_at.id
            assert disk.entries == before or same(ws, disk, ws.get_step(aim))
        if settled is not None:
            assert settled.kept == ()
            assert same(ws, disk, settled_at)
        steps = {s.id: s for s in ws.steps(limit=10_000, all_branches=True)}
        assert {w[1] for w in words if w[0] == "step"} <= set(steps)
        assert ws.verify(full=True).ok
    return settled is not None


def same(ws: Workspace, disk: Disk, step: Step) -> bool:
    """Tells whether the disk is what `step` holds, but for what the last few steps say is ignored.

    What was ignored before a rollback stays, with the folders that it lies in, and no rule may be
    left afterwards that ignores it. A step also holds what came to be ignored since the one before.
    """
    last = ws.steps(limit=5, all_branches=True)
    ignored = {bytes(c.path) for s in last for c in ws.covered(s) if c.reason == "ignored"}
    for one in last:
        rules = decode_rules(b"" if one.rules_blob is None else ws.blob(one.rules_blob))
        ignored |= {
            path
            for path, (kind, _, _) in stored(ws, one).items()
            if rules.matches(path, kind == "folder")
        }
    wanted = Disk(stored(ws, step)).without(ignored)
    holding = {path for one in ignored for path in folders_of(one)} - wanted.keys()
    found = disk.without(ignored)
    return {path: entry for path, entry in found.items() if path not in holding} == wanted


def folders_of(path: bytes) -> set[bytes]:
    """Returns the folders that a path lies in."""
    names = path.split(b"/")
    return {b"/".join(names[:count]) for count in range(1, len(names))}


def rounds(folder: Path, count: int, seed: int) -> None:
    """Kills so many victims one after another on one workspace.

    Most at random moments; each fourth in the middle of a rollback, which must be found there.
    """
    root, home, notes = project_of(folder), folder / "home", folder / "notes"
    notes.mkdir()
    Workspace.init(root, home=home).close()
    chance = random.Random(seed)
    for number in range(count):
        delay = None if number % 4 == 0 else chance.random() * 0.25
        said = run_and_kill(root, home, notes, seed + number, delay)
        interrupted = check(root, home, notes, said)
        assert interrupted or delay is not None


def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    """A handful of rounds on each push."""
    rounds(tmp_path, 8, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [100, 2000, 30000, 400000])
def test_two_hundred_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    """Four times fifty rounds."""
    rounds(tmp_path, 50, seed=seed)
