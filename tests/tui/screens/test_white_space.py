"""Changes of white space left out of the diff, over a real workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp

Make = Callable[..., Any]


def test_white_space_is_left_out_and_comes_back(
    tmp_path: Path, play_over: Make, screen_text: Make, until: Make
) -> None:
    """`W`; hunks cannot be picked meanwhile, and a restore's preview shows all of it."""
    root = tmp_path / "orchard"
    root.mkdir()
    (root / "a.py").write_text("if ripe:\n    pick()\n")
    (root / "b.py").write_text("one\ntwo\n")
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        (root / "a.py").write_text("if ripe:\n  pick()\n")
        (root / "b.py").write_text("  one\n2\n")
        workspace.capture("indent anew")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        def shown() -> str:
            return "\n".join(screen_text(app))

        await until(lambda: "-     pick()" in shown())
        await pilot.press("3", "W")
        await until(lambda: "only white space differs" in shown())
        assert "pick()" not in shown() and "- two" in shown() and "without white space" in shown()
        await pilot.press("G", "space")
        await until(lambda: "W shows that" in shown())
        await pilot.press("r")
        await until(lambda: "W shows that" in shown())
        assert app.screen is app.main
        await pilot.press("1", "j", "r")
        await until(lambda: "-   pick()" in shown() and "+     pick()" in shown())
        await pilot.press("tab", "W")
        await until(lambda: "shows what would change as it is" in shown())
        await pilot.press("escape", "k", "3", "W")
        await until(lambda: "-     pick()" in shown())

    play_over(root, scene)
