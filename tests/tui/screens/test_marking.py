"""Notes and tags over a real workspace: typed in place, kept, shown, taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Mark, Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.marking import NoteForm, TagForm

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with three steps."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        for depth in (1, 2):
            (folder / "soil.py").write_text(f"DEPTH = {depth}\nWIDTH = 1\n")
            ws.capture(f"depth {depth}")
    return folder


def mark_of(root: Path, seq: int) -> Mark | None:
    with Workspace.open(root, home=root.parent / "home") as ws:
        return ws.get_step(f"#{seq}").checkpoint


def notes_of(root: Path, seq: int) -> list[str]:
    mark = mark_of(root, seq)
    return [note.text for note in mark.notes] if mark else []


def test_a_note_of_several_lines_is_saved_and_shown(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`a`, text, ctrl+s; the row gets its chip and the details the text, at once."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "a")
        await settle(pilot, app)
        await pilot.press(*"deep", "enter", *"er", "ctrl+s")
        await settle(pilot, app)
        assert app.screen is app.main
        assert "✎1" in screen_text(app)[4]
        assert any("✎ deep er (ana)" in line for line in screen_text(app))
        assert "u takes it back" in app.main.footer.sentence

    play_over(root, scene, by="ana")
    assert notes_of(root, 2) == ["deep\ner"]


def test_a_draft_is_kept_and_nothing_is_written(root: Path, play_over: Make, settle: Make) -> None:
    """Esc leaves; the text is there when the form is opened again on the same step."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "a", *"half", "escape")
        await settle(pilot, app)
        assert app.screen is app.main
        await pilot.press("a", "end", "space", *"done", "ctrl+s")
        await settle(pilot, app)

    play_over(root, scene)
    assert notes_of(root, 2) == ["half done"]


def test_a_note_stands_on_a_line_of_a_file(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`a` in the diff notes path and line of the new side."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("3", "right_square_bracket", "j", "a", *"why", "ctrl+s")
        await settle(pilot, app)
        assert any("✎ soil.py:1 why" in line for line in screen_text(app))

    play_over(root, scene)
    mark = mark_of(root, 3)
    assert mark is not None
    assert [(note.path, note.line) for note in mark.notes] == [(b"soil.py", 1)]


def test_the_newest_note_can_be_removed(root: Path, play_over: Make, settle: Make) -> None:
    """ctrl+r in the form; the others stay."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        for text in ("one", "two"):
            ws.mark(ws.get_step("#2"), note=text)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "a", "ctrl+r")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene)
    assert notes_of(root, 2) == ["one"]


def test_an_empty_note_is_refused_in_place(root: Path, play_over: Make, settle: Make) -> None:
    """The form stays and says so."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "a", "ctrl+s")
        await settle(pilot, app)
        assert isinstance(app.screen, NoteForm)
        assert app.screen.has_class("-refused")

    play_over(root, scene)
    assert mark_of(root, 2) is None


def test_tags_and_label_are_edited_as_words(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Words are tags, `label:` names; emptied, they are gone; the last undo brings them back."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "t", *"green", "space", *"label", "colon", *"v1", "enter")
        await settle(pilot, app)
        assert "⚑v1 #green" in screen_text(app)[4]
        await pilot.press("t", "ctrl+u", "enter")
        await settle(pilot, app)
        assert mark_of(root, 2) is None
        assert "#green" not in screen_text(app)[4]
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    mark = mark_of(root, 2)
    assert mark is not None and mark.tags == ("green",) and mark.label == "v1"


def test_a_label_that_is_taken_is_refused_in_place(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """The store's sentence stands in the form; what was typed stays."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.mark(ws.get_step("#1"), label="v1")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "t", *"label", "colon", *"v1", "enter")
        await settle(pilot, app)
        assert isinstance(app.screen, TagForm)
        assert any("v1 is taken" in line for line in screen_text(app))
        await pilot.press("escape")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene)
    assert mark_of(root, 2) is None


def test_a_narrow_screen_shows_the_newest_note(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """At 80x24, where there is no room for details, a line at the bottom."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.mark(ws.get_step("#3"), note="mind the \x1b[31mgap", by="ana")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert screen_text(app)[-2].startswith(" ✎ mind the \\x1b[31mgap (ana)")

    play_over(root, scene, (80, 24))


def test_a_tag_that_a_terminal_would_obey_is_offered_as_signs_and_stays_itself(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """What stands in the line to be changed is drawn as tamely as what stands elsewhere."""
    wicked = "t\x1b[5mwicked\u202e"
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.mark(ws.get_step("#2"), tags=[wicked])

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "t")
        await settle(pilot, app)
        assert isinstance(app.screen, TagForm)
        drawn = "".join(screen_text(app))
        assert "t?[5mwicked?" in drawn
        assert "\x1b" not in drawn and "\u202e" not in drawn
        await pilot.press("enter")
        await settle(pilot, app)

    play_over(root, scene)
    mark = mark_of(root, 2)
    assert mark is not None and mark.tags == (wicked,)
