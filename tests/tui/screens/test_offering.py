"""Sessions from before, offered at the first start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.oldsessions import laid_out
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.store.agents.transcripts.offers import Offers
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.offering import OfferForm, look_for_sessions

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace that has nothing but its first step."""
    folder = tmp_path / "project"
    folder.mkdir()
    Workspace.init(folder, home=tmp_path / "home").close()
    return folder


@pytest.fixture
def offers(root: Path, tmp_path: Path) -> Callable[[], Offers]:
    """Old sessions of two agents in that folder."""
    with Workspace.open(root, home=tmp_path / "home") as ws:
        for agent in ("claude", "pi"):
            laid_out(agent, ws, tmp_path / agent)
    folders = {agent: tmp_path / agent for agent in ("claude", "codex", "pi")}
    return lambda: Offers(folders, lambda: True)


def steps(root: Path) -> int:
    with Workspace.open(root, home=root.parent / "home") as ws:
        return len(ws.steps(limit=100, all_branches=True))


def test_one_key_imports_them(
    root: Path, offers: Callable[[], Offers], play_over: Make, until: Make, screen_text: Make
) -> None:
    """They are in the timeline, and nobody is asked again."""

    async def first(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: isinstance(app.screen, OfferForm))
        await pilot.pause()
        assert "Found 1 of claude, 1 of pi." in "\n".join(screen_text(app))
        assert steps(root) == 1
        await pilot.press("y")
        await until(lambda: app.screen is app.main)
        assert app.main.footer.sentence == "imported 20 steps of 2 sessions"

    async def second(pilot: Pilot[int], app: StepwellApp) -> None:
        look_for_sessions(app.gateway, offers)
        await until(lambda: app.gateway.idle)
        await pilot.pause()
        assert app.screen is app.main

    play_over(root, first, offers=offers)
    assert steps(root) == 21
    play_over(root, second)


@pytest.mark.parametrize("key", ["n", "escape"])
def test_declined_once_nobody_is_asked_again(
    key: str, root: Path, offers: Callable[[], Offers], play_over: Make, until: Make
) -> None:
    """Nothing is imported; the command can still do it."""

    async def first(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: isinstance(app.screen, OfferForm))
        await pilot.press(key)
        await until(lambda: app.screen is app.main)

    play_over(root, first, offers=offers)
    assert steps(root) == 1
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert offers().pending(ws) == {}


def test_where_nothing_is_found_nothing_is_asked_or_looked_for_again(
    root: Path, tmp_path: Path
) -> None:
    """Reading all records at each start would cost too much."""
    nothing = Offers({"claude": tmp_path / "claude"}, lambda: True)
    with Workspace.open(root, home=tmp_path / "home") as ws:
        assert nothing.pending(ws) == {}
        laid_out("claude", ws, tmp_path / "claude")
        assert nothing.pending(ws) == {}


def test_what_was_recorded_as_it_happened_is_not_offered(root: Path, tmp_path: Path) -> None:
    """Such a session has its steps."""
    with Workspace.open(root, home=tmp_path / "home") as ws:
        laid_out("claude", ws, tmp_path / "claude")
        (root / "new").write_text("x")
        ws.capture("live", session="claude:9eaaed0c-d0cb-48c7-b32d-19793df17fa4")
        assert Offers({"claude": tmp_path / "claude"}, lambda: True).pending(ws) == {}
