"""Counts before keys, and ranges of steps and of lines."""

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
    """Step 2 adds a file of 60 lines; 3 changes lines 5 and 50 of it; 4 to 30 write another file."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    lines = [f"line {number}\n" for number in range(1, 61)]
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        (folder / "rows.txt").write_text("".join(lines))
        ws.capture("rows")
        lines[4], lines[49] = "\tFIVE\n", "FIFTY\n"
        (folder / "rows.txt").write_text("".join(lines))
        ws.capture("five and fifty")
        for number in range(4, 31):
            (folder / "soil.txt").write_text(f"depth {number}\n")
            ws.capture(f"depth {number}")
    return folder


def test_counts_move_so_many_rows(root: Path, play_over: Make, settle: Make) -> None:
    """Panes' digits stay theirs wherever a count would begin; behind a 0 they count."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        await pilot.press("5", "j")
        assert timeline.selected_seq == 25
        await pilot.press("0", "1", "2")
        await pilot.pause()
        assert app.main.footer.sentence == "012" and timeline.has_focus
        await pilot.press("j")
        assert timeline.selected_seq == 13
        await pilot.press("0", "2", "0", "G")
        assert timeline.selected_seq == 20
        await pilot.press("4", "escape", "j")
        assert timeline.selected_seq == 19
        await pilot.press("9", "9", "9", "k", "3", "1")
        await settle(pilot, app)
        assert timeline.cursor == 0 and timeline.has_focus
        await pilot.press("2")
        assert app.main.files.has_focus

    play_over(root, scene)


def test_a_number_leads_to_a_line_of_the_file(root: Path, play_over: Make, settle: Make) -> None:
    """In the diff `49G` is the line of that number; a count repeats hunks."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("5", "G", "j", "j")
        await settle(pilot, app)
        await pilot.press("3", "4", "9", "G")
        diff = app.main.diff
        assert diff.rows.row(diff.here).new == 49
        await pilot.press("4", "left_square_bracket")
        assert diff.rows.place(diff.here)[1] == 1
        await pilot.press("9", "right_square_bracket")
        assert diff.rows.place(diff.here)[1] == 2

    play_over(root, scene)


def test_a_range_shows_what_all_its_steps_changed(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """From the oldest one's parent to the newest; esc ends it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("5", "G")
        await settle(pilot, app)
        await pilot.press("v", "j", "j")
        await settle(pilot, app)
        assert app.main.timeline.title_right == "3 rows of 30 selected"
        assert app.main.diff.title_text.startswith("Diff #2 → #5")
        assert {change.path for change in app.main.diff.rows.changes} == {b"rows.txt", b"soil.txt"}
        await pilot.press("escape")
        await settle(pilot, app)
        assert app.main.diff.title_text.startswith("Diff #3 ")
        await pilot.press("shift+up")
        await settle(pilot, app)
        assert app.main.diff.title_text.startswith("Diff #2 → #4")
        await pilot.press("v")
        await settle(pilot, app)
        assert app.main.diff.title_text.startswith("Diff #4 ")

    play_over(root, scene)


def test_a_range_under_a_filter_begins_before_its_oldest_step(
    root: Path, play_over: Make, settle: Make
) -> None:
    """Also where the step before is not listed, and so was not read."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"fifty", "enter")
        await settle(pilot, app)
        await pilot.press("g", "j", "v")
        await settle(pilot, app)
        assert app.main.timeline.selected_seq == 3
        assert app.main.diff.title_text.startswith("Diff #2 → #3")

    play_over(root, scene)


def test_a_range_of_lines_picks_its_hunks_and_is_copied(
    root: Path, play_over: Make, settle: Make
) -> None:
    """Without signs, with its tabs; one hunk of two is picked."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        copied: list[str] = []
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await pilot.press("5", "G", "j", "j")
        await settle(pilot, app)
        await pilot.press("3", "5", "G", "v", "j")
        await settle(pilot, app)
        await pilot.press("y", "c")
        await settle(pilot, app)
        assert copied == ["\tFIVE\nline 6\n"]
        await pilot.press("space")
        picks = app.main.files.picks
        assert (picks.files, picks.hunks) == (1, 1)
        assert app.main.diff.span is None

    play_over(root, scene)
