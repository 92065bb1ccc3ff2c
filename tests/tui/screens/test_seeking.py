"""Search through everything over a real workspace: streamed, chosen, left, refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.seeking import HitList, SeekScreen

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose third step plants an `apricot`, in line 41 of a file."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        (folder / "rows.py").write_text("".join(f"row = {i}\n" for i in range(60)))
        ws.capture("sixty rows")
        rows = [f"row = {i}\n" for i in range(60)]
        rows[40] = "tree = 'apricot'\n"
        (folder / "rows.py").write_text("".join(rows))
        step = ws.capture("a tree")
        ws.mark(step, note="the apricot needs sun", by="ada")
        (folder / "soil.py").write_text("DEPTH = 1\n")
        ws.capture("deeper")
    return folder


def places(app: StepwellApp) -> HitList:
    assert isinstance(app.screen, SeekScreen)
    return app.screen.query_one(HitList)


async def found(pilot: Pilot[int], app: StepwellApp, until: Make, count: int) -> None:
    await until(lambda: places(app).hits.places == count and app.gateway.idle)
    await pilot.pause()


def test_what_is_found_is_listed_by_step_with_its_place(
    root: Path, play_over: Make, until: Make, screen_text: Make
) -> None:
    """A changed line and a note, under the step that they belong to."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("S", *"apricot")
        await found(pilot, app, until, 2)
        lines = screen_text(app)
        assert "#3" in lines[2] and "a tree" in lines[2]
        assert any("note   the apricot needs sun" in row for row in lines)
        assert any("diff" in row and "tree = 'apricot'" in row for row in lines)
        assert "2 places in 1 step" in "\n".join(lines)

    play_over(root, scene)


def test_enter_goes_to_the_line_in_the_diff(
    root: Path, play_over: Make, until: Make, settle: Make
) -> None:
    """Although a filter hides the step; esc ends the search in the diff."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        main = app.main
        await pilot.press("f", *"deeper", "enter")
        await settle(pilot, app)
        await pilot.press("S", *"apricot")
        await found(pilot, app, until, 2)
        while places(app).selected.hit.where != "diff":
            await pilot.press("down")
        await pilot.press("enter")
        await until(lambda: app.focused is main.diff and main.diff.line_here() == (b"rows.py", 41))
        assert main.timeline.selected_seq == 3 and not main.timeline.filtered

    play_over(root, scene)


def test_another_query_ends_the_one_before_and_esc_leaves(
    root: Path, play_over: Make, until: Make
) -> None:
    """The newest query alone is answered; leaving changes neither step nor pane."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        before = app.main.timeline.selected_seq
        await pilot.press("S", *"row")
        await pilot.press(*["backspace"] * 3, *"DEPTH")
        await until(lambda: bool(places(app).hits.rows) and app.gateway.idle)
        assert {row.step.seq for row in places(app).hits.rows} == {4}
        await pilot.press("escape")
        assert app.focused is app.main.timeline
        assert app.main.timeline.selected_seq == before
        await pilot.press("S")
        await until(lambda: bool(places(app).hits.rows))

    play_over(root, scene)


def test_what_cannot_be_read_is_said_in_the_line(
    root: Path, play_over: Make, until: Make, screen_text: Make
) -> None:
    """A query of filters only, and one that breaks the grammar."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("S", *"kind", "colon", *"tool")
        await until(lambda: any("no word to search for" in row for row in screen_text(app)))
        await pilot.press("ctrl+u", *"kind", "colon", *"xyz")
        await until(lambda: any("xyz" in row and "kind" in row for row in screen_text(app)[2:]))

    play_over(root, scene)


def test_a_folded_step_is_unfolded_to_be_shown(
    play: Make, make_step: Make, memory: Make, settle: Make
) -> None:
    """Going to a step shows it, and not what stands for it."""
    steps = [
        make_step(1, kind="prompt", tool=None, session="a:1"),
        *(make_step(seq, (seq - 1,), session="a:1") for seq in range(2, 9)),
    ]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        await pilot.press("underscore", "underscore")
        assert timeline.count == 3
        timeline.go_to(4)
        await settle(pilot, app)
        assert timeline.selected_seq == 4

    play(memory(steps), scene)
