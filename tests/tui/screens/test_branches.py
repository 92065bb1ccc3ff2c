"""Branches over a real workspace: listed, made, renamed, deleted, switched to by preview."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.branches import BranchesScreen, DeleteForm
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.steplines import StepLines

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose rollback left the branch main.1 with two steps of its own."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        for depth in (1, 2):
            (folder / "soil.py").write_text(f"DEPTH = {depth}\n")
            ws.capture(f"depth {depth}")
        ws.apply(ws.plan_rollback("#1"))
    return folder


def branches(root: Path) -> dict[str, tuple[bool, bool]]:
    """Returns name -> (current, kept)."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        return {row.name: (row.current, row.kept) for row in ws.branches()}


def test_they_are_listed_with_what_sets_them_apart(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Name, newest step, steps ahead and behind, and that a rollback left it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("b")
        await settle(pilot, app)
        current, kept = (" ".join(line.split()) for line in screen_text(app)[1:3])
        assert current.startswith("▌◉ main #4 ") and " current back " in current
        assert kept.startswith("○ main.1 kept #3 ") and " +2 -1 capture depth 2" in kept
        await pilot.press("b")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene, (80, 24))


def test_the_newest_steps_of_the_selected_branch_are_shown(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Down its line of first parents; they follow the cursor."""

    def shown(app: StepwellApp) -> list[int]:
        return [step.seq for step in app.screen.query_one(StepLines).steps]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("b")
        await settle(pilot, app)
        assert shown(app) == [4, 1]
        await pilot.press("j")
        await settle(pilot, app)
        assert shown(app) == [3, 2, 1]
        lines = [line for line in screen_text(app) if "depth 2" in line]
        assert lines[-1].split()[:5] == ["#3", *lines[-1].split()[1:2], "capture", "depth", "2"]

    play_over(root, scene)


def test_switching_is_previewed_and_undone(root: Path, play_over: Make, settle: Make) -> None:
    """`s` leads to the preview; its `y` switches; undo comes back to the branch left."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("b")
        await settle(pilot, app)
        await pilot.press("j", "s")
        await settle(pilot, app)
        assert isinstance(app.screen, RestorePreview)
        assert (root / "soil.py").read_text() == "DEPTH = 0\n"
        await pilot.press("y")
        await settle(pilot, app)
        assert (root / "soil.py").read_text() == "DEPTH = 2\n"
        assert branches(root)["main.1"][0]
        assert app.main.timeline.tips.branch == "main.1"
        assert app.main.footer.sentence.startswith("You are on main.1, 1 file changed")
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert (root / "soil.py").read_text() == "DEPTH = 0\n"
    assert branches(root)["main"][0]


def test_a_branch_is_made_at_the_selected_step(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`B` asks for a name only; the current branch stays; the step gets its chip."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "B", *"try", "enter")
        await settle(pilot, app)
        assert app.screen is app.main
        assert any("↱ try" in line for line in screen_text(app))

    play_over(root, scene)
    assert branches(root) == {
        "main": (True, False), "main.1": (False, True), "try": (False, False),
    }  # fmt: skip


def test_renaming_keeps_a_kept_branch_for_good(root: Path, play_over: Make, settle: Make) -> None:
    """`R` edits the name; a name that cannot be is refused in place."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("b")
        await settle(pilot, app)
        await pilot.press("j", "R", "ctrl+u", *"main", "enter")
        await settle(pilot, app)
        assert app.screen.has_class("-refused")
        await pilot.press("ctrl+u", *"deep", "enter")
        await settle(pilot, app)
        assert isinstance(app.screen, BranchesScreen)

    play_over(root, scene)
    assert branches(root) == {"main": (True, False), "deep": (False, False)}


def test_deleting_asks_and_only_another_key_does_it(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`D` twice does nothing; the question is told whole; `y` takes the name away, the steps stay."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("b")
        await settle(pilot, app)
        await pilot.press("D")
        assert isinstance(app.screen, BranchesScreen)
        await pilot.press("j", "D", "D", "enter", "space")
        await settle(pilot, app)
        assert isinstance(app.screen, DeleteForm)
        assert len(branches(root)) == 2
        told = " ".join(" ".join(screen_text(app)).replace("│", " ").split())
        assert (
            "Only the name goes: 2 steps only on it, and every step stays in the timeline." in told
        )
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert list(branches(root)) == ["main"]
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert ws.get_step("#3").title == "depth 2"


def test_the_newest_step_of_a_branch_is_shown(root: Path, play_over: Make, settle: Make) -> None:
    """`o` goes there in the timeline."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("b")
        await settle(pilot, app)
        await pilot.press("j", "o")
        await settle(pilot, app)
        assert app.main.timeline.selected_seq == 3

    play_over(root, scene)
