"""The help: from the one action table, searchable, runnable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.keys.actions import ACTIONS, Action, Scope, actions_for
from stepwell.tui.keys.helprows import help_rows
from stepwell.tui.look.glyphs import UTF8
from stepwell.tui.screens.help import HelpList, HelpScreen
from stepwell.tui.screens.operations import OperationList, OperationsScreen
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.sentence import Sentence

Make = Callable[..., Any]


class Stage(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.results: list[Action | None] = []


def play(scene: Callable[[Pilot[None], Stage], Awaitable[None]]) -> None:
    async def whole() -> None:
        app = Stage()
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(HelpScreen(("diff", "list", "everywhere"), UTF8), app.results.append)
            await pilot.pause()
            await scene(pilot, app)

    asyncio.run(whole())


def test_every_action_of_the_scopes_has_a_row() -> None:
    """Nothing that a key does is missing, nothing stands there twice."""
    rows = [row.action for row in help_rows(("diff", "list")) if row.action]
    assert rows == [*actions_for("diff"), *actions_for("list")]


def test_every_action_has_words_and_keys() -> None:
    """The table is what a person reads."""
    assert all(action.title and action.keys for action in ACTIONS)


def test_words_and_keys_are_found() -> None:
    """All words have to be there; a key finds itself."""
    assert [r.title for r in help_rows(("diff",), "NEXT hunk") if r.action] == ["next hunk"]
    assert [r.title for r in help_rows(("diff", "list"), "]") if r.action] == ["next hunk"]
    assert help_rows(("diff",), "no such thing") == ()


def test_what_people_call_it_is_found() -> None:
    """Words of the hint and of the action's name count, too."""
    main: tuple[Scope, ...] = ("timeline", "list", "everywhere")

    def found(query: str) -> list[str]:
        return [row.keys for row in help_rows(main, query) if row.action]

    assert found("undo")[0] == "u"
    assert found("rollback")[0] == found("restore")[0] == "r"
    assert "b" in found("merge")
    assert "r" in [row.keys for row in help_rows(("files",), "rollback") if row.action]


def test_a_key_stands_where_it_is_nearest() -> None:
    """What another key does there is not promised of it; without a key left there is no row."""
    rows = {row.action.name: row.keys for row in help_rows(("operations", "list")) if row.action}
    assert rows["operations.undo_this"] == "u enter l"
    assert rows["list.deeper"] == "→"
    assert "diff.pick_hunk" not in {
        row.action.name for row in help_rows(("preview", "diff")) if row.action
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        (folder / "a.txt").write_text("two\n")
        ws.capture("two")
    return folder


SCREENS: list[tuple[str, Scope]] = [
    ("O", "operations"), ("b", "branches"), ("s", "sessions"), ("V", "rules"), ("I", "figures"),
    ("u", "preview"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "scope"), SCREENS)
def test_every_screen_lists_its_keys(
    root: Path, play_over: Make, settle: Make, key: str, scope: Scope
) -> None:
    """`?` above the main screen: those of the screen first; esc is back at it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press(key)
        await settle(pilot, app)
        below = app.screen
        assert below is not app.main
        await pilot.press("question_mark")
        await settle(pilot, app)
        assert isinstance(app.screen, HelpScreen)
        listed = [row.action for row in app.screen.query_one(HelpList).rows if row.action]
        assert [one for one in listed if one.scope == scope] == list(actions_for(scope))
        await pilot.press("escape")
        await settle(pilot, app)
        assert app.screen is below

    play_over(root, scene)


def test_the_help_of_a_preview_applies_nothing(root: Path, play_over: Make, settle: Make) -> None:
    """Other keys are run from it, of the diff too; the one that changes the disk is not."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("r")
        await settle(pilot, app)
        preview = app.screen
        assert isinstance(preview, RestorePreview)
        for words in ([], [*"do", "space", *"it"]):
            await pilot.press("question_mark", *words, "enter")
            await settle(pilot, app)
            assert app.screen is preview
            told = preview.query_one("#preview-promise", Sentence).plain
            assert told.startswith("press y in the preview. ")
        await pilot.press("tab", "question_mark")
        await settle(pilot, app)
        listed = {row.title for row in app.screen.query_one(HelpList).rows}
        assert "next hunk" in listed and "write a note on this line" not in listed
        await pilot.press(*"only", "enter")
        await settle(pilot, app)
        headline = preview.query_one("#preview-headline", Sentence).plain
        assert headline.startswith("Take back only what #2")

    play_over(root, scene)
    assert (root / "a.txt").read_text() == "two\n"


def test_what_comes_while_keys_are_listed_leads_away_afterwards(
    root: Path, play_over: Make, settle: Make
) -> None:
    """An answer is not lost: the screen below is left for it as soon as it is on top."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("O")
        await settle(pilot, app)
        below = app.screen
        assert isinstance(below, OperationsScreen)
        await pilot.press("question_mark")
        await settle(pilot, app)
        below.show(below.query_one(OperationList).rows[0])
        await settle(pilot, app)
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene)


def test_typing_filters_and_enter_runs() -> None:
    """The chosen action is the result."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press(*"previous", "down", "enter")
        await pilot.pause()
        assert [action and action.title for action in app.results] == ["previous file"]

    play(scene)


def test_escape_leaves_without_running() -> None:
    """Looking is free."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == [None]

    play(scene)


def test_no_match_is_harmless() -> None:
    """Enter on an empty list runs nothing."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press(*"zzzz")
        assert app.screen.query_one(HelpList).count == 0
        await pilot.press("down", "up", "enter")
        await pilot.pause()
        assert app.results == [None]

    play(scene)
