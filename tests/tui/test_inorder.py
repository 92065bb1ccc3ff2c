"""What is typed ahead lands where it would have landed if it had been typed slowly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.terminal import Terminal, timeline
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.commanding import CommandScreen, TextLines
from stepwell.tui.screens.main import MainScreen

Make = Callable[..., Any]
NAMED = {" ": "space", "\r": "enter", "/": "slash", ":": "colon", "\x1b": "escape"}
NAMED |= {"\x13": "ctrl+s", "\t": "tab", "?": "question_mark"}
WORDS = "urqbyMEx"
"""Letters that are commands in the timeline."""


@pytest.fixture
def orchard(tmp_path: Path) -> Path:
    """A workspace of thirty steps whose names are all different."""
    root = tmp_path / "orchard"
    root.mkdir()
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        for number in range(30):
            (root / "soil.py").write_text(f"DEPTH = {number}\n")
            workspace.capture(f"depth {number:02}")
    return root


def send(app: StepwellApp, text: str) -> None:
    """Sends keys as a terminal does that has them all at once."""
    for sign in text:
        app.post_message(events.Key(NAMED.get(sign, sign), sign if sign.isprintable() else None))


def typed(app: StepwellApp) -> str:
    return app.screen.query_one(Input).value


def at(app: StepwellApp) -> str:
    step = app.main.timeline.selected
    return step.title if step is not None else ""


def test_a_search_typed_in_one_burst_goes_there(
    orchard: Path, play_over: Make, settle: Make
) -> None:
    """The first time, too, when the line has never been there; the key behind enter is a command."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        for number in range(8):
            title = f"depth {number * 7 % 30:02}"
            send(app, f"/{title}\r")
            await settle(pilot, app)
            assert at(app) == title
            send(app, "j")
        send(app, f"/{WORDS}")
        await settle(pilot, app)
        assert typed(app) == WORDS and isinstance(app.screen, MainScreen)

    play_over(orchard, scene)


@pytest.mark.parametrize("key", ["f", "/", ":", "S", "?", "a"])
def test_whatever_opens_a_line_takes_what_follows(
    key: str, orchard: Path, play_over: Make, settle: Make
) -> None:
    """Again and again, each opened anew; nothing of it is a command."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        for _ in range(2):
            send(app, key + WORDS)
            await settle(pilot, app)
            focused = app.screen.focused
            assert focused is not None
            assert getattr(focused, "value", getattr(focused, "text", None)) == WORDS
            send(app, "\x1b")
            await settle(pilot, app)
            assert isinstance(app.screen, MainScreen)
            if key == "a":
                app.main._drafts.clear()
            if key == "S":
                app.main._sought = ""

    play_over(orchard, scene)


def test_a_pasted_text_waits_for_its_line(orchard: Path, play_over: Make, settle: Make) -> None:
    """A paste is one event; it, too, comes behind the key that opens the line."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        send(app, "f")
        app.post_message(events.Paste(WORDS))
        send(app, "z")
        await settle(pilot, app)
        assert typed(app) == WORDS + "z"

    play_over(orchard, scene)


def test_a_screen_that_closes_leaves_its_keys_to_the_one_below(
    orchard: Path, play_over: Make, settle: Make
) -> None:
    """A line, its enter, the way back and the next line, all in one burst."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        send(app, ":frobnicate\r")
        await settle(pilot, app)
        lines = [line for line, _ in app.screen.query_one(TextLines).lines]
        assert any("frobnicate is no command" in line for line in lines)
        send(app, "\x1b:log -n 2\r")
        await settle(pilot, app)
        assert isinstance(app.screen, CommandScreen)
        assert ": log -n 2" in [line for line, _ in app.screen.query_one(TextLines).lines]
        send(app, "\x1bg/depth 11\r")
        await settle(pilot, app)
        assert at(app) == "depth 11"

    play_over(orchard, scene)


@pytest.mark.parametrize("times", [10, pytest.param(50, marks=pytest.mark.long)])
def test_one_write_to_a_real_terminal_is_typed_whole(orchard: Path, times: int) -> None:
    """Searches of one write each, their enter with them; a bracketed paste lands in its line."""
    with timeline(orchard, orchard.parent / "home", (80, 24)) as screen:
        for number in range(times):
            title = f"depth {number * 7 % 30:02}"
            screen.type(f"/{title}\r")
            screen.until(lambda title=title: title in selected(screen))
        screen.type(f"f\x1b[200~{WORDS}\x1b[201~")
        screen.until(f"filter {WORDS}")


def selected(screen: Terminal) -> str:
    """The row of the timeline under the cursor."""
    return next((row.split("│")[0] for row in screen.lines if row.startswith("▌")), "")
