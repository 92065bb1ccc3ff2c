"""Draws screenshots/*.svg: the real application over the real demo, driven by keys.

`make screenshots` writes all of them; names given as arguments choose some. Clock, chance and the
project's place are fixed, so that a picture changes only when the product does.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from stepwell.store import Workspace
from stepwell.store.demo import build
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import Opened

FOLDER = Path(__file__).resolve().parent
START_NS = 1_750_000_000_000_000_000
FONTS = "DejaVu Sans Mono, Fira Code, Menlo, Consolas, monospace"
STILL_S = 0.8
"""A screen that has not changed for so long is taken for finished."""
LONGEST_S = 30.0


@dataclass(frozen=True)
class Shot:
    """One picture: what is pressed, group by group, each after the screen has come to rest."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()


def press(key: str, times: int) -> str:
    return " ".join([key] * times)


def typed(text: str) -> str:
    """Returns the keys that type a text."""
    named = {" ": "space", ":": "colon", "?": "question_mark"}
    return " ".join(named.get(sign, sign) for sign in text)


# Down past the branch that the rollback left, then up to the first write of the second attempt.
TO_THE_FORK = (press("j", 24), press("k", 5))

SHOTS = (
    Shot("timeline-80x24", (80, 24), TO_THE_FORK),
    Shot("timeline-120x36", (120, 36), TO_THE_FORK),
    Shot("diff-120x36", (120, 36), ("G", press("k", 8), "3", "z")),
    Shot("restore-preview-120x36", (120, 36), (*TO_THE_FORK, "r")),
    Shot("timeline-200x60", (200, 60), TO_THE_FORK),
    Shot("filter-120x36", (120, 36), ("f", typed("kind:tool path:saving"))),
    Shot("branches-80x24", (80, 24), ("b", "j")),
    Shot("compare-120x36", (120, 36), (press("j", 3), "space", press("j", 10), "space c", "3")),
    Shot("annotate-120x36", (120, 36), (*TO_THE_FORK, "a", typed("why not JSON from the start?"))),
    Shot("part-120x36", (120, 36), (*TO_THE_FORK, "r", "j space j j space")),
    Shot("help-80x24", (80, 24), ("question_mark",)),
    # Last, because it changes the demo.
    Shot("after-rollback-120x36", (120, 36), (*TO_THE_FORK, "r", "A", "y")),
)


@dataclass
class Pace:
    """A clock that moves on with each act of the demo and each command's length."""

    acts: int = 0
    readings: int = 0

    def say(self, _line: str) -> None:
        self.acts += 1

    def clock(self) -> int:
        return START_NS + self.acts * 37_000_000_000

    def stopwatch(self) -> int:
        """Commands take 90, 100, ... 180 ms, one after the other."""
        self.readings += 1
        return self.readings * 90_000_000 + self.readings**2 % 19 * 5_000_000


class Chance:
    """Bytes that look random and are the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.sha256(b"stepwell demo %d" % self._count).digest()[:size]


@dataclass
class Demo:
    """The demo in a folder of its own, as at a fixed moment."""

    folder: Path
    home: Path
    pace: Pace = field(default_factory=Pace)
    chance: Chance = field(default_factory=Chance)

    @classmethod
    def built(cls, scratch: Path) -> Demo:
        demo = cls(scratch / "hop", scratch / "home")
        pace = demo.pace
        build(
            demo.folder,
            demo.home,
            say=pace.say,
            clock=pace.clock,
            randomness=demo.chance,
            stopwatch=pace.stopwatch,
        )
        return demo

    def open(self) -> Workspace:
        return Workspace.open(
            self.folder, home=self.home, clock=self.pace.clock, randomness=self.chance
        )

    def app(self) -> StepwellApp:
        settings = Settings(clock=self.pace.clock, zone=UTC, poll_s=0, tick_s=0)
        return StepwellApp(Opened(os.fsencode(self.folder), self.open), settings)


async def draw(app: StepwellApp, shot: Shot) -> str:
    """Returns the picture as SVG."""
    async with app.run_test(size=shot.size) as pilot:
        await at_rest(pilot)
        for keys in shot.keys:
            await pilot.press(*keys.split())
            await at_rest(pilot)
        return portable(app.export_screenshot(title="stepwell"))


def portable(picture: str) -> str:
    """Returns the picture without the address of a web font, and with fonts that people have."""
    local = re.sub(r",\s*url\([^)]*\)\s*format\([^)]*\)", "", picture)
    return local.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")


async def at_rest(pilot: Pilot[int]) -> None:
    """Waits until the screen stops changing; its readers work in threads of their own."""
    picture, still, begin = "", time.monotonic(), time.monotonic()
    while time.monotonic() - still < STILL_S:
        if time.monotonic() - begin > LONGEST_S:
            raise TimeoutError("the screen does not come to rest")
        for entry in pilot.app.screen.query(Input):
            entry.cursor_blink = False
        await pilot.pause(0.05)
        now = pilot.app.export_screenshot()
        if now != picture:
            picture, still = now, time.monotonic()


def main(names: Iterable[str], say: Callable[[str], None] = print) -> None:
    chosen = set(names) or {shot.name for shot in SHOTS}
    with tempfile.TemporaryDirectory(prefix="stepwell-pictures-") as scratch:
        demo = Demo.built(Path(scratch))
        for shot in SHOTS:
            if shot.name in chosen:
                picture = asyncio.run(draw(demo.app(), shot))
                (FOLDER / f"{shot.name}.svg").write_text(picture, encoding="utf-8")
                say(f"drew screenshots/{shot.name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
