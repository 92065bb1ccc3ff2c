"""Following while others write: whenever they pause, the capture is what a scan finds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.sights import Keeper

from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.scan import CaptureConfig

TESTS = Path(__file__).parents[3]

WRITER = """
import random, shutil, sys
from pathlib import Path
from support.mutation import Mutator, meddle
root, seed = Path(sys.argv[1]), int(sys.argv[2])
mutator, chance = Mutator(root, seed, root.parent / "out"), random.Random(seed)
while True:
    mutator.run(20)
    try:
        meddle(chance, root)
        if sum(1 for _ in root.rglob("*")) > 300:
            for path in chance.sample(sorted(root.iterdir()), 3):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except (OSError, ValueError):
        pass
"""


class Writers:
    """Two processes that change a folder at random."""

    def __init__(self, root: Path, seed: int) -> None:
        command = [sys.executable, "-c", WRITER, root]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        self._processes = [
            subprocess.Popen([*command, str(2 * seed + n)], env=environment) for n in range(2)
        ]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Holds both up for the time of the context."""
        for process in self._processes:
            process.send_signal(signal.SIGSTOP)
            deadline = time.monotonic() + 30
            while _state(process.pid) != "T":
                assert time.monotonic() < deadline
        yield
        for process in self._processes:
            process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Ends both."""
        for process in self._processes:
            process.kill()
            process.wait()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    ("seed", "looks"),
    [(0, 100), *(pytest.param(n, 500, marks=pytest.mark.long) for n in range(1, 30))],
)
def test_nothing_slips_through_while_others_write(seed: int, looks: int, tmp_path: Path) -> None:
    """Folders moved while they are listed, files swapped while they are read, rules that change."""
    root, store = tmp_path / "work", tmp_path / "store"
    for folder in (root / "a/b", root / "c", store):
        folder.mkdir(parents=True)
    chance = random.Random(seed)
    sight = LiveSight(os.fsencode(root), store, CaptureConfig())
    keeper = Keeper(sight)
    keeper.capture()
    writers, followed = Writers(root, seed), 0
    try:
        for n in range(looks):
            if n % 20 == 19:
                with writers.paused():
                    keeper.take()
                    keeper.check(root)
            else:
                keeper.take()
            followed += sight.follows
            if chance.random() < 0.6:
                keeper.keep()
    finally:
        writers.end()
        sight.close()
    assert followed > looks // 2
