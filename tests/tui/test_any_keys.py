"""Thousands of keys, as fast as they can be posted: never an exception, never a change unasked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.trees import contents
from textual import events
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen

from stepwell.store import Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.model.steps import StepResult
from stepwell.tui import screens
from stepwell.tui.app import StepwellApp
from stepwell.tui.keys.actions import ACTIONS
from stepwell.tui.screens.above import Above
from stepwell.tui.screens.openers import Openers
from stepwell.tui.screens.preview import RestorePreview

Make = Callable[..., Any]

AWAY = {"e", "vertical_line", "ctrl+z"}
"""Keys that give the terminal to another program."""
KEYS = sorted({key for action in ACTIONS for key in action.keys} - AWAY)
LEADING = ["r", "u", "U", "A", "y", "escape", "1", "j", "k"]
"""What leads to a preview, and through it."""
TYPED = [*"ab :/~@#1", "enter", "escape", "tab"]
AHEAD = 40
"""Keys that are typed ahead at most: more than a hand, or a cat, is ahead of a slow machine."""
WRITTEN = {"space": " ", "at": "@", "colon": ":"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with sessions, branches, notes and a file that differs on disk."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    (folder / "trees.py").write_text("def plant():\n    return 'tree'\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        for number in range(1, 6):
            ws.record(act=Act(f"dig {number}", "prompt", session="claude:1"))
            (folder / "soil.py").write_text(f"DEPTH = {number}\n")
            step = ws.record(act=Act("dig", "tool", session="claude:1", tool="edit")).step
            failed = StepResult(False, 1)
            ws.record(act=Act("pytest", "tool", session="pi:2", tool="bash", result=failed))
            ws.mark(step, label=f"v{number}", note="deep")
        ws.apply(ws.plan_rollback("@~5"), force=True)
    (folder / "trees.py").write_text("def plant():\n    return 'oak'\n")
    return folder


async def post(app: StepwellApp, keys: Sequence[str]) -> None:
    for key in keys:
        character = WRITTEN.get(key, key if len(key) == 1 else None)
        app.post_message(events.Key(key, character))
    await asyncio.sleep(0.002)


def walk(seed: int, length: int, keys: Sequence[str], without: str = "") -> list[list[str]]:
    """Returns keys in bursts, as a hand on the keyboard, or a cat, gives them."""
    chance = random.Random(seed)
    bursts = []
    while sum(map(len, bursts)) < length:
        some = chance.choices([*keys, *TYPED], k=chance.randint(1, 6))
        bursts.append([key for key in some if key != without])
    return bursts


@pytest.mark.parametrize(
    ("seed", "length"),
    [(1, 700), *(pytest.param(seed, 6_000, marks=pytest.mark.long) for seed in range(2, 12))],
)
def test_no_keys_change_anything_unasked(
    root: Path,
    play_over: Make,
    settle: Make,
    take: Make,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    length: int,
) -> None:
    """Without the key that applies, the disk stays as it is, whatever else is pressed."""
    monkeypatch.setattr(StepwellApp, "exit", lambda self, *given, **named: None)
    before = contents(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        for burst in walk(seed, length, KEYS, without="y"):
            await post(app, burst)
            await take(app, but=AHEAD)
        await settle(pilot, app)
        assert contents(root) == before

    play_over(root, scene)


@pytest.mark.parametrize(
    ("seed", "length"),
    [(3, 700), *(pytest.param(seed, 6_000, marks=pytest.mark.long) for seed in range(20, 30))],
)
def test_only_confirmed_previews_change_the_disk(
    root: Path,
    play_over: Make,
    settle: Make,
    take: Make,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    length: int,
) -> None:
    """With every key: whatever changed was shown first, and applied by its own key."""
    monkeypatch.setattr(StepwellApp, "exit", lambda self, *given, **named: None)
    confirmed: list[object] = []
    carry_out = RestorePreview._carry_out

    def noted(preview: RestorePreview, shown: Any) -> None:
        confirmed.append(shown)
        carry_out(preview, shown)

    monkeypatch.setattr(RestorePreview, "_carry_out", noted)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        known, accounted = contents(root), 0
        for burst in walk(seed, length, [*KEYS, *LEADING * 12]):
            await post(app, burst)
            await take(app, but=0 if isinstance(app.screen, RestorePreview) else AHEAD)
            is_quiet, now = app.idle, contents(root)
            assert now == known or len(confirmed) > accounted
            if is_quiet:
                accounted = len(confirmed)
            known = now
        await settle(pilot, app)
        assert confirmed

    play_over(root, scene)


def test_every_screen_above_is_left_once() -> None:
    """Keys that are on their way when a screen is left close nothing else."""
    for path in (Path(screens.__file__).parent).glob("*.py"):
        module = import_module(f"{screens.__name__}.{path.stem}")
        for found in vars(module).values():
            if (
                isinstance(found, type)
                and issubclass(found, Screen)
                and found not in (Screen, ModalScreen)
            ):
                assert issubclass(found, Above | Openers), found
