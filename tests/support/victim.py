"""A process to be killed: captures and goes back in a loop, saying what was acknowledged.

Run as `python victim.py ROOT HOME NOTES SEED [halt]`. In NOTES it leaves, before each verb, what the
disk holds, so that whoever killed it can judge what recovery made of it. With `halt` it stops
somewhere in the middle of the first change of the disk, says so, and waits to be killed.
"""

from __future__ import annotations

import pickle
import random
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.hostile import Disk
from support.mutation import Mutator

from stepwell.store import PlannedChanges, Step, Workspace

UNDERWAY = "underway"
"""What it says when it has stopped in the middle."""


def main(root: Path, home: Path, notes: Path, seed: int, halt: bool) -> None:
    """Works until it is killed."""

    def watch(_what: str, done: int, total: int) -> None:
        if halt and done == chance.randrange(done, total + 1):
            print(UNDERWAY, flush=True)
            signal.pause()

    chance = random.Random(seed)
    mutator = Mutator(root, seed)
    with Workspace.open(root, home=home) as ws:
        ws.settle()
        while True:
            if ws.view().merging is not None:
                ws.continue_merge(force=True)
            mutator.run(3)
            note(notes / "before", Disk.read(root))
            step = ws.capture("work")
            print("step", step.id, flush=True)
            if chance.random() < 0.6:
                mutator.run(2)
                target = chance.choice(ws.steps(limit=12, all_branches=True))
                note(notes / "before", Disk.read(root))
                if chance.random() < 0.5:
                    print("going", target.id, flush=True)
                    done = ws.apply(ws.plan_rollback(target), force=True, progress=watch)
                else:
                    planned = another_way(ws, target, chance)
                    print("parting", target.id, flush=True)
                    done = ws.apply(planned, force=True, progress=watch)
                print("step", done.step.id, flush=True)
                print("went", target.id, flush=True)


def another_way(ws: Workspace, target: Step, chance: random.Random) -> PlannedChanges:
    """Plans a switch, a merge, some hunks, some paths, or the files alone."""
    way = chance.choice(["switch", "hunks", "paths", "files", "merge", "merge"])
    others = [row.name for row in ws.branches() if not row.current]
    if way == "merge" and others:
        return ws.plan_merge(chance.choice(others), prefer=chance.choice([None, "ours", "theirs"]))
    changes = ws.plan_rollback(target).changes
    hunks = [hunk.id for change in changes if change.status == "M" for hunk in change.hunks]
    if way == "switch":
        name = f"branch-{ws.view().number}"
        ws.create_branch(name, at=target)
        return ws.plan_switch(name)
    if way == "hunks" and hunks:
        return ws.plan_rollback(target, hunks=chance.sample(hunks, 1))
    if way == "paths" and changes:
        some = chance.sample(changes, min(2, len(changes)))
        return ws.plan_rollback(target, paths=[change.path for change in some])
    return ws.plan_rollback(target, files_only=True)


def note(path: Path, disk: Disk) -> None:
    """Leaves a note whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(pickle.dumps(disk.entries))
    temporary.replace(path)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        Path(sys.argv[3]),
        int(sys.argv[4]),
        "halt" in sys.argv,
    )
