"""Makes a real store with very many steps: a few captured snapshots, taken in turn by the rest."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from stepwell.store import Branch, Step, StepResult, Workspace
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.ids import mint_step_id
from stepwell.store.model.steps import BranchSet, ChangeCounts, Effect, StepRecorded

PER_OPERATION = 250
SINGLE = 3000
SNAPSHOTS = 24
FORK_EVERY = 900
WORDS = [
    "cache",
    "session",
    "token",
    "route",
    "tree",
    "soil",
    "graft",
    "prune",
    "parser",
    "lexer",
    "retry",
    "limit",
    "index",
]


def captured(workspace: Workspace, root: Path, chance: random.Random) -> list[Step]:
    """Captures real edits of a small package, and returns the steps."""
    package = root / "orchard"
    package.mkdir(exist_ok=True)
    steps = []
    for number in range(SNAPSHOTS):
        lines = [
            f"def {chance.choice(WORDS)}_{i}(x):\n    return x + {number}\n" for i in range(40)
        ]
        (package / f"{WORDS[number % 6]}.py").write_text("\n\n".join(lines))
        steps.append(workspace.capture(f"edit {number}", session="bench:s1"))
    return steps


def invented(first: Step, bases: list[Step], count: int, chance: random.Random) -> Iterator[Step]:
    """Returns steps that follow `first` on its branch; now and then a side line of three."""
    parent, now = first, time.time_ns() - count * 3_000_000_000
    for number in range(count):
        base = chance.choice(bases)
        forks = number % FORK_EVERY > FORK_EVERY - 4
        kind = chance.choice(("edit", "edit", "bash", "write", "prompt"))
        step = Step(
            mint_step_id(os.urandom),
            first.seq + number + 1,
            f"side.{number // FORK_EVERY}" if forks else "main",
            (parent.id,),
            "prompt" if kind == "prompt" else "tool",
            f"orchard/{chance.choice(WORDS)}.py  {' '.join(chance.sample(WORDS, 3))}",
            now + number * 3_000_000_000,
            base.snapshot,
            session="bench:s1",
            agent="bench",
            turn=number // 20,
            tool=None if kind == "prompt" else kind,
            changes=ChangeCounts(1, chance.randrange(90), chance.randrange(30)),
            result=StepResult(chance.random() > 0.2, 0, 900) if kind == "bash" else None,
            checkpoint=None,
        )
        yield step
        if not forks:
            parent = step


def write(workspace: Workspace, steps: Iterator[Step], count: int) -> None:
    """Commits the steps: many an operation for speed, the newest ones one by one as in real use."""
    with WriterLock.acquire(workspace.store, wait_s=5, clock=time.time_ns) as lock:
        writer = JournalWriter.open_writer(
            workspace.store, lock, clock=time.time_ns, randomness=os.urandom, durability="fast"
        )
        pending: list[Effect] = []
        for number, step in enumerate(steps):
            pending.append(StepRecorded(step))
            pending.append(BranchSet(Branch(step.branch, step.id, kept=step.branch != "main")))
            if len(pending) >= 2 * PER_OPERATION or number >= count - SINGLE:
                _commit(writer, pending)
        _commit(writer, pending)
        writer.close()


def _commit(writer: JournalWriter, pending: list[Effect]) -> None:
    if pending:
        with writer.begin() as transaction:
            transaction.commit("record", f"{len(pending) // 2} steps", tuple(pending))
        pending.clear()


LARGE_FILES, LARGE_LINES = 12, 105_000
"""Of the step whose diff is large: about 53 MB, 1.1 million lines, 43,000 hunks."""


def make_large(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Returns (root, home) of a workspace whose newest step but one has a diff of more than 50 MB."""
    root, home = folder / "orchard", folder / "home"
    root.mkdir(parents=True)
    chance = random.Random(seed)
    texts = [
        [f"    value_{n} = compute({chance.random()})\n" for n in range(LARGE_LINES)]
        for _ in range(LARGE_FILES)
    ]
    with Workspace.init(root, home=home) as workspace:
        for edited in (False, True):
            for number, lines in enumerate(texts):
                for n in range(LARGE_LINES) if edited else ():
                    if n % 29 < 10:
                        lines[n] = f"    other_{n} = change({chance.random()})\n"
                (root / f"data{number}.py").write_text("".join(lines))
            workspace.capture("edit everything" if edited else "write much")
        (root / "note.txt").write_text("so that the large diff is not the first to be seen\n")
        workspace.capture("write a note")
        workspace.graph()
    return root, home


def make(folder: Path, count: int, seed: int = 1) -> tuple[Path, Path]:
    """Returns (root, home) of a workspace with about `count` steps, made in `folder`."""
    root, home = folder / "orchard", folder / "home"
    root.mkdir(parents=True)
    chance = random.Random(seed)
    with Workspace.init(root, home=home) as workspace:
        bases = captured(workspace, root, chance)
        more = count - len(bases) - 1
        write(workspace, invented(bases[-1], bases, more, chance), more)
        workspace.refresh()
        workspace.mark(bases[-1], label="base", note="where it began", by="bench")
        workspace.graph()
    return root, home


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    started = time.monotonic()
    print(*make(target, int(sys.argv[2])), f"{time.monotonic() - started:.1f} s")
