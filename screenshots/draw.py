"""Draws screenshots/*.svg: the real application over the real demo, driven by keys.

`make screenshots` writes all of them; `ARGS` names some. Clock, chance and the
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from live import Session
from textual.pilot import Pilot
from textual.widgets import Input

from stepwell.store import Act, Workspace
from stepwell.store.demo import build
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import Opened
from stepwell.tui.look.glyphs import ASCII, UTF8
from stepwell.tui.look.themes import STEPWELL_ANSI, STEPWELL_LIGHT

FOLDER = Path(__file__).resolve().parent
START_NS = 1_750_000_000_000_000_000
FONTS = "DejaVu Sans Mono, Fira Code, Menlo, Consolas, monospace"
STILL_S = 0.8
"""A screen that has not changed for so long is taken for finished."""
LONGEST_S = 30.0


SIZES = ((80, 24), (120, 36), (200, 60))


@dataclass(frozen=True)
class Scene:
    """What is pressed, group by group, each after the screen has come to rest."""

    name: str
    keys: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = SIZES
    changes: bool = False
    """It changes the demo, and so is played over one of its own."""
    breaks: bool = False
    """The example of docs/rules.md was played in the demo."""
    tries: bool = False
    """The experiment of docs/experiments.md was run in the demo."""
    live: bool = False
    """Over a session of Claude Code that goes on meanwhile (live.py), not over the demo."""
    plain: bool = False
    """In a terminal without colours and without signs beyond ASCII."""
    theme: str | None = None


def press(key: str, times: int) -> str:
    return " ".join([key] * times)


def typed(text: str) -> str:
    """Returns the keys that type a text."""
    named = {" ": "space", ":": "colon", "?": "question_mark"}
    return " ".join(named.get(sign, sign) for sign in text)


# From the newest step down to ...
TO_THE_LOCK = press("j", 7)  # ... the edit that tries one of the two ways,
TO_THE_FAILURE = press("j", 8)  # ... the step that both ways begin at,
# ... and past the branch that the first rollback left, up again to the second attempt's first file.
TO_THE_FORK = (press("j", 35), press("k", 5))
# ... and in the preview of going back there to the first hunk of the file that both wrote.
TO_THE_HUNK = (*TO_THE_FORK, "r tab", press("right_curly_bracket", 4), "right_square_bracket")

SCENES = (
    Scene("timeline", (TO_THE_LOCK,)),
    Scene("folded", (TO_THE_LOCK, "underscore underscore")),
    Scene("output", (TO_THE_FAILURE,)),
    Scene("diff", (TO_THE_LOCK, "3 z", "right_square_bracket")),
    Scene("split", (TO_THE_LOCK, "3 z", "s w"), sizes=((80, 24), (120, 36))),
    Scene("restore-preview", (*TO_THE_FORK, "r")),
    Scene("part", (*TO_THE_FORK, "r", "space j j space")),
    Scene(
        "lines",
        (*TO_THE_HUNK, "space x", press("j", 5), "x"),
    ),
    Scene("after-rollback", (*TO_THE_FORK, "r", "A", "y"), changes=True),
    Scene("undo-preview", (*TO_THE_FORK, "r", "A", "y", "u"), changes=True),
    Scene("filter", ("f", typed("kind:tool path:saving"))),
    Scene("dimmed", ("f", typed("kind:tool path:saving"), "enter d j j j")),
    Scene("search", ("S", typed("replace"))),
    Scene("sessions", ("s",)),
    Scene("figures", ("I",)),
    Scene("command", ("colon", typed("log -n 8"), "enter")),
    Scene("branches", ("b", "j j")),
    Scene("conflicts", ("b", "j j", "M", "y"), changes=True),
    Scene(
        "review",
        ("E", "right_square_bracket space", "l", "right_square_bracket space"),
        changes=True,
        tries=True,
    ),
    Scene("rules", ("V",), changes=True, breaks=True),
    Scene("compare", (press("j", 6), "space", press("k", 4), "space c", "3")),
    Scene("annotate", (*TO_THE_FORK, "a", typed("why not JSON from the start?"))),
    Scene("operations", ("O",)),
    Scene("help", ("question_mark",)),
    Scene("live", live=True),
    Scene("light", (TO_THE_LOCK,), sizes=((120, 36),), theme=STEPWELL_LIGHT.name),
    Scene("ansi", (TO_THE_LOCK,), sizes=((120, 36),), theme=STEPWELL_ANSI.name),
    Scene("plain", (TO_THE_LOCK,), sizes=((80, 24),), plain=True),
)

PAUSES_S = {"turn": 260, "python3": 9, "scripts/check": 9, "write": 75}
"""How long acts take by the first word of what is said about them; others take `PAUSE_S`."""
PAUSE_S = 34


@dataclass
class Pace:
    """A clock that moves on with each act of the demo, as a session would."""

    now_ns: int = START_NS
    readings: int = 0

    def say(self, line: str) -> None:
        self.now_ns += PAUSES_S.get(line.split()[0], PAUSE_S) * 1_000_000_000

    def clock(self) -> int:
        return self.now_ns

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


_BREAKING = (
    ("hop/links.py", "return link.url", "return link", "hand out whole links"),
    ("README.md", "# Hop\n", "# Hop\n\n`get` returns a Link.\n", "tell of it in the README"),
)
_PROGRAM = re.compile(r"^cat > (\S+) <<'END'\n(.*?\n)END$", re.MULTILINE | re.DOTALL)


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

    def try_ways(self) -> None:
        """Runs the experiment of docs/experiments.md."""
        text = (FOLDER.parent / "docs" / "experiments.md").read_text("utf-8")
        for name, program in _PROGRAM.findall(text):
            (self.folder.parent / name).write_text(program, encoding="utf-8")
        ways = [name.removesuffix(".py") for name, _ in _PROGRAM.findall(text)]
        with self.open() as workspace:
            workspace.try_approaches(
                [(way, [sys.executable, str(self.folder.parent / f"{way}.py")]) for way in ways],
                name="cache",
                check=["python3", "-m", "unittest", "-q"],
                jobs=2,
            )
            workspace.judge("cache", "lru", "accepted", note="never out of date", by="you")
            workspace.judge("cache", "ttl", "rejected")

    def break_tests(self) -> None:
        """Plays the example of docs/rules.md."""
        (self.folder / "stepwell.toml").write_text(
            '[rules.tests]\nrun = "python3 -m unittest -q"\n'
        )
        with self.open() as workspace:
            workspace.trust()
            workspace.capture("watch the tests")
            for path, old, new, title in _BREAKING:
                file = self.folder / path
                file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")
                self.pace.say(title)
                act = Act(title, "tool", session="claude:demo-1", turn=8, tool="Edit")
                workspace.record(act=act)
            workspace.check(config=self.home / "none")

    def open(self) -> Workspace:
        return Workspace.open(
            self.folder, home=self.home, clock=self.pace.clock, randomness=self.chance
        )

    def app(self, scene: Scene) -> StepwellApp:
        settings = Settings(
            clock=self.pace.clock,
            zone=UTC,
            poll_s=0,
            tick_s=0,
            glyphs=ASCII if scene.plain else UTF8,
            theme=scene.theme,
        )
        with colours(not scene.plain):
            # Times are other ones in every run, and so must not count.
            opened = Opened(
                os.fsencode(self.folder),
                self.open,
                home=self.home,
                weights=lambda: {"duration": 0.0},
            )
            return StepwellApp(opened, settings)


@contextmanager
def colours(wanted: bool) -> Iterator[None]:
    """Lets the application find NO_COLOR or not, whatever is set where this runs."""
    before = os.environ.pop("NO_COLOR", None)
    if not wanted:
        os.environ["NO_COLOR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("NO_COLOR", None)
        if before is not None:
            os.environ["NO_COLOR"] = before


def draw_live(scene: Scene, size: tuple[int, int], scratch: Path) -> str:
    """Returns the picture of a session that goes on while the application follows it."""
    demo = Demo(scratch / "calculator", scratch / "home")
    clock, chance = demo.pace.clock, demo.chance
    session = Session(demo.folder, demo.home, scratch / "run")
    session.init(clock, chance)
    with session.daemon(clock, chance):
        return asyncio.run(follow(demo.app(scene), session, demo.pace, size))


async def follow(app: StepwellApp, session: Session, pace: Pace, size: tuple[int, int]) -> str:
    """Tells the session's events one by one, as they would come, and returns the picture then."""
    async with app.run_test(size=size) as pilot:
        await at_rest(pilot, app)
        for _ in session.events():
            pace.say("event")
            app.gateway.poll()
            app.main.tick()
            await pilot.pause()
        await at_rest(pilot, app)
        return portable(app.export_screenshot(title="stepwell"))


async def draw(app: StepwellApp, scene: Scene, size: tuple[int, int]) -> str:
    """Returns the picture as SVG."""
    async with app.run_test(size=size) as pilot:
        await at_rest(pilot, app)
        for keys in scene.keys:
            await pilot.press(*keys.split())
            await at_rest(pilot, app)
        return portable(app.export_screenshot(title="stepwell"))


_TOOK = "0.1 s, check 0.4 s".replace(" ", "\u00a0")
_WEB_FONT = re.compile(r",\s*url\([^)]*\)\s*format\([^)]*\)")
_LINE_CLIPS = re.compile(r'<clipPath id="\w+-line-\d+">.*?</clipPath>\s*', re.DOTALL)
_CELL = re.compile(r'<rect fill="(.*?)" x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)".*?/>')


def portable(picture: str) -> str:
    """Returns the picture without a web font's address, small, and the same in every run."""
    local = _WEB_FONT.sub("", picture)
    local = local.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    short = re.sub(r"\bterminal-\d+-", "t-", local).replace("&#160;", "\u00a0")
    short = re.sub(r' clip-path="url\(#t-line-\d+\)"', "", _LINE_CLIPS.sub("", short))
    # As long as what stands there, because texts have lengths.
    short = re.sub(r"\bstepwell-\w{8}/", "stepwell-pictures/", short)
    short = re.sub(r"(\u00a0in\u00a00\.0)\d\ds", r"\g<1>05s", short)
    # How long an experiment's commands took is another matter in every run.
    short = re.sub(r"\d\.\d\u00a0s,\u00a0check\u00a0\d\.\d\u00a0s", _TOOK, short)
    return joined(short)


def joined(picture: str) -> str:
    """Returns the picture with one rectangle for cells of one colour side by side."""
    parts: list[str] = []
    end, last = 0, None
    for found in _CELL.finditer(picture):
        colour, x, y, width, height = found.groups()
        between = picture[end : found.start()]
        same = last is not None and not between.strip() and last[0] == (colour, y, height)
        if last is not None and same and abs(last[1] + last[2] - float(x)) < 0.05:
            last = (last[0], last[1], last[2] + float(width))
            parts.pop()
        else:
            parts.append(between)
            last = ((colour, y, height), float(x), float(width))
        parts.append(
            f'<rect fill="{colour}" x="{last[1]:g}" y="{y}" width="{last[2]:g}" height="{height}"'
            ' shape-rendering="crispEdges"/>'
        )
        end = found.end()
    return "".join(parts) + picture[end:]


async def at_rest(pilot: Pilot[int], app: StepwellApp) -> None:
    """Waits until the screen stops changing, and the threads behind it have nothing to do."""
    picture, still, begin = "", time.monotonic(), time.monotonic()
    while time.monotonic() - still < STILL_S:
        if time.monotonic() - begin > LONGEST_S:
            raise TimeoutError("the screen does not come to rest")
        for entry in pilot.app.screen.query(Input):
            entry.cursor_blink = False
        await pilot.pause(0.05)
        now = pilot.app.export_screenshot()
        if now != picture or not app.gateway.idle:
            picture, still = now, time.monotonic()


def main(names: Sequence[str], say: Callable[[str], None] = print) -> None:
    """Draws every scene at its sizes; `names` (of scenes, or as `timeline-80x24`) choose some."""
    with tempfile.TemporaryDirectory(prefix="stepwell-") as scratch:
        shared = Demo.built(Path(scratch))
        for scene, size in ((one, size) for one in SCENES for size in one.sizes):
            name = f"{scene.name}-{size[0]}x{size[1]}"
            if names and not {name, scene.name} & set(names):
                continue
            if scene.live:
                (Path(scratch) / name).mkdir()
                write(name, draw_live(scene, size, Path(scratch) / name), say)
                continue
            demo = Demo.built(Path(scratch, name)) if scene.changes else shared
            if scene.breaks:
                demo.break_tests()
            if scene.tries:
                demo.try_ways()
            write(name, asyncio.run(draw(demo.app(scene), scene, size)), say)


def write(name: str, picture: str, say: Callable[[str], None]) -> None:
    """Keeps a picture."""
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
    say(f"drew screenshots/{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
