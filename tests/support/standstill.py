"""A program: plays a scene over a large diff, and tells how long the loop stood still, and the memory.

Imports no more than the product does, as what it takes of memory counts.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.store.engine import beside
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import open_workspace

if TYPE_CHECKING:
    from textual.pilot import Pilot

BEAT_S = 0.002


class Heart:
    """Beats in the loop, and knows the longest time between two beats that the machine had for it."""

    def __init__(self) -> None:
        self.longest, self.when = 0.0, ""
        self.now = "start"
        task = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._waited = lambda: int(task.read_text().split()[1]) / 1e9

    async def beat(self) -> None:
        """Never returns."""
        last, waited = time.perf_counter(), self._waited()
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.perf_counter()
            if now - last > BEAT_S + self.longest:
                gap = now - last - BEAT_S - (self._waited() - waited)
                if gap > self.longest:
                    self.longest, self.when = gap, self.now
            last, waited = time.perf_counter(), self._waited()


async def scene(pilot: Pilot[int], app: StepwellApp) -> dict[str, object]:
    """Goes to the large diff and does with it what takes long."""

    async def idle() -> None:
        for _ in range(3):
            await pilot.pause(0.3)
            while not app.gateway.idle or app.main.diff.is_laying_out:
                await pilot.pause(0.02)

    await idle()
    heart = Heart()
    beating = asyncio.get_running_loop().create_task(heart.beat())
    steps = {
        "open": ["j"],
        "walk": ["3", "G", "g", "right_square_bracket", "ctrl+d", "left_square_bracket"],
        "search": ["slash", "a", "enter", "n", "n", "N", "escape"],
        "two sides": ["s", "G", "g", "right_square_bracket"],
        "wrapped": ["w", "G", "g"],
        "listing": [
            "escape",
            "escape",
            "colon",
            *"cat",
            "space",
            "at",
            "colon",
            *"data0.txt",
            "enter",
        ],
    }
    for heart.now, keys in steps.items():
        for key in keys:
            await pilot.press(key)
        await idle()
    beating.cancel()
    return {"longest_s": heart.longest, "when": heart.when}


def main(root: Path) -> None:
    """Plays the scene and tells what it took."""
    sys.setswitchinterval(0.001)
    told: dict[str, object] = {}
    app = StepwellApp(open_workspace(root, root.parent / "home"), Settings(own_collector=True))

    async def play() -> None:
        async with app.run_test(size=(160, 40)) as pilot:
            told.update(await scene(pilot, app))

    with beside.used():
        asyncio.run(play())
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM:"))
    sys.stdout.write(json.dumps({**told, "peak_mb": int(peak.split()[1]) * 1024 / 1e6}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
