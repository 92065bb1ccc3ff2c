"""A diff that takes long to read: its first files are shown while the others come."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from stepwell.store.model.steps import ChangeCounts
from stepwell.tui import gateway
from stepwell.tui.app import StepwellApp
from stepwell.tui.values import Change

Make = Callable[..., Any]


@pytest.fixture
def slow(memory: Make, chain: Make, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A history whose every second file is read only when `go_on` is set."""
    monkeypatch.setattr(gateway, "_PATIENCE_S", -1.0)
    source = memory(chain(5, changes=ChangeCounts(files=1_000)))
    source.go_on = Event()

    whole = source.with_lines

    def with_lines(change: Change, **_: Any) -> Change:
        if change.path.endswith(b"soil.py"):
            assert source.go_on.wait(30)
        return cast(Change, whole(change))

    monkeypatch.setattr(source, "with_lines", with_lines)
    return source


def test_the_first_files_are_shown_while_others_are_read(
    slow: Any, play: Make, until: Make, screen_text: Make
) -> None:
    """The reader's place stays when the rest comes."""

    def shown(app: StepwellApp) -> str:
        return "\n".join(screen_text(app))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j")
        await until(lambda: "being read" in shown(app))
        assert "def plant" in shown(app)
        assert "its lines are being read" in shown(app) and "DEPTH" not in shown(app)
        await pilot.press("3", "j", "j")
        slow.go_on.set()
        await until(lambda: "DEPTH = 4" in shown(app))
        assert "being read" not in shown(app)
        assert app.main.diff.row(app.main.diff.cursor).text == "    return 'tree'"

    slow.go_on.set()
    play_once(play, slow, scene)


def found(app: StepwellApp) -> tuple[str, int] | None:
    """What is searched for, and how often it was found; None: it is still looked for."""
    search = app.main._finding.search if app.main._finding is not None else None
    return (search.needle, len(search._hits)) if search is not None and search._done else None


def test_lines_that_come_late_are_searched(
    slow: Any, play: Make, until: Make, screen_text: Make
) -> None:
    """Nothing was found before; the cursor stays until somebody goes on."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        diff = app.main.diff
        await pilot.press("j")
        await until(lambda: any("being read" in line for line in screen_text(app)))
        await pilot.press("3", "slash", *"DEPTH")
        await until(lambda: found(app) == ("DEPTH", 0))
        begun = diff.here
        slow.go_on.set()
        await until(lambda: found(app) == ("DEPTH", 1))
        assert diff.here == begun
        await pilot.press("enter", "n")
        await until(lambda: diff.row(diff.here).text == "DEPTH = 4")

    slow.go_on.set()
    play_once(play, slow, scene)


def play_once(play: Make, slow: Any, scene: Any) -> None:
    async def begin(pilot: Pilot[int], app: StepwellApp) -> None:
        slow.go_on.clear()
        await scene(pilot, app)

    play(slow, begin, (120, 36))


def test_moving_on_ends_the_reading(slow: Any, play: Make, until: Make, screen_text: Make) -> None:
    """What nobody looks at any more is neither shown nor kept."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j")
        await until(lambda: any("being read" in line for line in screen_text(app)))
        await pilot.press("j")
        slow.go_on.set()
        await until(lambda: any("DEPTH = 3" in line for line in screen_text(app)))
        assert all("being read" not in line for line in screen_text(app))

    slow.go_on.set()
    play_once(play, slow, scene)
