"""Part of a rollback over a real workspace: files and hunks that are ticked, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.look.glyphs import ASCII
from stepwell.tui.model.diffrows import Kind
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.planlist import PlanList
from stepwell.tui.widgets.sentence import Sentence

Make = Callable[..., Any]

LONG = 10**10
"""Nanoseconds after which a key answers what is drawn."""
LINES = [f"line {number}\r\n" for number in range(40)]


def text(**changed: str) -> bytes:
    """Returns the lines with some replaced (`l3="new"`); the last one has no line feed."""
    lines = [changed.get(f"l{n}", line.rstrip()) + "\r\n" for n, line in enumerate(LINES)]
    return "".join(lines)[:-2].encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Step 1: two files and no third; step 2: two hunks in a, one in b, c new; the disk is as in 2."""
    folder = tmp_path / "orchard"
    (folder / "src").mkdir(parents=True)
    (folder / "src/a.txt").write_bytes(text())
    (folder / "src/b.txt").write_bytes(text())
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        (folder / "src/a.txt").write_bytes(text(l3="THREE", l30="THIRTY"))
        (folder / "src/b.txt").write_bytes(text(l39="LAST"))
        (folder / "c.txt").write_text("new\n")
        ws.capture("changes")
    return folder


def disk(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def headline(app: StepwellApp) -> str:
    return app.screen.query_one("#preview-headline", Sentence).plain


def promise(app: StepwellApp) -> str:
    return app.screen.query_one("#preview-promise", Sentence).plain


def grounds(diff: DiffView) -> set[str | None]:
    """The grounds of all lines that change."""
    changed = (Kind.ADD, Kind.DELETE)
    rows = [n for n in range(diff.count) if diff.row(diff.row_at(n)).kind in changed]
    assert rows
    return {diff.row_ground(n) for n in rows}


def ground(diff: DiffView) -> str | None:
    return diff.row_ground(diff.cursor)


def boxes(app: StepwellApp) -> list[str]:
    plan = app.screen.query_one(PlanList)
    return ["".join(s.text for s in plan.draw_row(i, 60))[:5].strip() for i in range(plan.count)]


def test_a_file_that_is_left_out_stays(root: Path, play_over: Make, settle: Make) -> None:
    """Space in the preview; the headline says how much; undo takes exactly that back."""
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        assert headline(app).startswith("Put 3 files back")
        assert boxes(app) == ["[✓] D", "[✓] M", "[✓] M"]
        await pilot.press("space", "j", "j", "space")
        assert boxes(app) == ["[ ] D", "[✓] M", "[ ] M"]
        assert headline(app).startswith("Put 1 of 3 files back to how it was AFTER #1 ")
        await pilot.press("y")
        await settle(pilot, app)
        now = disk(root)
        assert now == {**before, "src/a.txt": text()}
        # A part goes on from the newest step: the branch is not moved back.
        assert app.main.timeline.columns.parents[-1] == 2
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert disk(root) == before


def test_one_hunk_of_the_preview_is_put_back_exactly(
    root: Path, play_over: Make, settle: Make
) -> None:
    """Ticked in the diff; line endings and the missing last line feed stay as they are."""
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space", "j", "j", "space", "k", "tab")
        await pilot.press("right_square_bracket", "right_square_bracket", "space")
        assert boxes(app) == ["[ ] D", "[±] M", "[ ] M"]
        assert headline(app).startswith("Put 1 hunk back to how it was AFTER #1 ")
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    now = disk(root)["src/a.txt"]
    assert now in (text(l3="THREE"), text(l30="THIRTY"))
    assert {k: v for k, v in disk(root).items() if k != "src/a.txt"} == {
        k: v for k, v in before.items() if k != "src/a.txt"
    }


def test_single_lines_are_put_back_exactly(root: Path, play_over: Make, settle: Make) -> None:
    """One line alone, one by a range; what is not ticked is faint, but never in an undo."""
    before = disk(root)
    wanted = text(l3="THREE\r\nline 3", l30="gone").replace(b"gone\r\n", b"")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("x")
        assert "Lines are ticked in the diff" in promise(app)
        await pilot.press("A", "space", "j", "j", "space", "k", "tab", "right_square_bracket")
        diff = app.screen.query_one("#preview-diff", DiffView)
        await pilot.press("space")
        assert ground(diff) is None and boxes(app) == ["[ ] D", "[±] M", "[ ] M"]
        await pilot.press("j", "x")
        assert headline(app).startswith("Put 1 hunk and 1 single line back to how they were AFTER")
        assert ground(diff) == "added_ground" and diff.row_sign(diff.cursor) == "┃"
        await pilot.press("k", "k", "x")
        assert "This line does not change" in promise(app)
        await pilot.press("right_square_bracket", "right_square_bracket", "space")
        await pilot.press("v", "j", "j", "x")
        assert headline(app).startswith("Put 1 hunk and 1 single line back")
        await pilot.press("space", "k", "k", "v", "x")
        assert headline(app).startswith("Put 2 single lines back to how they were AFTER #1 ")
        await pilot.press("y")
        await settle(pilot, app)
        now = {**before, "src/a.txt": wanted}
        assert disk(root) == now
        await pilot.press("u")
        await settle(pilot, app)
        diff = app.screen.query_one("#preview-diff", DiffView)
        assert grounds(diff) == {"added_ground", "deleted_ground"}
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert disk(root) == before


def test_leaving_lines_out_agrees_to_no_loss(root: Path, play_over: Make, settle: Make) -> None:
    """Edits in no step need their tick still; who ticks a part of a file left out is told."""
    (root / "src/b.txt").write_bytes(text(l3="in no step", l39="in no step"))
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("j", "j", "tab", "right_square_bracket", "j")
        for key in ("x", "space"):
            await pilot.press(key)
            assert boxes(app)[2] == "[?] M" and "goes, too" not in promise(app)
            await pilot.press("y")
            await settle(pilot, app)
            assert promise(app).startswith("Tick this row first (space)")
            assert disk(root) == before
            await pilot.press("tab")
        await pilot.press("tab", "space", "space")
        assert boxes(app)[2] == "[ ] M"
        await pilot.press("tab", "x")
        assert boxes(app)[2] == "[±] M"
        assert promise(app).startswith("Other work goes, too; it is saved before. Ticked: 1 single")
        await pilot.press("x", "space")
        assert promise(app).startswith("Other work goes, too; it is saved before. ")

    play_over(root, scene)


def test_lines_of_a_file_that_comes_or_goes_are_not_ticked_alone(
    root: Path, play_over: Make, settle: Make
) -> None:
    """It says so, and everything stays ticked."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("tab", "right_square_bracket", "x")
        assert "as a whole file" in promise(app)
        assert headline(app).startswith("Put 3 files back")
        # Where no file would change there is a sentence, on which a range can stand.
        await pilot.press("escape", "k", "r")
        await settle(pilot, app)
        await pilot.press("tab", "v", "x")
        assert "This line does not change" in promise(app)

    play_over(root, scene)


def test_a_hunk_of_the_diff_is_taken_back(root: Path, play_over: Make, settle: Make) -> None:
    """`r` on a hunk of the newest step: there is nothing after it, so it is put back to before."""
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("3", "right_curly_bracket", "right_square_bracket")
        await pilot.press("right_square_bracket", "r")
        await settle(pilot, app)
        assert isinstance(app.screen, RestorePreview)
        assert headline(app).startswith("Put 1 hunk back to how it was BEFORE #2 ")
        assert disk(root) == before
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert disk(root) == {**before, "src/a.txt": text(l3="THREE")}


def test_picked_files_lead_to_a_preview_of_them(root: Path, play_over: Make, settle: Make) -> None:
    """As a tree, a folder stands for its files; the pane's title counts."""
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("2", "grave_accent", "g", "space")
        await settle(pilot, app)
        assert app.main.files.title_right == "2 of 3 picked"
        await pilot.press("r")
        await settle(pilot, app)
        assert boxes(app) == ["[ ] D", "[✓] M", "[✓] M"]
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene)
    assert disk(root) == {**before, "src/a.txt": text(), "src/b.txt": text()}


def test_only_one_step_is_taken_back(root: Path, play_over: Make, settle: Make) -> None:
    """`o`: what came later stays, also in the same file."""
    later = text(l3="THREE", l20="TWENTY", l30="THIRTY")
    with Workspace.open(root, home=root.parent / "home") as ws:
        (root / "src/a.txt").write_bytes(later)
        ws.capture("later")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r", "o")
        await settle(pilot, app)
        assert headline(app).startswith("Take back only what #2 “changes” changed")
        await pilot.press("y")
        await settle(pilot, app)
        assert "taken back" in app.main.footer.sentence

    play_over(root, scene)
    assert disk(root) == {"src/a.txt": text(l20="TWENTY"), "src/b.txt": text()}


def test_conflicts_are_listed_and_have_to_be_left_out(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Later work in the same lines: `y` refuses until the path is left out, then does the rest."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        (root / "src/a.txt").write_bytes(text(l3="DREI", l30="THIRTY"))
        ws.capture("later")
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r", "o")
        await settle(pilot, app)
        assert any("conflict  src/a.txt: later work" in line for line in screen_text(app))
        await pilot.press("y")
        await settle(pilot, app)
        assert disk(root) == before
        assert any("Leave this row out first (space)" in line for line in screen_text(app))
        await pilot.press("g", "space", "y")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene)
    assert disk(root) == {"src/a.txt": before["src/a.txt"], "src/b.txt": text()}


def keys(app: StepwellApp) -> str:
    return app.screen.query_one("#preview-keys", Sentence).plain


def test_a_conflict_beside_a_loss_leads_to_no_agreement_unread(
    root: Path, play_over: Make, settle: Make
) -> None:
    """Each is told by its own count, and no key is named that would decide about both."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        (root / "src/a.txt").write_bytes(text(l3="DREI", l30="THIRTY"))
        ws.capture("later")
    (root / "src/b.txt").write_bytes(text(l5="FIVE", l39="LAST"))
    (root / "c.txt").write_text("in no step\n")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r", "o")
        await settle(pilot, app)
        losses = "other work goes, too; it is saved before."
        assert promise(app).startswith(
            "A conflict cannot be applied: leave it out. What else is marked ? would go, too"
        )
        await pilot.press("y")
        assert promise(app) == (
            f"Leave 2 conflicts out first (space): a conflict cannot be applied. "
            f"Tick 1 row first (space): {losses}"
        )
        assert "tick all" not in keys(app)

    play_over(root, scene)


def test_what_was_left_out_is_not_chosen_again_unasked(
    root: Path, play_over: Make, settle: Make
) -> None:
    """The key that ticks all is named only where it decides about the marked rows and nothing else."""
    (root / "src/a.txt").write_bytes(text(l3="only on disk"))
    (root / "src/b.txt").write_bytes(text(l3="only on disk"))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        assert boxes(app) == ["[✓] D", "[?] M", "[?] M"]
        assert "A tick all" in keys(app)
        await pilot.press("y")
        assert promise(app).startswith("Tick 2 rows first (space, or A for all): other work goes")
        await pilot.press("g", "space", "y")
        assert promise(app).startswith("Tick 2 rows first (space): other work goes, too")
        assert boxes(app) == ["[ ] D", "[?] M", "[?] M"] and "tick all" not in keys(app)
        await pilot.press("A")
        assert promise(app).startswith("Other work goes, too; it is saved before. ")

    play_over(root, scene)


def test_a_part_that_changed_since_the_preview_is_not_written(
    root: Path, play_over: Make, settle: Make
) -> None:
    """What is applied is what was shown, or nothing."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space")
        (root / "src/a.txt").write_bytes(b"written meanwhile\n")
        await pilot.press("y")
        await settle(pilot, app)
        assert isinstance(app.screen, RestorePreview)
        assert "src/a.txt changed on disk since the preview" in promise(app)

    play_over(root, scene)
    assert disk(root)["src/a.txt"] == b"written meanwhile\n"
    assert "c.txt" in disk(root)


def test_what_was_left_out_stays_left_out_when_it_is_planned_anew(
    root: Path, play_over: Make, settle: Make
) -> None:
    """`y` is refused as another file changed; that is ticked again by a person alone."""
    now = [time.time_ns()]
    (root / "src/b.txt").write_bytes(text(l3="mine"))
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.capture("mine")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "j", "r")
        await settle(pilot, app)
        assert boxes(app) == ["[✓] D", "[✓] M", "[✓] M"]
        await pilot.press("G", "space")
        (root / "src/a.txt").write_bytes(b"written meanwhile\n")
        await pilot.press("y")
        await settle(pilot, app)
        assert boxes(app) == ["[✓] D", "[ ] M", "[ ] M"]
        assert promise(app).startswith(
            "1 ticked file changed and is left out. Your other ticks are kept: what you left out"
        )
        await pilot.press("j", "space")
        now[0] += LONG
        await pilot.press("y")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene, clock=lambda: now[0])
    after = disk(root)
    assert after["src/b.txt"] == text(l3="mine")
    assert after["src/a.txt"] == text() and "c.txt" not in after


def test_ticked_hunks_and_lines_are_kept_where_their_file_is_as_it_was(
    root: Path, play_over: Make, settle: Make
) -> None:
    """What came meanwhile is left out; so is a file whose hunks are others now, and it says so."""
    now = [time.time_ns()]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space", "j", "tab", "right_square_bracket", "space", "j", "x")
        assert boxes(app) == ["[ ] D", "[±] M", "[✓] M"]
        before = headline(app)
        assert before.startswith("Put 1 of 3 files, 1 hunk and 1 single line back")
        assert app.screen.query_one(PlanList).title_right == "1 of 3 files ticked, 1 in part"
        with Workspace.open(root, home=root.parent / "home") as other:
            (root / "d.txt").write_text("late\n")
            (root / "src/b.txt").write_bytes(text(l3="meanwhile"))
            other.capture("late")
        await pilot.press("y")
        await settle(pilot, app)
        assert promise(app).startswith("1 ticked file changed and is left out. Your other ticks")
        assert "src/b.txt changed" in promise(app)
        assert boxes(app) == ["[ ] D", "[ ] D", "[±] M", "[ ] M"]
        assert headline(app) == before.replace("1 of 3 files, ", "")
        (root / "src/a.txt").write_bytes(text(l3="THREE", l10="meanwhile", l30="THIRTY"))
        now[0] += LONG
        await pilot.press("y")
        await settle(pilot, app)
        assert boxes(app) == ["[ ] D", "[ ] D", "[ ] M", "[ ] M"]
        assert promise(app).startswith("1 ticked file changed and is left out. ")

    play_over(root, scene, clock=lambda: now[0])


def test_keys_that_repeat_apply_no_plan_that_nobody_read(
    root: Path, play_over: Make, settle: Make
) -> None:
    """What another process recorded voids the plan; the new one waits until the keys rest."""
    now = [time.time_ns()]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        with Workspace.open(root, home=root.parent / "home") as other:
            (root / "late.txt").write_text("late\n")
            other.capture("late")
        before = disk(root)
        await pilot.press("y")
        await settle(pilot, app)
        now[0] += LONG // 40
        await pilot.press("y", "y")
        await settle(pilot, app)
        assert isinstance(app.screen, RestorePreview) and disk(root) == before
        assert promise(app).startswith("That came too soon: read, then press y again. ")
        assert "was recorded since" in promise(app)
        now[0] += LONG // 40
        await pilot.press("j")
        now[0] += LONG // 40
        await pilot.press("y")
        await settle(pilot, app)
        assert disk(root) == before
        now[0] += LONG
        await pilot.press("y")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene, clock=lambda: now[0])
    assert "late.txt" not in disk(root)


def test_keys_that_repeat_undo_nothing_else(root: Path, play_over: Make, settle: Make) -> None:
    """What was to be undone is undone already: the operation before it is not meant."""
    now = [time.time_ns()]
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.mark(ws.get_step("#1"), label="first")
        ws.mark(ws.get_step("#2"), label="second")

    def labels() -> list[bool]:
        with Workspace.open(root, home=root.parent / "home") as ws:
            return [ws.get_step(name).checkpoint is not None for name in ("#1", "#2")]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("u")
        await settle(pilot, app)
        with Workspace.open(root, home=root.parent / "home") as other:
            other.undo()
        for _ in range(3):
            await pilot.press("y")
            await settle(pilot, app)
        assert labels() == [True, False]
        assert promise(app).startswith("That came too soon: read, then press y again. ")
        now[0] += LONG
        await pilot.press("y")
        await settle(pilot, app)

    play_over(root, scene, clock=lambda: now[0])
    assert labels() == [False, False]


@pytest.mark.parametrize(("key", "in_part"), [("k", True), ("A", False)])
def test_a_part_stays_one_when_what_was_left_out_went_away(
    root: Path, play_over: Make, settle: Make, key: str, in_part: bool
) -> None:
    """The branch is moved back only by who ticks everything."""
    now = [time.time_ns()]
    with Workspace.open(root, home=root.parent / "home") as ws:
        (root / "c.bin").write_bytes(b"\0one")
        ws.capture("one")
        (root / "c.bin").write_bytes(b"\0two")
        (root / "src/b.txt").write_bytes(text(l3="two"))
        ws.capture("two")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("G", "space")
        assert boxes(app) == ["[✓] M", "[ ] M"]
        with Workspace.open(root, home=root.parent / "home") as other:
            (root / "c.bin").write_bytes(b"\0three")
            (root / "src/b.txt").write_bytes(text(l39="LAST"))
            other.capture("late")
        await pilot.press("y")
        await settle(pilot, app)
        assert boxes(app) == ["[✓] M"]
        assert headline(app).startswith("Put 1 of 1 file back")
        now[0] += LONG
        await pilot.press(key)
        now[0] += LONG
        await pilot.press("y")
        await settle(pilot, app)
        assert app.screen is app.main

    play_over(root, scene, clock=lambda: now[0])
    assert disk(root)["c.bin"] == b"\0one"
    with Workspace.open(root, home=root.parent / "home") as ws:
        assert ("late" in {step.title for step in ws.steps()}) is in_part


def test_ticks_outlast_a_plan_that_cannot_be_made(
    root: Path, play_over: Make, settle: Make
) -> None:
    """The first step's own change cannot be taken back; what was asked for before is as it was."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space")
        await pilot.press("o")
        await settle(pilot, app)
        assert "the first step can only be gone back to" in headline(app)
        await pilot.press("o")
        await settle(pilot, app)
        assert boxes(app) == ["[ ] D", "[✓] M", "[✓] M"]
        assert promise(app).startswith("Your ticks are kept: ")

    play_over(root, scene)


def test_files_left_out_stay_left_out_on_the_other_side(
    root: Path, play_over: Make, settle: Make
) -> None:
    """`b` and `o` plan something else; what is ticked of a part there is everything, and it says so."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        (root / "src/a.txt").write_bytes(text(l3="THREE", l10="later", l30="THIRTY"))
        (root / "src/b.txt").write_bytes(text(l10="later", l39="LAST"))
        ws.capture("later")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space")
        assert boxes(app) == ["[ ] M", "[✓] M"]
        for key in ("b", "o"):
            await pilot.press(key)
            await settle(pilot, app)
            assert boxes(app) == ["[✓] D", "[ ] M", "[✓] M"]
            assert promise(app).startswith("Files that you left out stay left out. Before")
        await pilot.press("G", "tab", "right_square_bracket", "x")
        assert boxes(app) == ["[✓] D", "[ ] M", "[±] M"]
        await pilot.press("o")
        await settle(pilot, app)
        assert boxes(app) == ["[ ] M", "[✓] M"]
        assert "stay left out. Of other files everything is ticked. " in promise(app)

    play_over(root, scene)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_what_became_of_the_choice_is_in_sight_however_long_a_path_is(
    root: Path, play_over: Make, settle: Make, screen_text: Make, size: tuple[int, int]
) -> None:
    """It comes first, and the middle of the path in the reason gives way."""
    long = root / ("d" * 120) / ("e" * 120 + ".txt")
    long.parent.mkdir()
    long.write_text("long\n")
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.capture("long")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "j", "r")
        await settle(pilot, app)
        await pilot.press("space")
        long.write_text("changed\n")
        await pilot.press("y")
        await settle(pilot, app)
        shown = " ".join(line.strip(" │") for line in screen_text(app))
        for part in ("1 ticked file changed and is left out. Your other", "…", "e.txt changed on"):
            assert part in promise(app)
        for word in ("Your", "kept:", "since", "preview."):
            assert word in shown

    play_over(root, scene, size)


def test_the_keys_of_the_diff_tick_as_those_of_the_preview(
    root: Path, play_over: Make, settle: Make
) -> None:
    """Where settings leave them to it: a loss is told, headline and list follow; not while it applies."""
    (root / "src/b.txt").write_bytes(text(l3="in no step", l39="in no step"))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space", "space")
        assert boxes(app)[2] == "[ ] M"
        diff = app.screen.query_one("#preview-diff", DiffView)
        diff.action_pick_all()
        await settle(pilot, app)
        assert boxes(app) == ["[✓] D", "[✓] M", "[✓] M"]
        assert headline(app).startswith("Put 3 files back")
        assert promise(app).startswith("Other work goes, too; it is saved before. ")
        diff.held = True
        diff.action_pick_all()
        diff.action_pick_hunk()
        await settle(pilot, app)
        assert boxes(app) == ["[✓] D", "[✓] M", "[✓] M"]

    play_over(root, scene)


def test_with_nothing_ticked_nothing_is_done(root: Path, play_over: Make, settle: Make) -> None:
    """`y` says so."""
    before = disk(root)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space", "j", "space", "j", "space", "y")
        await settle(pilot, app)
        assert isinstance(app.screen, RestorePreview)
        assert headline(app) == "Nothing is ticked"
        await pilot.press("tab", "right_square_bracket", "x")
        assert promise(app).startswith("Ticked: 1 single line; what is faint stays")
        await pilot.press("x")
        assert promise(app).startswith("Nothing is ticked. ")

    play_over(root, scene)
    assert disk(root) == before


def test_the_preview_is_ascii_where_the_terminal_is(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Boxes, sentences and keys, too."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("j", "r")
        await settle(pilot, app)
        await pilot.press("space")
        lines = screen_text(app)
        assert any("[x] M" in line for line in lines)
        assert all(line.isascii() for line in lines), [x for x in lines if not x.isascii()]

    play_over(root, scene, (80, 24), glyphs=ASCII)
