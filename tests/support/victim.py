"""A process to be killed: captures and goes back in a loop, saying what was acknowledged.

Run as `python victim.py ROOT HOME NOTES SEED`. In NOTES it leaves, before each verb, what the disk
holds, so that whoever killed it can judge what recovery made of it.
"""

from __future__ import annotations

import pickle
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.hostile import Disk
from support.mutation import Mutator

from stepwell.store import Workspace


def main(root: Path, home: Path, notes: Path, seed: int) -> None:
    """Works until it is killed."""
    chance = random.Random(seed)
    mutator = Mutator(root, seed)
    with Workspace.open(root, home=home) as ws:
        ws.settle()
        while True:
            mutator.run(3)
            note(notes / "before", Disk.read(root))
            step = ws.capture("work")
            print("step", step.id, flush=True)
            if chance.random() < 0.6:
                mutator.run(2)
                target = chance.choice(ws.steps(limit=12, all_branches=True))
                note(notes / "before", Disk.read(root))
                print("going", target.id, flush=True)
                done = ws.apply(ws.plan_rollback(target), force=True)
                print("step", done.step.id, flush=True)
                print("went", target.id, flush=True)


def note(path: Path, disk: Disk) -> None:
    """Leaves a note whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(pickle.dumps(disk.entries))
    temporary.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
