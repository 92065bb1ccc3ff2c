"""The help: from the one action table, searchable, runnable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.pilot import Pilot

from stepwell.tui.keys.actions import ACTIONS, Action, actions_for
from stepwell.tui.keys.helprows import help_rows
from stepwell.tui.look.glyphs import UTF8
from stepwell.tui.screens.help import HelpList, HelpScreen


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
