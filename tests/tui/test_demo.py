"""The timeline over the demo: the real product on a real history, at both sizes."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.store.demo import build
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import open_workspace

CAPTURE = "import sys; from stepwell.store.cli.main import main; sys.exit(main())"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timeline")
    return build(folder / "hop", folder / "home", say=lambda line: None)


async def until(condition: Callable[[], bool], deadline_s: float = 30.0) -> None:
    for _ in range(int(deadline_s / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition did not come to hold in time")


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
            assert all(word in text for word in ("bash", "edit", "scripts/check", "126"))
            count = app.main.timeline.count
            record(demo, home, title)
            await until(lambda: app.main.timeline.count == count + 1)
            await until(lambda: title[:12] in shown(app))

    asyncio.run(scene())


def record(folder: Path, home: Path, title: str) -> None:
    (folder / "elsewhere.txt").write_text(title)
    command = [sys.executable, "-c", CAPTURE, "-C", str(folder), "capture", "-m", title]
    environment = os.environ | {"STEPWELL_HOME": str(home)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
