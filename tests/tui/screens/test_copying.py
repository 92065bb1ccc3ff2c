"""Copying, the editor at the line and the pager, from the main screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose second step changed one line of a file."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("a = 1\nb = 2\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        (folder / "soil.py").write_text("a = 1\nb = 3\n")
        ws.capture("three")
    return folder


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("c", "a = 1\nb = 3\n"),
        ("h", "@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n"),
        ("p", "--- a/soil.py\n+++ b/soil.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n"),
        ("f", "soil.py"),
    ],
)
def test_each_key_of_the_menu_copies_one_thing(
    root: Path, play_over: Make, settle: Make, key: str, text: str
) -> None:
    """And the footer says so."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("y", key)
        await settle(pilot, app)
        assert app.clipboard == text
        assert app.main.footer.sentence.startswith("copied the ")

    play_over(root, scene, (80, 24))


def test_leaving_the_menu_copies_nothing_and_a_step_has_its_id(
    root: Path, play_over: Make, settle: Make
) -> None:
    """`y` again leaves; `i` takes the id."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("y", "y")
        await settle(pilot, app)
        assert app.screen is app.main and not app.clipboard
        await pilot.press("y", "i")
        await settle(pilot, app)
        step = app.main.timeline.selected
        assert step is not None and app.clipboard == step.id

    play_over(root, scene)


def test_editor_and_pager_get_the_line_and_the_patch(
    root: Path, play_over: Make, settle: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real programs, run where the terminal was left to them."""
    said, editor = tmp_path / "said", tmp_path / "vim"
    editor.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setenv("PAGER", f"tee -a {said}")
    monkeypatch.setattr(StepwellApp, "suspend", lambda self: nullcontext())

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("3", "G", "e")
        await settle(pilot, app)
        assert said.read_text() == f"+2 {root}/soil.py\n"
        await pilot.press("vertical_line")
        await settle(pilot, app)
        assert said.read_text().endswith("+++ b/soil.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n")

    play_over(root, scene)


def test_a_differ_gets_both_sides(
    root: Path, play_over: Make, settle: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As files with the name of the one that changed; they are gone afterwards."""
    said, differ = tmp_path / "said", tmp_path / "compare"
    differ.write_text(f'#!/bin/sh\necho "$@" >> {said}\ncat "$1" "$2" >> {said}\n')
    differ.chmod(0o755)
    monkeypatch.setattr(StepwellApp, "suspend", lambda self: nullcontext())

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("3", "G", "ctrl+t")
        await settle(pilot, app)
        files, old, new = (
            said.read_text().split("\n", 2)[0].split(),
            "a = 1\nb = 2\n",
            "a = 1\nb = 3\n",
        )
        assert said.read_text().endswith(old + new)
        assert [Path(file).name for file in files] == ["soil.py", "soil.py"]
        assert not any(map(os.path.lexists, files))

    play_over(root, scene, differ=str(differ))


def test_a_terminal_that_cannot_be_left_is_told_of(
    root: Path, play_over: Make, settle: Make
) -> None:
    """As under a test driver."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("e")
        await settle(pilot, app)
        assert "cannot be left" in app.main.footer.sentence

    play_over(root, scene)
