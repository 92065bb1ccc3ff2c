"""To the states of a file, and to files, over a real workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.messages import StateFound
from stepwell.tui.screens.jumping import JumpScreen

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """soil.py changes with steps 2, 4 and 6, rows.py with 3 and 5; 6 changes both, soil.py last."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        for number, names in enumerate(("soil", "rows", "soil", "rows", "rows soil"), start=2):
            for name in names.split():
                (folder / f"{name}.py").write_text(f"STEP = {number}\n")
            ws.capture(f"{names} at {number}")
    return folder


def where(app: StepwellApp) -> tuple[int | None, str]:
    """The selected step, and the file that the diff stands in."""
    rows = app.main.diff.rows
    change = rows.changes[rows.place(app.main.diff.here)[0]]
    return app.main.timeline.selected_seq, change.path.decode()


async def shown(settle: Make, until: Make, pilot: Pilot[int], app: StepwellApp, seq: int) -> None:
    sight = app.main.showing
    await settle(pilot, app)
    await until(lambda: sight.sight.step is not None and sight.sight.step.seq == seq)
    await settle(pilot, app)


def test_a_files_states_are_walked_through(
    root: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """`,` and `.`: the diff stays on the file; at the ends it is said, and nothing moves."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("3", "right_curly_bracket")
        assert where(app) == (6, "soil.py")
        await pilot.press("comma")
        await shown(settle, until, pilot, app, 4)
        assert where(app) == (4, "soil.py")
        await pilot.press("comma")
        await shown(settle, until, pilot, app, 2)
        assert where(app) == (2, "soil.py")
        await pilot.press("comma")
        await settle(pilot, app)
        assert "no older state of soil.py" in app.main.footer.sentence
        await pilot.press("full_stop", "2")
        await shown(settle, until, pilot, app, 4)
        await pilot.press("full_stop")
        await shown(settle, until, pilot, app, 6)
        assert where(app) == (6, "soil.py")
        assert app.main.files.has_focus
        assert app.main.files.change_at(app.main.files.cursor) == 1

    play_over(root, scene)


def test_a_filter_and_a_comparison_end_where_a_state_is_gone_to(
    root: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """The step would not be listed otherwise."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"rows", "enter")
        await settle(pilot, app)
        await pilot.press("j", "space", "k", "c")
        await settle(pilot, app)
        assert app.main.showing.comparing
        await pilot.press("3", "left_curly_bracket", "comma")
        await settle(pilot, app)
        assert not app.main.showing.comparing
        assert not app.main.timeline.filtered

    play_over(root, scene)


def test_some_letters_lead_to_a_file(
    root: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """One that the step changed is gone to; of another, the state that it had then."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j")
        await shown(settle, until, pilot, app, 5)
        await pilot.press("ctrl+f")
        await settle(pilot, app)
        assert isinstance(app.screen, JumpScreen)
        assert len(app.screen.query_one("#paths").fits) == 2  # type: ignore[attr-defined]
        await pilot.press(*"rw", "enter")
        await settle(pilot, app)
        assert app.screen is app.main and app.main.diff.has_focus
        assert where(app) == (5, "rows.py")
        await pilot.press("ctrl+f", *"sl")
        await settle(pilot, app)
        await pilot.press("enter")
        await shown(settle, until, pilot, app, 4)
        assert where(app) == (4, "soil.py")
        await pilot.press("ctrl+f", "escape")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene)


@pytest.mark.parametrize("is_looked_for", [False, True])
def test_enter_right_behind_letters_means_what_they_find(
    root: Path, is_looked_for: bool, play_over: Make, settle: Make, until: Make
) -> None:
    """Not what was listed before, whether it is being looked for already or not."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("ctrl+f")
        await settle(pilot, app)
        screen, entry = app.screen, app.screen.query_one(Input)
        assert isinstance(screen, JumpScreen)
        entry.value = "soil"
        if is_looked_for:
            screen.on_input_changed(Input.Changed(entry, "soil"))
        screen.action_go()
        await until(lambda: app.screen is app.main)
        await settle(pilot, app)
        assert where(app) == (6, "soil.py")

    play_over(root, scene)


def test_a_state_that_is_found_too_late_is_not_gone_to(
    root: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """Who has gone on meanwhile stays there."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j")
        await shown(settle, until, pilot, app, 5)
        app.main.post_message(StateFound(b"soil.py", -1, 2, 6))
        await settle(pilot, app)
        assert app.main.timeline.selected_seq == 5
        app.main.post_message(StateFound(b"soil.py", -1, 2, 5))
        await until(lambda: app.main.timeline.selected_seq == 2)

    play_over(root, scene)


def test_both_sides_of_what_is_on_disk_alone_are_compared(
    root: Path, tmp_path: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """The store does not hold the new side: it is read on disk."""
    differ, sides = tmp_path / "diff", tmp_path / "sides"
    differ.write_text(f'#!/bin/sh\ncat "$1" "$2" > {sides}.new && mv {sides}.new {sides}\n')
    differ.chmod(0o755)
    (root / "soil.py").write_text("STEP = 'disk'\n")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: app.main.timeline.count == 7)
        await pilot.press("g")
        await settle(pilot, app)
        await until(lambda: [c.path for c in app.main.diff.rows.changes] == [b"soil.py"])
        await pilot.press("2", "ctrl+t")
        await until(sides.exists)

    play_over(root, scene, differ=str(differ))
    assert sides.read_text() == "STEP = 6\nSTEP = 'disk'\n"


def test_where_no_file_is_shown_it_is_said(root: Path, play_over: Make, settle: Make) -> None:
    """The first step of an empty folder changed nothing."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("G")
        await settle(pilot, app)
        await pilot.press("3", "comma")
        await settle(pilot, app)
        assert "there is no file here" in app.main.footer.sentence

    play_over(root, scene)
