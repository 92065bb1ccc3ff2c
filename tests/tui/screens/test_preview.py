"""The restore preview over a real workspace: what it shows is what happens on disk."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.daemons import daemon_thread
from textual.pilot import Pilot

from stepwell.store.workspace import Workspace
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import open_workspace
from stepwell.tui.screens.main import MainScreen
from stepwell.tui.screens.operations import OperationsScreen
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.values import escape, printable
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.planlist import PlanList
from stepwell.tui.widgets.sentence import Sentence

Scene = Callable[[Pilot[int], StepwellApp], Awaitable[None]]
NARROW, WIDE = (80, 24), (120, 36)


async def until(condition: Callable[[], bool], deadline_s: float = 20.0) -> None:
    for _ in range(int(deadline_s / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition did not come to hold in time")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with three steps: made, changed (with a new file), changed again."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    write(folder, "a.py", "def f():\n    return 1\n")
    write(folder, "docs/b.md", "# Title\n\ntext\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        write(folder, "a.py", "def f():\n    return 2\n")
        write(folder, "new.txt", "brand new\n")
        ws.capture("second thoughts")
        write(folder, "a.py", "def f():\n    return 3\n")
        (folder / "docs/b.md").unlink()
        ws.capture("third thoughts")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def play(root: Path, scene: Scene, size: tuple[int, int] = NARROW) -> None:
    async def whole() -> None:
        opened = open_workspace(root, root.parent / "home")
        app = StepwellApp(opened, Settings(poll_s=0, tick_s=0, rest_s=0.001))
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.main.timeline.loaded)
            await idle(pilot, app)
            await scene(pilot, app)

    asyncio.run(whole())


async def idle(pilot: Pilot[int], app: StepwellApp) -> None:
    for _ in range(2):
        await pilot.pause()
        await until(lambda: app.gateway.idle)
    await pilot.pause()


async def open_preview(pilot: Pilot[int], app: StepwellApp, *keys: str) -> RestorePreview:
    for key in keys:
        await pilot.press(key)
    await until(lambda: isinstance(app.screen, RestorePreview) and app.screen.is_mounted)
    await idle(pilot, app)
    screen = app.screen
    assert isinstance(screen, RestorePreview)
    return screen


async def select(pilot: Pilot[int], app: StepwellApp, seq: int) -> None:
    """Moves to the step with that number, by keys."""
    timeline = app.main.timeline
    await pilot.press(*["j"] * (timeline.count - seq - timeline.cursor))
    await idle(pilot, app)
    assert app.main.timeline.selected_seq == seq


def said(screen: RestorePreview, part: str) -> str:
    return screen.query_one(f"#preview-{part}", Sentence).plain


def plan_lines(screen: RestorePreview) -> list[str]:
    plan = screen.query_one(PlanList)
    width = plan.row_width
    return ["".join(s.text for s in plan.draw_row(i, width)).rstrip() for i in range(plan.count)]


async def back_on_main(pilot: Pilot[int], app: StepwellApp) -> None:
    await until(lambda: isinstance(app.screen, MainScreen))
    await idle(pilot, app)


def test_r_shows_what_would_change_and_changes_nothing(root: Path) -> None:
    """The title names step and side; every file is listed; the disk stays as it is."""
    before = tree(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        assert said(preview, "headline").startswith("Put 3 files back to how they were AFTER #1 ")
        assert [line.split()[:3] for line in plan_lines(preview)] == [
            ["[✓]", "M", "a.py"], ["[✓]", "A", "docs/b.md"], ["[✓]", "D", "new.txt"],
        ]  # fmt: skip
        assert said(preview, "promise") == (
            "Before anything changes, your disk is saved as a step. u takes it back."
        )
        assert preview.query_one(PlanList).has_focus
        for key in ("r", "enter", "space", "space", "u", "n", "d"):
            await pilot.press(key)
        await idle(pilot, app)
        assert app.screen is preview
        await pilot.press("escape")
        await back_on_main(pilot, app)

    play(root, scene)
    assert tree(root) == before


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_r_y_u_y_goes_back_and_forth(root: Path, size: tuple[int, int]) -> None:
    """By keys alone: back to the first step, and back again to how it was."""
    now = tree(root)
    seen: dict[str, dict[str, str]] = {}
    footers: list[str] = []

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        await open_preview(pilot, app, "r")
        await pilot.press("y")
        await back_on_main(pilot, app)
        seen["rolled back"] = tree(root)
        footers.append(app.main.footer.sentence)
        undo = await open_preview(pilot, app, "u")
        assert said(undo, "headline").startswith("Undo: put 3 files back as in #")
        await pilot.press("u", "enter")
        seen["undo not confirmed"] = tree(root)
        await pilot.press("y")
        await back_on_main(pilot, app)
        seen["undone"] = tree(root)

    play(root, scene, size)
    first = {"a.py": "def f():\n    return 1\n", "docs/b.md": "# Title\n\ntext\n"}
    assert seen["rolled back"] == seen["undo not confirmed"] == first
    assert seen["undone"] == now
    assert footers[0].startswith("3 files are as they were after #1; disk saved as #")


def test_the_keys_do_the_same_through_a_daemon(root: Path) -> None:
    """Whoever writes, the screen and the disk show the same."""
    with (
        tempfile.TemporaryDirectory(prefix="sw-") as runtime,
        daemon_thread(root, root.parent / "home", Path(runtime)),
    ):
        test_r_y_u_y_goes_back_and_forth(root, WIDE)


def test_drift_needs_a_tick_and_is_saved(root: Path) -> None:
    """Work that is in no step: `y` alone refuses; ticked, it is applied and undo brings it back."""
    write(root, "a.py", "only on disk\n")
    now = tree(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        assert plan_lines(preview)[0].startswith("[?] M a.py")
        assert "!" in plan_lines(preview)[0]
        await pilot.press("y")
        await idle(pilot, app)
        assert said(preview, "promise").startswith("Tick this row first (space)")
        assert tree(root) == now
        await pilot.press("space")
        await pilot.press("y")
        await back_on_main(pilot, app)
        assert tree(root)["a.py"] == "def f():\n    return 1\n"
        await open_preview(pilot, app, "u")
        await pilot.press("y")
        await back_on_main(pilot, app)

    play(root, scene)
    assert tree(root) == now


def test_b_flips_to_the_other_side(root: Path) -> None:
    """Before step 2 is how things were after step 1."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 2)
        preview = await open_preview(pilot, app, "r")
        after = plan_lines(preview)
        assert " AFTER #2 " in said(preview, "headline")
        await pilot.press("b")
        await idle(pilot, app)
        assert " BEFORE #2 " in said(preview, "headline")
        assert plan_lines(preview) != after
        await pilot.press("y")
        await back_on_main(pilot, app)

    play(root, scene)
    assert tree(root) == {"a.py": "def f():\n    return 1\n", "docs/b.md": "# Title\n\ntext\n"}


def test_a_file_that_changes_after_the_preview_is_left_alone(root: Path) -> None:
    """It is not written, it is named with its reason, and everything else is done."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        write(root, "a.py", "written meanwhile\n")
        await pilot.press("y")
        await until(lambda: "Not restored: a.py" in said(preview, "headline"))
        assert "a.py" in plan_lines(preview)[0]
        await pilot.press("escape")
        await back_on_main(pilot, app)

    play(root, scene)
    assert tree(root) == {"a.py": "written meanwhile\n", "docs/b.md": "# Title\n\ntext\n"}


def test_a_step_recorded_meanwhile_voids_the_plan(root: Path) -> None:
    """Another process records a step: the plan is refused and made anew, nothing is changed."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        with Workspace.open(root, home=root.parent / "home") as other:
            write(root, "late.txt", "late\n")
            other.capture("from elsewhere")
        before = tree(root)
        await pilot.press("y")
        await until(lambda: "was recorded since" in said(preview, "promise"))
        await idle(pilot, app)
        assert tree(root) == before
        assert any("late.txt" in line for line in plan_lines(preview))
        await pilot.press("q")
        await back_on_main(pilot, app)

    play(root, scene)


def test_what_else_is_undone_meanwhile_is_told_above_another_redo(root: Path) -> None:
    """Nothing that was not shown is done again; why the preview is another one stays in sight."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.mark(ws.get_step("#1"), label="first")
        ws.mark(ws.head(), note="second")
        ws.undo()

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "U")
        before = said(preview, "headline")
        with Workspace.open(root, home=root.parent / "home") as other:
            other.undo()
        await pilot.press("y")
        await until(lambda: "something else was undone" in said(preview, "promise"))
        await idle(pilot, app)
        assert said(preview, "headline") not in (before, "comparing the disk")
        assert said(preview, "promise") == (
            "redo was not started: something else was undone since the preview. "
            "The disk stays as it is."
        )
        await pilot.press("q")
        await back_on_main(pilot, app)

    play(root, scene)


def test_the_cursor_shows_the_file_in_the_diff(root: Path) -> None:
    """The diff below is the real one, disk to result, of the file under the cursor."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        diff = preview.query_one(DiffView)
        texts = [diff.row(i).kind.value + diff.row(i).text for i in range(diff.count)]
        assert "-    return 3" in texts and "+    return 1" in texts
        await pilot.press("j", "j")
        assert diff.rows.place(diff.cursor)[0] == 2
        await pilot.press("enter")
        assert diff.has_focus

    play(root, scene)
    assert tree(root)["a.py"] == "def f():\n    return 3\n"


def test_the_preview_begins_at_what_needs_a_decision(root: Path) -> None:
    """List and diff are at the edit that no step holds; `y` before the tick leads there again."""
    write(root, "docs/b.md", "only on disk\n")
    now = tree(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        plan, diff = preview.query_one(PlanList), preview.query_one(DiffView)
        at = next(n for n, line in enumerate(plan_lines(preview)) if "[?]" in line)
        assert at > 0
        assert plan.cursor == at
        assert said(preview, "promise").startswith("What is marked ? would go, too: tick it")
        assert diff.rows.place(diff.cursor)[0] == plan.rows[at].change
        assert round(diff.scroll_offset.y) == min(diff.cursor, round(diff.max_scroll_y))
        assert "space tick (1 left)" in said(preview, "keys")
        await pilot.press("g", "tab")
        assert said(preview, "keys").startswith("tab list (1 left)")
        assert "space hunk" in said(preview, "keys")
        await pilot.press("y")
        await idle(pilot, app)
        assert plan.cursor == at
        assert plan.has_focus
        await pilot.press("space")
        assert plan.unticked == []
        await pilot.press("q")
        await back_on_main(pilot, app)

    play(root, scene)
    assert tree(root) == now


def test_the_way_out_is_named_after_a_resize(root: Path) -> None:
    """The keys are fitted to the width that there is now; those that had no room come back."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 1)
        preview = await open_preview(pilot, app, "r")
        wide = said(preview, "keys")
        for width, height in ((48, 24), (80, 24), (200, 60)):
            await pilot.resize_terminal(width, height)
            await idle(pilot, app)
            shown = preview.query_one("#preview-keys", Sentence)
            assert shown.plain.endswith("? keys   esc cancel")
            assert len(shown.plain) <= shown.size.width
        assert shown.plain == wide

    play(root, scene, (200, 60))


def test_with_nothing_to_undo_the_key_that_lists_operations_is_named(root: Path) -> None:
    """A key of the screen, no command for which it would have to be left."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "u")
        assert said(preview, "headline") == (
            "there is nothing to undo (in the timeline O lists what was done)"
        )
        await pilot.press("escape")
        await back_on_main(pilot, app)
        await pilot.press("O")
        await until(lambda: isinstance(app.screen, OperationsScreen))

    play(root, scene)


def test_a_name_with_escapes_is_shown_whole_where_there_is_room(root: Path) -> None:
    """What counts is how wide it is drawn, not how many bytes it has."""
    name = b"a\x1b\x01\x02\x03\xff\xfe.py"
    Path(os.fsdecode(bytes(root) + b"/" + name)).write_text("x\n")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 3)
        preview = await open_preview(pilot, app, "r")
        assert plan_lines(preview)[0].startswith(f"[?] D {printable(escape(name))} ")

    play(root, scene)


def test_where_nothing_differs_no_key_is_named_that_ticks(root: Path) -> None:
    """The footer names what does something: the other side, and the step's own change; `y` does not."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 3)
        preview = await open_preview(pilot, app, "r")
        assert said(preview, "headline").startswith("No file differs from how it was AFTER #3")
        assert said(preview, "keys").startswith("b before instead   o only")
        assert said(preview, "promise") == "There is nothing to apply."
        await pilot.press("y")
        assert said(preview, "promise") == "There is nothing to apply."
        await pilot.press("q")
        await back_on_main(pilot, app)

    play(root, scene)


def test_where_nothing_differs_the_timeline_can_go_back(root: Path) -> None:
    """To an older step with the same content: that moves the branch, so `y` does it."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        third = (root / "a.py").read_text()
        write(root, "a.py", "def f():\n    return 4\n")
        ws.capture("fourth thoughts")
        write(root, "a.py", third)
        ws.capture("as it was")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 3)
        preview = await open_preview(pilot, app, "r")
        assert said(preview, "headline").startswith("No file differs from how it was AFTER #3")
        assert said(preview, "keys").startswith("y apply   b before instead")
        await pilot.press("y")
        await back_on_main(pilot, app)
        assert "the timeline is at #3" in app.main.footer.sentence

    play(root, scene)


def test_a_mode_that_goes_back_is_said(root: Path) -> None:
    """A file whose permissions alone differ says how they go back."""
    (root / "a.py").chmod(0o755)
    with Workspace.open(root, home=root.parent / "home") as workspace:
        workspace.capture("make it executable")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await select(pilot, app, 3)
        preview = await open_preview(pilot, app, "r", "b")
        assert "mode 0755 -> 0644" in plan_lines(preview)[0]
        await pilot.press("q")
        await back_on_main(pilot, app)

    play(root, scene)


def test_undo_of_a_mark_shows_that_no_file_changes(root: Path) -> None:
    """An operation without files has a preview too."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.mark(ws.get_step("#2"), label="good")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "u")
        assert said(preview, "headline") == "Undo: marked #2. No file changes."
        await pilot.press("y")
        await back_on_main(pilot, app)

    play(root, scene)
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert ws.get_step("#2").checkpoint is None


def test_nothing_to_undo_is_said(root: Path) -> None:
    """The preview says why there is nothing to apply."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "u")
        assert "nothing" in said(preview, "headline").lower()
        await pilot.press("y")
        assert app.screen is preview
        await pilot.press("escape")
        await back_on_main(pilot, app)

    play(root, scene)


def interrupt_a_rollback(root: Path) -> None:
    """Begins to go back to the first step and stops after the first file."""

    def stop(_what: str, done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with Workspace.open(root, home=root.parent / "home") as ws, suppress(KeyboardInterrupt):
        ws.apply(ws.plan_rollback("#1"), progress=stop)


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_an_interrupted_rollback_is_settled_before_the_preview(
    root: Path, size: tuple[int, int]
) -> None:
    """The preview shows the plan from the settled disk, says what was settled, and `y` applies it."""
    before = tree(root)
    interrupt_a_rollback(root)
    assert tree(root) != before

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "u")
        assert said(preview, "promise").startswith("An interrupted rollback was finished first. ")
        assert "is saved as a step" in said(preview, "promise")
        assert preview.query_one("#preview-promise").size.height == 2
        assert len(plan_lines(preview)) == 3
        await until(lambda: app.main.timeline.count == 4)
        await pilot.press("y")
        await back_on_main(pilot, app)

    play(root, scene, size)
    assert tree(root) == before


def test_what_was_settled_is_still_told_when_it_is_planned_anew(root: Path) -> None:
    """Behind the reason why the plan is another one."""
    interrupt_a_rollback(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "u")
        with Workspace.open(root, home=root.parent / "home") as other:
            write(root, "late.txt", "late\n")
            other.capture("from elsewhere")
        await pilot.press("y")
        await until(lambda: "was recorded since" in said(preview, "promise"))
        await idle(pilot, app)
        told = said(preview, "promise")
        assert told.endswith(". An interrupted rollback was finished first.")
        await pilot.press("q")
        await back_on_main(pilot, app)

    play(root, scene)


def test_a_disk_that_nobody_left_half_way_is_not_settled(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a preview takes no lock and writes nothing."""
    monkeypatch.setattr(Workspace, "settle", lambda _self: pytest.fail("the store was written"))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        preview = await open_preview(pilot, app, "u")
        assert "interrupted" not in said(preview, "promise")

    play(root, scene)
