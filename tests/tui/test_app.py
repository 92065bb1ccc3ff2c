"""The app over a real workspace: what another process records appears; no single key changes it."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import open_workspace
from stepwell.tui.keys.actions import ACTIONS
from stepwell.tui.values import StepwellError

Make = Callable[..., Any]


@pytest.fixture
def orchard(tmp_path: Path) -> tuple[Path, Path]:
    """A small workspace with five steps; returns (root, home)."""
    root, home = tmp_path / "orchard", tmp_path / "home"
    root.mkdir()
    (root / "trees.py").write_text("def plant():\n    return 'tree'\n")
    with Workspace.init(root, home=home) as workspace:
        for number in range(4):
            (root / "soil.py").write_text(f"DEPTH = {number}\n")
            workspace.capture(f"depth {number}", session="test:s")
    return root, home


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            found[str(path.relative_to(root))] = (path.stat().st_mode, path.read_bytes())
    return found


def run_scene(orchard: tuple[Path, Path], settle: Make, scene: Make, **settings: Any) -> None:
    chosen = {"zone": UTC, "poll_s": 0, "tick_s": 0, "rest_s": 0.001, **settings}

    async def whole() -> None:
        app = StepwellApp(open_workspace(*orchard), Settings(**chosen))
        async with app.run_test(size=(100, 30)) as pilot:
            await settle(pilot, app)
            await scene(pilot, app)

    asyncio.run(whole())


def test_steps_of_another_process_appear(
    orchard: tuple[Path, Path], settle: Make, screen_text: Make, until: Make
) -> None:
    """Within the polling interval, without a key."""
    root, home = orchard
    script = (
        "import sys; from pathlib import Path; from stepwell.store import Workspace\n"
        "with Workspace.open(sys.argv[1], home=Path(sys.argv[2])) as w: w.capture('from elsewhere')"
    )

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        (root / "new.py").write_text("x = 1\n")
        command = [sys.executable, "-c", script, str(root), str(home)]
        await asyncio.to_thread(subprocess.run, command, check=True)
        await until(lambda: any("from elsewhere" in line for line in screen_text(app)))
        assert "6 steps" in screen_text(app)[0]

    run_scene(orchard, settle, scene, poll_s=0.02)


def test_no_single_key_changes_the_disk_or_the_store(
    orchard: tuple[Path, Path], settle: Make
) -> None:
    """Every key of the table, pressed once where a step is selected, leaves all as it was."""
    root, home = orchard
    (root / "unsaved.txt").write_text("only here\n")
    before = contents(root)
    opened: set[str] = set()
    keys = sorted({key for a in ACTIONS for key in a.keys if a.id != "leave"} - {"q"})
    with Workspace.open(root, home=home) as workspace:
        newest = workspace.operations(1)[0].operation.number

        async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
            for key in keys:
                app.main.timeline.move_to(3)
                await pilot.press(key)
                if app.screen is not app.main:
                    opened.add(key)
                    await settle(pilot, app)
                    await pilot.press("escape")
                app.main.action_pane("timeline")
            await settle(pilot, app)

        run_scene(orchard, settle, scene)
        workspace.refresh()
        assert workspace.operations(1)[0].operation.number == newest
    assert contents(root) == before
    assert {"r", "u", "O", "question_mark"} <= opened


def test_restore_and_undo_by_keyboard(
    orchard: tuple[Path, Path], settle: Make, screen_text: Make
) -> None:
    """`r` then `y` goes back to a step, `u` then `y` takes that back; the screen says both."""
    root, _ = orchard
    start = contents(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "j", "r")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)
        assert (root / "soil.py").read_text() == "DEPTH = 1\n"
        assert app.screen is app.main
        assert app.main.timeline.selected_seq == app.main.timeline.tips.head
        assert any(" back " in line for line in screen_text(app))
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)
        assert contents(root) == start

    run_scene(orchard, settle, scene)


def test_operations_are_listed_and_lead_to_a_preview(
    orchard: tuple[Path, Path], settle: Make, screen_text: Make
) -> None:
    """`O` lists them; `u` on a rollback previews taking it back, on a capture it says why not, `o` shows it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)
        await pilot.press("O")
        await settle(pilot, app)
        assert any("can be undone" in line for line in screen_text(app))
        assert any("rollback  " in line for line in screen_text(app))
        await pilot.press("G", "u")
        await settle(pilot, app)
        assert any("nothing to take back" in line for line in screen_text(app))
        assert any("o shows its step, r there goes back" in line for line in screen_text(app))
        await pilot.press("o")
        await settle(pilot, app)
        assert app.screen is app.main
        assert app.main.timeline.selected_seq == 1
        await pilot.press("O")
        await settle(pilot, app)
        await pilot.press("g", "u")
        await settle(pilot, app)
        assert app.screen is not app.main
        await pilot.press("escape")
        await settle(pilot, app)
        assert app.screen is app.main

    run_scene(orchard, settle, scene)


def test_opening_what_is_no_workspace_fails_before_the_screen(tmp_path: Path) -> None:
    """The error comes from `run` itself, so that the command line prints it as any other."""
    from stepwell.tui.start import run

    with pytest.raises(StepwellError):
        run(tmp_path, tmp_path / "home")


@pytest.mark.parametrize("before", [True, False])
def test_a_screen_leaves_the_collecting_of_garbage_as_it_was(tmp_path: Path, before: bool) -> None:
    """Also when it could not be opened."""
    from stepwell.tui.start import run

    was = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        with pytest.raises(StepwellError):
            run(tmp_path, tmp_path / "home")
        assert gc.isenabled() is before
    finally:
        (gc.enable if was else gc.disable)()


def test_settings_that_make_no_sense_are_told_at_first(
    orchard: tuple[Path, Path], settle: Make, screen_text: Make
) -> None:
    """The app is there all the same; the next key takes the sentence away."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "settings: one is wrong (and 1 more: stepwell keys)" in screen_text(app)[-1]
        await pilot.press("j")
        await settle(pilot, app)
        assert "settings:" not in screen_text(app)[-1]

    run_scene(orchard, settle, scene, complaints=("one is wrong", "another"))
