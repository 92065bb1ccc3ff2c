"""The `:` line, the sessions and the figures over a real workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from stepwell.store import Workspace
from stepwell.store.engine.meters import Meters
from stepwell.store.engine.recording import Act
from stepwell.store.model.steps import StepResult
from stepwell.store.state.meterfile import FOLDER
from stepwell.store.state.persistence import MemoryPersistence
from stepwell.tui.app import StepwellApp
from stepwell.tui.look.glyphs import ASCII, UTF8
from stepwell.tui.screens.commanding import CommandScreen, TextLines
from stepwell.tui.screens.main import MainScreen
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.screens.sessions import SessionList
from stepwell.tui.widgets.footer import Footer

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with two sessions, one of which failed once."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        ws.record(act=Act("plant \x1b[31ma tree", "prompt", session="claude:1"))
        (folder / "soil.py").write_text("DEPTH = 1\n")
        ws.record(act=Act("dig", "tool", session="claude:1", tool="edit"))
        failed = StepResult(False, 1)
        ws.record(act=Act("pytest", "tool", session="claude:1", tool="bash", result=failed))
        (folder / "soil.py").write_text("DEPTH = 2\n")
        ws.record(act=Act("deeper", "tool", session="pi:2", tool="edit"))
    return folder


def typed(text: str) -> list[str]:
    named = {" ": "space", ":": "colon", "@": "at", "~": "tilde", "#": "number_sign"}
    return [named.get(sign, sign) for sign in text]


def said(app: StepwellApp) -> str:
    assert isinstance(app.screen, CommandScreen)
    return "\n".join(line for line, _ in app.screen.query_one(TextLines).lines)


def test_a_reading_command_shows_its_text(root: Path, play_over: Make, until: Make) -> None:
    """As the command line prints it; tab completes, up brings the line back, errors are shown."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon", *typed("lo"), "tab", *typed("-n 2"), "enter")
        await until(lambda: "deeper" in said(app) and "pytest" in said(app))
        await pilot.press("up")
        assert app.screen.query_one("#command-entry").value == "log -n 2"
        await pilot.press("ctrl+u", *typed("show nowhere"), "enter")
        await until(lambda: "stepwell: " in said(app))
        await pilot.press("ctrl+u", *typed("gc"), "enter")
        await pilot.pause()
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)

    play_over(root, scene)


def test_what_changes_files_opens_the_preview(root: Path, play_over: Make, until: Make) -> None:
    """Nothing is changed by the line itself."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon", *typed("rollback @~1"), "enter")
        await until(lambda: isinstance(app.screen, RestorePreview) and app.gateway.idle)
        await pilot.press("escape")
        assert (root / "soil.py").read_text() == "DEPTH = 2\n"

    play_over(root, scene)


def test_a_snapshot_is_taken_and_listed(
    root: Path, play_over: Make, until: Make, settle: Make
) -> None:
    """`session snapshot` records, with what is said of it; `snapshots` lists what is marked in the session."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon", *typed("session snapshot good"), "enter")
        await until(lambda: "#6" in said(app))
        await pilot.press(*typed("session metrics"), "enter")
        await until(lambda: "claude:1" in said(app) and "accessed" in said(app))
        await pilot.press(*typed("session snapshots"), "enter")
        await until(lambda: app.main.timeline.filtered and app.gateway.idle)
        await settle(pilot, app)
        assert app.main.timeline.count == 2
        snapshot = app.main.timeline.selected
        assert snapshot.checkpoint.notes[0].text == "good" and "snapshot" in snapshot.flags

    play_over(root, scene)


def test_sessions_are_listed_and_lead_to_their_steps(
    root: Path, play_over: Make, until: Make, settle: Make, screen_text: Make
) -> None:
    """The newest first, with prompt, steps and failures; hostile text is only text."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("s")
        await until(lambda: app.screen.query_one(SessionList).count == 2)
        await pilot.pause()
        rows = [row for row in screen_text(app) if " step" in row]
        assert "pi:2" in rows[0] and "1 step " in rows[0]
        assert "claude:1" in rows[1] and "3 steps" in rows[1] and "✗ 1" in rows[1]
        assert "plant \\x1b[31ma tree" in rows[1]
        await pilot.press("j", "enter")
        await until(lambda: app.main.timeline.filtered and app.gateway.idle)
        await settle(pilot, app)
        assert app.main.timeline.count == 4

    play_over(root, scene)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
@pytest.mark.parametrize("top", ["█", "@"])
def test_growth_and_latency_are_drawn(
    root: Path,
    tmp_path: Path,
    play_over: Make,
    until: Make,
    screen_text: Make,
    size: tuple[int, int],
    top: str,
) -> None:
    """Steps and bytes by time, and how long the last daemon took to record; in ASCII, too."""
    with Workspace.open(root, home=tmp_path / "home") as ws:
        meters = Meters()
        for took_us in (900, 2000, 4000):
            meters.note("record", took_us)
        with MemoryPersistence(meters, ws.store / FOLDER, handle_signals=False) as kept:
            assert kept.save()

    def row(app: StepwellApp, name: str) -> str:
        return next((one for one in screen_text(app) if one.strip("▌|> ").startswith(name)), "")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("I")
        await until(lambda: top in row(app, "record"))
        assert "2.0 ms" in row(app, "record")
        assert top in row(app, "steps") and top in row(app, "as written")
        assert max(map(len, screen_text(app))) <= size[0]

    play_over(root, scene, size, glyphs=ASCII if top == "@" else UTF8)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_figures_are_shown_with_their_growth(
    root: Path, play_over: Make, until: Make, screen_text: Make, size: tuple[int, int]
) -> None:
    """Counts, sizes with bars, and the curve of steps."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("I")
        await until(lambda: any("whole store" in row and "█" in row for row in screen_text(app)))
        rows = screen_text(app)
        assert any(row.strip("▌ ").split()[:2] == ["steps", "5"] for row in rows)
        await pilot.press("G", "escape")
        assert isinstance(app.screen, MainScreen)

    play_over(root, scene, size)


def test_figures_warn_before_the_size_limit(
    root: Path,
    play_over: Make,
    until: Make,
    screen_text: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tiers are told, and what will run short."""
    config = tmp_path / "settings.toml"
    config.write_text('[retention]\nmax_size = "1 kB"\n')
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("I")
        await until(lambda: any("of its size limit" in row for row in screen_text(app)))
        assert any("tier L2" in row for row in screen_text(app))

    play_over(root, scene, (200, 60))


def send(app: StepwellApp, text: str) -> None:
    """Sends keys as a terminal does that has them all at once."""
    keys = {" ": "space", "\r": "enter", "\t": "tab", "\x13": "ctrl+s"}
    for sign in text:
        app.post_message(events.Key(keys.get(sign, sign), sign if sign.isprintable() else None))


def test_a_line_and_its_enter_may_come_at_once(root: Path, play_over: Make, settle: Make) -> None:
    """A key of the screen overtakes those of the entry; it waits for them."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        await settle(pilot, app)
        send(app, "frobnicate x\r")
        await settle(pilot, app)
        assert "frobnicate" in app.screen.query_one(Footer).sentence
        await pilot.press("ctrl+u")
        send(app, "statu\t")
        await settle(pilot, app)
        assert app.screen.query_one(Input).value == "status "

    play_over(root, scene)


def test_a_note_and_its_ctrl_s_may_come_at_once(root: Path, play_over: Make, settle: Make) -> None:
    """Nothing of it is lost."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "a")
        await settle(pilot, app)
        send(app, "xyz\x13")
        await settle(pilot, app)

    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        (note,) = [n for mark in ws.view().marks.values() for n in mark.notes]
    assert note.text == "xyz"
