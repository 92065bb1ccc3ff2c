"""The review of a real experiment: candidates beside each other, promoted by a preview."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.experiments import ExperimentsScreen
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.diff import DiffView

Make = Callable[..., Any]


def writes(**files: str) -> list[str]:
    """Returns a command that writes files."""
    lines = [f"open({name!r}, 'w').write({text!r})" for name, text in files.items()]
    return [sys.executable, "-c", "; ".join(lines)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with an experiment of three candidates, of which one fails its check."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil").write_text("deep\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        ws.try_approaches(
            [
                ("wordy", writes(soil="very\nvery\nwet\n", why="because\n")),
                ("short", writes(soil="wet\n")),
                ("dry", writes(soil="dry\n")),
            ],
            name="water",
            check=["grep", "-q", "wet", "soil"],
        )
    return folder


async def press(pilot: Pilot[int], app: StepwellApp, settle: Make, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot, app)


def row(screen_text: Make, app: StepwellApp, name: str) -> str:
    return next(line for line in screen_text(app) if line[1:].strip().startswith(name))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
def test_candidates_stand_beside_each_other(
    root: Path, play_over: Make, settle: Make, screen_text: Make, size: tuple[int, int]
) -> None:
    """Best first, with figures and reasons; the selected one's diff, and where there is room two."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E")
        assert isinstance(app.screen, ExperimentsScreen)
        shown = "\n".join(screen_text(app))
        assert "Experiment water, from #" in shown and "check: grep -q wet soil" in shown
        assert "1  score" in row(screen_text, app, "rank") and "2  score" in shown
        assert row(screen_text, app, "check").replace("▌", " ").split() == [
            "check", "passes", "passes", "fails",
        ]  # fmt: skip
        assert "+1 -1  1 file" in row(screen_text, app, "changes")
        assert "the smallest" in shown
        assert ("very" in shown) == (size[0] >= 100)
        await press(pilot, app, settle, "l", "l", "l")
        assert "dry" in "\n".join(screen_text(app)[12:])
        await press(pilot, app, settle, "j", "E")
        assert app.screen is app.main

    play_over(root, scene, size)


def test_a_candidate_is_promoted_by_the_preview_of_a_merge(
    root: Path, play_over: Make, settle: Make
) -> None:
    """`p` opens it, twice changes nothing; `y` merges; `u` and `y` take it back."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "l", "p", "p")
        assert isinstance(app.screen, RestorePreview)
        assert (root / "soil").read_text() == "deep\n"
        await press(pilot, app, settle, "y")
        assert (root / "soil").read_text() == "very\nvery\nwet\n"
        assert app.main.footer.sentence.startswith("Merged water/wordy, 2 files changed")
        await press(pilot, app, settle, "u", "y")

    play_over(root, scene, (80, 24))
    assert (root / "soil").read_text() == "deep\n" and not (root / "why").exists()


def test_a_candidate_is_shown_in_the_timeline(root: Path, play_over: Make, settle: Make) -> None:
    """`o` goes to its newest step."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "l", "o")
        step = app.main.timeline.selected
        assert step is not None and step.branch == "water/wordy"

    play_over(root, scene)


def test_from_another_branch_nothing_is_promoted(root: Path, play_over: Make, settle: Make) -> None:
    """It says which branch to go to."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("aside")
        ws.apply(ws.plan_switch("aside"))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "p")
        assert isinstance(app.screen, ExperimentsScreen)
        assert "it came from main, and you are on aside" in app.screen._footer.sentence

    play_over(root, scene)


def test_without_an_experiment_the_screen_says_how_to_run_one(
    tmp_path: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Every key is harmless there."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    Workspace.init(folder, home=tmp_path / "home").close()

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "l", "h", "j", "p", "o", "enter", "J")
        assert "no experiment yet: stepwell experiment run" in "\n".join(screen_text(app))

    play_over(folder, scene, (80, 24))


def test_both_diffs_are_coloured(
    tmp_path: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """Neither view's wish for colours takes the place of the other's."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("depth = 1\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        tries = [(word, writes(**{"soil.py": f"def {word}():\n    return 1\n"})) for word in "ab"]
        ws.try_approaches(tries, name="names")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E")
        for diff in app.screen.query(DiffView):
            line = next(r for r in range(len(diff.rows)) if "def" in diff.row(r).text)
            await until(lambda d=diff, at=line: d._row_colours(d.row(at)) is not None)

    play_over(folder, scene)
