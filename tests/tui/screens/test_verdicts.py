"""What rules found, on the screen: in the header, as a list, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Act, Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.look.glyphs import UTF8
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.screens.verdicts import AboutLines, VerdictsScreen

Make = Callable[..., Any]

RULES = "[rules]\nmode = '{mode}'\n[rules.tests]\nrun = 'sh check.sh'\n"
CHECK = """\
grep -q GOOD state && echo "6 passed in 0.10s" && exit 0
echo "=== short test summary info ==="
echo "FAILED tests/a.py::test_water"
echo "FAILED tests/b.py::test_sun"
echo "2 failed, 4 passed in 0.10s"
exit 1
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A workspace in which an agent broke the tests and a rule looked, in a mode."""

    def make(mode: str) -> Path:
        monkeypatch.setenv("STEPWELL_CONFIG", str(tmp_path / "config.toml"))
        root = tmp_path / "garden"
        root.mkdir()
        (tmp_path / "config.toml").write_text(RULES.format(mode=mode))
        (root / "check.sh").write_text(CHECK)
        with Workspace.init(root, home=tmp_path / "home") as ws:
            for title, text in (("plant", "GOOD"), ("dig", "bad"), ("water", "bad too")):
                (root / "state").write_text(text + "\n")
                ws.record(act=Act(title, "tool", session="claude:1", tool="Edit"))
            ws.check()
        return root

    return make


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
def test_the_suggestion_is_told_with_tests_and_step_and_leads_back(
    broken: Callable[[str], Path], play_over: Make, settle: Make, screen_text: Make, size: Any
) -> None:
    """The header says so; `V` says what, since when; `r` previews, `y` goes back, `u` undoes."""
    root = broken("suggest")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "✗ tests: 2 of 6 tests fail" in screen_text(app)[0]
        await pilot.press("V")
        await settle(pilot, app)
        assert isinstance(app.screen, VerdictsScreen)
        text = "\n".join(screen_text(app))
        for wanted in ("since #3", "failed: tests/a.py::test_water", "changed there: state"):
            assert wanted in text
        assert "#2 was well: r previews going back to it" in text
        await pilot.press("r")
        await settle(pilot, app)
        assert isinstance(app.screen, RestorePreview)
        assert (root / "state").read_text() == "bad too\n"
        await pilot.press("y")
        await settle(pilot, app)
        assert (root / "state").read_text() == "GOOD\n"
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene, size=size)
    assert (root / "state").read_text() == "bad too\n"


def test_what_went_back_by_itself_is_told_and_taken_back(
    broken: Callable[[str], Path], play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`u` is the last word; enter shows the step that brought it about."""
    root = broken("auto")
    assert (root / "state").read_text() == "GOOD\n"

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "tests: went back" in screen_text(app)[0]
        await pilot.press("V", "r")
        await settle(pilot, app)
        assert "it went back there already" in "\n".join(screen_text(app))
        await pilot.press("enter")
        await settle(pilot, app)
        selected = app.main.timeline.selected
        assert app.screen is app.main and selected is not None and selected.title == "dig"
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert (root / "state").read_text() == "bad too\n"


def test_a_bisection_runs_from_the_command_line_of_the_screen(
    broken: Callable[[str], Path], play_over: Make, settle: Make, screen_text: Make
) -> None:
    """It writes nothing, and names the step."""
    root = broken("suggest")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        for sign in "bisect --good #2 --bad @ -- sh check.sh":
            await pilot.press({" ": "space", "#": "number_sign", "@": "at"}.get(sign, sign))
        await pilot.press("enter")
        await settle(pilot, app)
        assert "the first bad step is #3" in "\n".join(screen_text(app))

    play_over(root, scene)


def test_what_was_found_ends_before_the_scrollbar(play: Make, memory: Make, chain: Make) -> None:
    """Words that are longer than a line are broken, and none of their letters is hidden."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        about = AboutLines(UTF8)
        await app.screen.mount(about)
        await pilot.pause()
        about.show([("word" * 60, "text")] * 40)
        await pilot.pause()
        assert about.show_vertical_scrollbar
        first = "".join(part.text for part in about.draw_row(0, about.row_width))
        assert 20 < len(first) <= about.row_width

    play(memory(chain(3)), scene)
