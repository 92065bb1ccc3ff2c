"""The screen over the demo: the real product on a real history."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.trees import contents
from textual.pilot import Pilot

from stepwell.store.demo import build
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import open_workspace

Make = Callable[..., Any]

CAPTURE = "import sys; from stepwell.store.cli.main import main; sys.exit(main())"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timeline")
    return build(folder / "hop", folder / "home", say=lambda line: None)


async def until(condition: Callable[[], bool], deadline_s: float = 30.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come to hold in time"
        await asyncio.sleep(0.02)


def shown(app: StepwellApp) -> str:
    """Returns the text of the screen."""
    spans = re.findall(r">([^<>]+)</text>", app.export_screenshot())
    return " ".join(spans).replace("&#160;", " ")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_the_timeline_shows_steps_and_follows_another_process(
    demo: Path, size: tuple[int, int]
) -> None:
    """Acts, results, checkpoints and the uncaptured edit; a step from elsewhere comes in alone."""
    home = demo.parent / "home"
    title = f"recorded elsewhere, {size[0]} wide"

    async def scene() -> None:
        opened = open_workspace(demo, home)
        app = StepwellApp(opened, Settings(tick_s=0))
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.main.timeline.loaded and app.gateway.idle)
            await pilot.pause()
            text = shown(app)
            assert "Timeline" in text and "hop" in text and "main" in text
            assert all(word in text for word in ("bash", "edit", "scripts/check", "try-sqlite"))
            count = app.main.timeline.count
            record(demo, home, title)
            await until(lambda: app.main.timeline.count == count + 1)
            await until(lambda: title[:12] in shown(app))

    asyncio.run(scene())


def test_what_a_failed_command_said_can_be_read(demo: Path, play_over: Make) -> None:
    """A step that changed no file shows its output, and a prompt its whole text."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        app.main.timeline.go_to(67)
        await until(lambda: "FAIL: test_neither_loses_a_link_of_the_other" in shown(app))
        await pilot.press("3", "j", "j", "L")
        assert app.main.diff.cursor == 2
        await until(lambda: "FAIL: test_neither_loses" not in shown(app))
        app.main.timeline.go_to(65)
        await until(lambda: "SQLite." in shown(app))
        assert app.main.diff.cursor == 0

    play_over(demo, scene)


def test_operations_are_those_that_a_person_did(demo: Path, play_over: Make) -> None:
    """A switch is one row, not also the intent that recovery goes by."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("O")
        await until(lambda: "switched to branch main" in shown(app))
        assert "began" not in shown(app)

    play_over(demo, scene)


@pytest.mark.parametrize(
    ("step", "keys", "headline", "path"),
    [
        ("save the expiry", "2 r", "files back to how it was AFTER #72", "hop/saving.py"),
        (
            "the command: hop top",
            "3 right_square_bracket r",
            "Put 1 hunk back to how it was BEFORE",
            "hop/cli.py",
        ),
        ("the command: hop top", "r o", "Take back only what #32", "hop/cli.py"),
    ],
    ids=["one file", "one hunk", "one middle step"],
)
def test_a_part_is_put_back_by_keyboard_and_undone_exactly(
    demo: Path, play_over: Make, step: str, keys: str, headline: str, path: str
) -> None:
    """The preview says what, `y` does it, `u` and `y` bring back every byte and mode."""
    before = contents(demo)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("slash", *step, "enter")
        timeline = app.main.timeline
        await until(lambda: timeline.selected is not None and step in timeline.selected.title)
        await until(lambda: path in shown(app))
        for key in keys.split():
            await pilot.press(key)
        await until(lambda: headline in shown(app))
        assert contents(demo) == before
        await pilot.press("y")
        await until(lambda: "u takes it back" in shown(app) and app.screen is app.main)
        now = contents(demo)
        assert [p for p in before | now if before.get(p) != now.get(p)] == [path]
        await pilot.press("u")
        await until(lambda: "Undo: put 1 file back" in shown(app))
        await pilot.press("y")
        await until(lambda: "U does it again" in shown(app) and app.screen is app.main)

    play_over(demo, scene)
    assert contents(demo) == before


def test_the_timeline_of_the_watched_demo_says_what_a_rule_found(
    tmp_path: Path, play_over: Make
) -> None:
    """In its first line, and under `V` with the step and the failing tests."""
    folder = build(tmp_path / "hop", tmp_path / "home", say=lambda line: None, rules=True)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: "tests: 6 of 16 tests fail" in shown(app))
        await pilot.press("V")
        await until(lambda: "since #79 hand out whole links" in shown(app))
        await until(lambda: "failed: tests.test_chosen_codes" in shown(app))

    play_over(folder, scene, size=(160, 40))


def record(folder: Path, home: Path, title: str) -> None:
    (folder / "elsewhere.txt").write_text(title)
    command = [sys.executable, "-c", CAPTURE, "-C", str(folder), "capture", "-m", title]
    environment = os.environ | {"STEPWELL_HOME": str(home)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
