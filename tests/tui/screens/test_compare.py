"""Two steps compared: picked, shown with a title that says so, ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with five steps, each with a file of its own."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        for number in range(2, 6):
            (folder / f"{number}.txt").write_text(f"{number}\n")
            ws.capture(f"step {number}")
    return folder


def paths(app: StepwellApp) -> list[bytes]:
    return [change.path for change in app.main.files.changes]


def test_two_picked_steps_are_compared_older_to_newer(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """space, space, c; the cursor may go elsewhere; esc shows the selected step again."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("space", "j", "j", "space", "c")
        await settle(pilot, app)
        assert paths(app) == [b"4.txt", b"5.txt"]
        assert "Diff #3 → #5" in screen_text(app)[1]
        await pilot.press("j", "tab", "tab", "tab")
        await settle(pilot, app)
        assert paths(app) == [b"4.txt", b"5.txt"]
        assert "h end comparison" in screen_text(app)[-1]
        await pilot.press("escape")
        await settle(pilot, app)
        assert paths(app) == [b"2.txt"]
        assert "Diff #2" in screen_text(app)[1]
        assert "end comparison" not in screen_text(app)[-1]

    play_over(root, scene)


def test_a_base_is_compared_with_the_selected_step(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`=` marks it with a sign, and may lie after the other step, or be compared with the disk."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("equals_sign")
        assert "= capture" in screen_text(app)[3]
        await pilot.press("j", "c")
        await settle(pilot, app)
        assert "Diff #5 → #4" in screen_text(app)[1]
        assert [change.status for change in app.main.files.changes] == ["D"]
        (root / "6.txt").write_text("6\n")
        await pilot.press("escape", "g", "c")
        await settle(pilot, app)
        assert "Diff #5 → now" in screen_text(app)[1]
        assert paths(app) == [b"6.txt"]

    play_over(root, scene)


def test_nothing_to_compare_is_said(root: Path, play_over: Make, settle: Make) -> None:
    """One step alone is no pair."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("c")
        assert "pick two steps" in app.main.footer.sentence
        await pilot.press("space", "c")
        assert "pick two steps" in app.main.footer.sentence

    play_over(root, scene)
