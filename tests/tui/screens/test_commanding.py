"""The `:` line, the sessions and the figures over a real workspace."""

from __future__ import annotations

import os
import time
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
from stepwell.tui.feed.commands import Ending
from stepwell.tui.feed.memory import Keeper
from stepwell.tui.look.glyphs import ASCII, UTF8
from stepwell.tui.messages import CommandTold
from stepwell.tui.screens.agreeing import AgreeByKey, AgreeByWord
from stepwell.tui.screens.commanding import CommandScreen, TextLines
from stepwell.tui.screens.main import MainScreen
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.screens.sessions import SessionList
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.sentence import Sentence
from stepwell.tui.widgets.steplines import StepLines

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
    named = {
        " ": "space", ":": "colon", "@": "at", "~": "tilde", "#": "number_sign", "-": "minus",
        "=": "equals_sign", "'": "apostrophe", "/": "slash", ".": "full_stop", "_": "underscore",
    }  # fmt: skip
    return [named.get(sign, sign) for sign in text]


async def run_line(pilot: Pilot[int], app: StepwellApp, line: str) -> None:
    """Puts a line into the entry, as if pasted, and runs it."""
    if not isinstance(app.screen, CommandScreen):
        await pilot.press("colon")
    app.screen.query_one(Input).value = line
    await pilot.press("enter")


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
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)

    play_over(root, scene)


def test_a_line_that_makes_no_sense_stays_to_be_mended(
    root: Path, play_over: Make, until: Make, settle: Make
) -> None:
    """With what is wrong and a hint above it, in full on a narrow screen."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon", *typed("rollback"), "enter")
        await until(lambda: "hint: see stepwell rollback --help" in said(app))
        await settle(pilot, app)
        assert app.screen.query_one(Input).value == "rollback"
        await pilot.press(*typed(" @~1 --no-such-option-at-all-" + "x" * 60), "enter")
        await until(lambda: said(app).count("hint: ") == 2)
        wide = app.screen.query_one(TextLines).row_width
        assert all(len(line) <= wide for line in said(app).split("\n"))

    play_over(root, scene, (80, 24))


@pytest.mark.parametrize(
    ("line", "headline"),
    [
        ("rollback @~2", "Put 1 file back"),
        ("rollback @~2 --path soil.py", "Put 1 file back"),
        ("rollback @~2 --files-only", "Put 1 file back"),
        ("switch other", "Switch to branch other"),
        ("merge other", "Merge branch other"),
        ("undo", "Undo: "),
        ("session restore pi:2 @~2", ""),
    ],
)
def test_what_changes_files_opens_the_preview(
    root: Path, line: str, headline: str, play_over: Make, until: Make, screen_text: Make
) -> None:
    """Nothing is changed by the line itself, whatever its options."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("other", at="@~2")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await run_line(pilot, app, line)
        await until(lambda: isinstance(app.screen, RestorePreview) and app.gateway.idle)
        await until(lambda: any(headline in row for row in screen_text(app)))
        await pilot.press("enter", "escape", "escape")
        assert (root / "soil.py").read_text() == "DEPTH = 2\n"

    play_over(root, scene)


def test_a_partial_rollback_is_done_by_the_previews_own_key(
    root: Path, play_over: Make, until: Make
) -> None:
    """As its options say, and `undo` takes it back; neither option gets round the preview."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        line = "rollback @~2 --path soil.py --yes --force"
        await run_line(pilot, app, line)
        await until(lambda: isinstance(app.screen, RestorePreview) and app.gateway.idle)
        await pilot.press("y")
        await pilot.pause()
        assert (root / "soil.py").read_text() == "DEPTH = 2\n"
        await pilot.press("A", "y")
        await until(lambda: (root / "soil.py").read_text() == "DEPTH = 1\n")
        await until(lambda: isinstance(app.screen, MainScreen) and app.gateway.idle)
        await run_line(pilot, app, "undo")
        await until(lambda: isinstance(app.screen, RestorePreview) and app.gateway.idle)
        await pilot.press("y")
        await until(lambda: (root / "soil.py").read_text() == "DEPTH = 2\n")
        await until(lambda: isinstance(app.screen, MainScreen))

    play_over(root, scene)


def test_small_changes_are_done_and_say_how_to_take_them_back(
    root: Path, play_over: Make, until: Make
) -> None:
    """Marks, branches and captures; the timeline has them at once."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await run_line(pilot, app, "mark @ --tag slow --label green")
        await until(lambda: "take it back: stepwell undo" in said(app))
        await run_line(pilot, app, "branch create aside")
        await until(lambda: "made aside" in said(app))
        (root / "soil.py").write_text("DEPTH = 3\n")
        await run_line(pilot, app, "capture -m dug")
        await until(lambda: "captured #6 " in said(app) and app.gateway.idle)
        await pilot.press("escape")
        await until(lambda: app.main.timeline.count == 7)

    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert ws.get_step("green").checkpoint.tags == ("slow",)
        assert {"main", "aside"} == set(ws.view().branches)


def test_what_takes_something_away_asks_first(root: Path, play_over: Make, until: Make) -> None:
    """Enter and esc do nothing, `y` does; where nothing would go nothing is asked."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await run_line(pilot, app, "prune")
        await until(lambda: "nothing was changed" in said(app).split("\n")[-1])
        assert "nothing to drop" in said(app) and isinstance(app.screen, CommandScreen)
        await run_line(pilot, app, "branch delete other")
        await until(lambda: isinstance(app.screen, AgreeByKey))
        await pilot.press("enter", "escape")
        await until(lambda: "nothing was changed" in said(app).split("\n")[-1])
        await run_line(pilot, app, "branch delete other")
        await until(lambda: isinstance(app.screen, AgreeByKey) and app.screen.rested)
        await pilot.press("y")
        await until(lambda: "deleted other" in said(app))

    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("other", at="@~2")
    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert set(ws.view().branches) == {"main"}


async def type_meanwhile(pilot: Pilot[int], app: StepwellApp, line: str, told: Any) -> Input:
    """Runs a line and types `log y` before it leads on; `told` waits until it says that it would."""
    await pilot.press("colon")
    screen, entry = app.screen, app.screen.query_one(Input)
    assert isinstance(screen, CommandScreen)
    entry.value = line
    screen.action_run_line()
    entry.value, entry.cursor_position = "log ", 4
    await told()
    await pilot.press("y")
    await pilot.pause()
    assert app.screen is screen and entry.value == "log y"
    await pilot.press("enter")
    return entry


def test_a_preview_waits_while_something_is_typed(root: Path, play_over: Make, until: Make) -> None:
    """A `y` of other text must not fall into it: enter brings it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        first = "rollback shows its plan first: enter opens it"
        await type_meanwhile(pilot, app, "rollback @~1", lambda: until(lambda: first in said(app)))
        await until(lambda: isinstance(app.screen, RestorePreview))

    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert not any(row.operation.kind == "rollback" for row in ws.operations(50))


def test_a_question_waits_while_something_is_typed(
    root: Path, play_over: Make, until: Make
) -> None:
    """It is said that there is one; enter brings it, and what was typed stays."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        first = "branch asks first: take the branch's name away"
        line = "branch delete other"
        entry = await type_meanwhile(pilot, app, line, lambda: until(lambda: first in said(app)))
        await until(lambda: isinstance(app.screen, AgreeByKey))
        await pilot.press("escape")
        await until(lambda: "nothing was changed" in said(app).split("\n")[-1])
        assert entry.value == "log y"
        await pilot.press("backspace", *typed("-n 1"), "enter")
        await until(lambda: "deeper" in said(app))

    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("other", at="@~2")
    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert set(ws.view().branches) == {"main", "other"}


def test_a_key_that_comes_too_soon_agrees_to_nothing(
    root: Path, play_over: Make, until: Make, settle: Make
) -> None:
    """It belongs to something else; so does one right behind any other key."""
    now = [time.time_ns()]

    def branches() -> set[str]:
        with Workspace.open(root, home=root.parent / "home") as ws:
            return set(ws.view().branches)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await run_line(pilot, app, "branch delete other")
        await until(lambda: isinstance(app.screen, AgreeByKey))
        await settle(pilot, app)
        await pilot.press("y")
        now[0] += 10**10
        await pilot.press("x", "y", "y")
        await settle(pilot, app)
        assert isinstance(app.screen, AgreeByKey) and branches() == {"main", "other"}
        assert "too soon" in app.screen.query_one("#form-error", Sentence).plain
        now[0] += 10**10
        await pilot.press("y")
        await until(lambda: "deleted other" in said(app))

    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("other", at="@~2")
    play_over(root, scene, clock=lambda: now[0])
    assert branches() == {"main"}


@pytest.mark.parametrize(
    ("line", "shown", "word", "done"),
    [
        ("gc", "", "remove", "sealed 5 steps"),
        ("state delete --session s", "would delete 1 snapshot:", "delete", "deleted 1 snapshot"),
        ("purge soil.py", "would remove for good", "purge", "there is no undo"),
    ],
)
def test_what_nothing_brings_back_asks_for_a_word(
    root: Path,
    line: str,
    shown: str,
    word: str,
    done: str,
    play_over: Make,
    until: Make,
    screen_text: Make,
) -> None:
    """No single key agrees to it; what would go stays in sight above the question."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await run_line(pilot, app, "help")
        await until(lambda: "usage: stepwell" in said(app))
        await run_line(pilot, app, "state put soil.json --session s")
        await until(lambda: "soil.json" in said(app) and app.gateway.idle)
        await run_line(pilot, app, line)
        await until(lambda: isinstance(app.screen, AgreeByWord))
        await until(lambda: any(shown in row for row in screen_text(app)))
        told = " ".join(" ".join(screen_text(app)).replace("│", " ").split())
        assert app.screen.query_one("#form-title", Sentence).plain in told
        await pilot.press("y", "enter", "ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, AgreeByWord)
        await pilot.press("backspace", *typed(word), "enter")
        await until(lambda: isinstance(app.screen, CommandScreen) and done in said(app))

    (root / "soil.json").write_text("{}")
    play_over(root, scene, (80, 24))


def test_what_needs_a_terminal_is_left_to_a_shell(root: Path, play_over: Make, until: Make) -> None:
    """With the reason; the line stays."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        for line, why in (("serve", "would hold this screen"), ("install claude", "of an agent")):
            await run_line(pilot, app, line)
            await until(lambda why=why: why in said(app))
            assert "is for a shell" in said(app)
            await pilot.press("escape")

    play_over(root, scene)


def test_a_bisection_is_ended_by_esc(
    root: Path, tmp_path: Path, play_over: Make, until: Make
) -> None:
    """What it runs is ended with it, and the next command can be run."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        pid = tmp_path / "pid"
        (tmp_path / "slow.sh").write_text(f"echo $$ > {pid}.new && mv {pid}.new {pid}\nsleep 600\n")
        await run_line(pilot, app, f"bisect --good @~3 -- sh {tmp_path}/slow.sh")
        await until(pid.exists)
        await pilot.press("escape")
        await until(lambda: "stopped" in said(app).split("\n")[-1])
        await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())
        await run_line(pilot, app, "log -n 1")
        await until(lambda: "deeper" in said(app))
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)

    play_over(root, scene)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_leaving_ends_what_a_bisection_runs(
    root: Path, tmp_path: Path, is_stopped: bool, play_over: Make, until: Make
) -> None:
    """While it runs, and right behind the esc that ends it: nothing goes on without the timeline."""
    pid = tmp_path / "pid"

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        (tmp_path / "slow.sh").write_text(f"echo $$ > {pid}.new && mv {pid}.new {pid}\nsleep 600\n")
        await run_line(pilot, app, f"bisect --good @~3 -- sh {tmp_path}/slow.sh")
        await until(pid.exists)
        if is_stopped:
            app.gateway.commands.stop()

    play_over(root, scene)
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (Ending("gc", 130, wrote=True, stopped=True, is_final=True), "gc may be done in part"),
        (Ending("capture", 130, wrote=True, stopped=True), "nothing that was recorded is lost"),
        (Ending("log", 130, stopped=True), "stopped"),
    ],
)
def test_what_a_stopped_command_left_is_said_as_it_is(
    root: Path, ending: Ending, sentence: str, play_over: Make, until: Make
) -> None:
    """Of what takes something away for good nobody says that all is there."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        app.screen.post_message(CommandTold(0, ending))
        await until(lambda: sentence in said(app))
        assert ("is lost" in said(app)) is ("is lost" in sentence)

    play_over(root, scene)


def test_a_writing_command_ends_in_good_order(
    root: Path, tmp_path: Path, play_over: Make, until: Make
) -> None:
    """Esc has it end; another line waits for that; left alone, its end is told on the main screen."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        ready = tmp_path / "ready"
        (tmp_path / "slow.sh").write_text(f"touch {ready}\nsleep 600\n")
        line = f"experiment run x --try 'a=sh {tmp_path}/slow.sh'"
        await run_line(pilot, app, line)
        await until(ready.exists)
        await run_line(pilot, app, "gc")
        await pilot.pause()
        assert "experiment is still running" in app.screen.query_one(Footer).sentence
        send(app, "\x1b\x1b")
        await until(lambda: isinstance(app.screen, MainScreen) and not app.gateway.commands.busy)
        await until(lambda: "experiment: stopped" in app.main.footer.sentence)

    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert ws.verify().ok and not ws.view().intent


def test_names_are_completed(root: Path, play_over: Make, until: Make) -> None:
    """Branches, tags, sessions; where there are several ways, the footer tells them."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        await until(lambda: app.gateway.idle and app.screen.query_one(Input))
        await pilot.pause()
        await pilot.press(*typed("sw"), "tab", *typed("oth"), "tab")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "switch other-"
        await pilot.press("tab")
        await pilot.pause()
        assert "other-one  other-two" in app.screen.query_one(Footer).sentence
        await pilot.press("ctrl+u", *typed("log --session c"), "tab")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "log --session claude:1 "

    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("other-one")
        ws.create_branch("other-two")
    play_over(root, scene)


HOSTILE = (
    "show '\x1b]0;owned\x07'",
    "mark @ --note '[bold]\x1b[2J\u202e'",
    "branch create '\x1b[31mred'",
    "rollback '$(touch pwned)'",
    "capture -m '; touch pwned'",
    'search "\'; drop table"',
    "log -- '--yes'",
    "cat @:../../etc/passwd",
    "export ../../../proc/nowhere/x",
    "state put /dev/null",
    "\ud800",
    "x" * 5_000,
)


@pytest.mark.parametrize("line", HOSTILE)
def test_hostile_lines_are_only_text(
    root: Path, line: str, play_over: Make, until: Make, screen_text: Make
) -> None:
    """Whatever is pasted: no shell sees it, no sequence of it is drawn, nothing breaks."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        await until(lambda: isinstance(app.screen, CommandScreen))
        app.screen.query_one(Input).value = line
        await pilot.press("enter")
        await until(lambda: len(said(app).split("\n")) > 5 and not app.gateway.commands.busy)
        await pilot.pause()
        assert not any(sign in row for row in screen_text(app) for sign in "\x1b\x07\u202e")
        assert not any(sign in said(app) for sign in "\x1b\x07\u202e")
        await pilot.press("escape")

    play_over(root, scene)
    assert sorted(path.name for path in root.iterdir()) == ["soil.py"]


def test_lines_are_remembered(root: Path, play_over: Make, until: Make) -> None:
    """From one start to the next; one that cannot be kept is run all the same."""
    keeper = Keeper(root.parent / "home", os.fsencode(root))
    in_the_way = root.parent / "home" / "screen"

    async def first(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon", *typed("log -n 1"), "enter")
        await until(lambda: "deeper" in said(app))
        keeper.keep(app.main.memory())
        in_the_way.rename(root.parent / "aside")
        in_the_way.write_bytes(b"")
        await pilot.press(*typed("operations"), "enter")
        await until(lambda: "cannot be kept" in said(app) and "first capture" in said(app))
        in_the_way.unlink()
        (root.parent / "aside").rename(in_the_way)

    async def second(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon", "up")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "log -n 1"

    play_over(root, first, keep_line=keeper.keep_line)
    play_over(root, second, memory=keeper.recall())


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


def test_snapshots_in_a_row_are_all_taken(root: Path, play_over: Make, until: Make) -> None:
    """In their order, even where the line is left at once; the main screen says so."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        screen, entry = app.screen, app.screen.query_one(Input)
        assert isinstance(screen, CommandScreen)
        for name in ("one", "two", "three"):
            entry.value = f"session snapshot {name}"
            screen.action_run_line()
        screen.dismiss(None)
        await until(lambda: "snapshot #8" in app.main.footer.sentence)

    play_over(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        taken = [ws.view().marks[step.id] for step in ws.steps(limit=3)]
        assert [mark.notes[0].text for mark in taken] == ["three", "two", "one"]


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
        await pilot.press("j")
        steps = app.screen.query_one(StepLines)
        await until(lambda: len(steps.steps) == 3)
        assert {step.session for step in steps.steps} == {"claude:1"}
        await pilot.press("enter")
        await until(lambda: app.main.timeline.filtered and app.gateway.idle)
        await settle(pilot, app)
        assert app.main.timeline.count == 4

    play_over(root, scene)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
@pytest.mark.parametrize("top", ["█", "#"])
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

    play_over(root, scene, size, glyphs=ASCII if top == "#" else UTF8)


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
    keys = {" ": "space", "\r": "enter", "\t": "tab", "\x13": "ctrl+s", "\x1b": "escape"}
    for sign in text:
        app.post_message(events.Key(keys.get(sign, sign), sign if sign.isprintable() else None))


def test_a_line_and_its_enter_may_come_at_once(root: Path, play_over: Make, settle: Make) -> None:
    """A key of the screen overtakes those of the entry; it waits for them."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("colon")
        await settle(pilot, app)
        send(app, "frobnicate x\r")
        await settle(pilot, app)
        assert "frobnicate is no command" in said(app)
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
