"""The review of a real experiment: candidates beside each other, promoted by a preview."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.gateway import open_workspace
from stepwell.tui.keys.actions import actions_for
from stepwell.tui.look.glyphs import UTF8
from stepwell.tui.screens.experiments import ExperimentsScreen
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.reviewtable import ReviewTable

Make = Callable[..., Any]


def writes(**files: str) -> list[str]:
    """Returns a command that writes files."""
    lines = [f"open({name!r}, 'w').write({text!r})" for name, text in files.items()]
    return [sys.executable, "-c", "; ".join(lines)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with an experiment of three candidates, of which one fails its check."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil").write_text("deep\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        ws.try_approaches(
            [
                ("wordy", writes(soil="very\nvery\nwet\n", why="because\n")),
                ("short", writes(soil="wet\n")),
                ("dry", writes(soil="dry\n")),
            ],
            name="water",
            check=["grep", "-q", "wet", "soil"],
        )
    return folder


@pytest.fixture
def play_over(play: Make) -> Make:
    """As elsewhere, but that the time which checks take has no say in the order."""

    def run(root: Path, scene: Make, size: tuple[int, int] = (120, 36)) -> None:
        opened = open_workspace(root, root.parent / "home", weights=lambda: {"duration": 0.0})
        play(opened, scene, size, clock=time.time_ns)

    return run


async def press(pilot: Pilot[int], app: StepwellApp, settle: Make, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot, app)


def row(screen_text: Make, app: StepwellApp, name: str) -> str:
    return next(line for line in screen_text(app) if line[1:].strip().startswith(name))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
def test_candidates_stand_beside_each_other(
    root: Path, play_over: Make, settle: Make, screen_text: Make, size: tuple[int, int]
) -> None:
    """Best first, with figures and reasons; the selected one's diff, and where there is room two."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E")
        assert isinstance(app.screen, ExperimentsScreen)
        shown = "\n".join(screen_text(app))
        assert "Experiment water, from #" in shown and "check: grep -q wet soil" in shown
        assert "1  score" in row(screen_text, app, "rank") and "2  score" in shown
        assert row(screen_text, app, "check").replace("▌", " ").split() == [
            "check", "passes", "passes", "fails",
        ]  # fmt: skip
        assert "+1 -1  1 file" in row(screen_text, app, "changes")
        assert "the smallest" in shown
        assert ("very" in shown) == (size[0] >= 100)
        await press(pilot, app, settle, "l", "l", "l")
        assert "dry" in "\n".join(screen_text(app)[12:])
        await press(pilot, app, settle, "j", "E")
        assert app.screen is app.main

    play_over(root, scene, size)


def test_a_candidate_is_promoted_by_the_preview_of_a_merge(
    root: Path, play_over: Make, settle: Make
) -> None:
    """`p` opens it, twice changes nothing; `y` merges; `u` and `y` take it back."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "l", "p", "p")
        assert isinstance(app.screen, RestorePreview)
        assert (root / "soil").read_text() == "deep\n"
        await press(pilot, app, settle, "y")
        assert (root / "soil").read_text() == "very\nvery\nwet\n"
        assert app.main.footer.sentence.startswith("Merged water/wordy, 2 files changed")
        await press(pilot, app, settle, "u", "y")

    play_over(root, scene, (80, 24))
    assert (root / "soil").read_text() == "deep\n" and not (root / "why").exists()


def test_a_candidate_is_shown_in_the_timeline(root: Path, play_over: Make, settle: Make) -> None:
    """`o` goes to its newest step."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "l", "o")
        step = app.main.timeline.selected
        assert step is not None and step.branch == "water/wordy"

    play_over(root, scene)


def test_from_another_branch_nothing_is_promoted(root: Path, play_over: Make, settle: Make) -> None:
    """It says which branch to go to."""
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.create_branch("aside")
        ws.apply(ws.plan_switch("aside"))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "p")
        assert isinstance(app.screen, ExperimentsScreen)
        assert "it came from main, and you are on aside" in app.screen._footer.sentence

    play_over(root, scene)


def test_without_an_experiment_the_screen_says_how_to_run_one(
    tmp_path: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Every key is harmless there."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    Workspace.init(folder, home=tmp_path / "home").close()

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "l", "h", "j", "p", "o", "enter", "J")
        assert "no experiment yet: stepwell experiment run" in "\n".join(screen_text(app))
        assert screen_text(app)[-1].strip() == "esc back  ? keys"
        assert screen_text(app)[1].rstrip().endswith(" 0 ─")
        unread = ReviewTable(UTF8, str).draw_row(0, 40)
        assert "".join(part.text for part in unread) == " reading"

    play_over(folder, scene, (80, 24))


def test_both_diffs_are_coloured(
    tmp_path: Path, play_over: Make, settle: Make, until: Make
) -> None:
    """Neither view's wish for colours takes the place of the other's."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("depth = 1\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        tries = [(word, writes(**{"soil.py": f"def {word}():\n    return 1\n"})) for word in "ab"]
        ws.try_approaches(tries, name="names")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E")
        shown = [diff for diff in app.screen.query(DiffView) if diff.region.width]
        assert len(shown) == 2
        for diff in shown:
            line = next(r for r in range(len(diff.rows)) if "def" in diff.row(r).text)
            await until(lambda d=diff, at=line: d._row_colours(d.row(at)) is not None)

    play_over(folder, scene)


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    """A workspace whose two candidates each change two places of one file, and one a second file."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    rows = [f"row {number}\n" for number in range(1, 31)]
    (folder / "rows").write_text("".join(rows))
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        ways = {
            word: "".join(
                {2: f"{word} 3\n", 19: f"{word} 20\n"}.get(at, row) for at, row in enumerate(rows)
            )
            for word in ("apple", "cherry")
        }
        ways["cherry"] = ways["cherry"].replace("cherry 3", "row 3").replace("row 10\n", "cherry\n")
        ws.try_approaches(
            [
                ("apple", writes(rows=ways["apple"], more="more\n")),
                ("cherry", writes(rows=ways["cherry"])),
            ],
            name="fruit",
        )
    return folder


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_hunks_of_two_candidates_are_picked_merged_and_undone(
    fields: Path, play_over: Make, settle: Make, screen_text: Make, size: tuple[int, int]
) -> None:
    """`space` picks, the table counts, `M` previews one plan of both, `y` merges, `u` takes it back."""
    before = (fields / "rows").read_text()

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "j")
        assert screen_text(app)[2].replace("▌", " ").split() == ["cherry", "apple"]
        await press(pilot, app, settle, "right_square_bracket", "space")
        assert "cherry  1 hunk picked" in screen_text(app)[2]
        await press(pilot, app, settle, "l", "right_square_bracket", "right_square_bracket")
        if "hunk 2/2" not in "\n".join(screen_text(app)):
            await press(pilot, app, settle, "right_square_bracket")
        await press(pilot, app, settle, "space", "k", "x")
        assert "2 hunks, 1 file" not in screen_text(app)[2]
        assert "1 file, 1 hunk picked" in screen_text(app)[2]
        await press(pilot, app, settle, "M", "escape")
        assert isinstance(app.screen, ExperimentsScreen)
        assert "1 file, 2 hunks picked" in screen_text(app)[1]
        await press(pilot, app, settle, "M", "M")
        assert isinstance(app.screen, RestorePreview)
        assert "Merge picks of fruit/apple, fruit/cherry: 2 files" in "\n".join(screen_text(app))
        assert (fields / "rows").read_text() == before
        await press(pilot, app, settle, "y")
        assert app.screen is app.main
        merged = (fields / "rows").read_text().splitlines()
        assert (merged[2], merged[9], merged[19]) == ("row 3", "cherry", "apple 20")
        assert (fields / "more").exists()
        await press(pilot, app, settle, "u", "y")

    play_over(fields, scene, size)
    assert (fields / "rows").read_text() == before and not (fields / "more").exists()


def test_all_of_one_candidate_picked_is_its_promotion(
    fields: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """With `A`, twice nothing is picked; picks that clash cannot be applied."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "A", "M")
        assert "Merge branch fruit/cherry" in "\n".join(screen_text(app))
        await press(pilot, app, settle, "escape", "A")
        assert "picked" not in "\n".join(screen_text(app))
        await press(pilot, app, settle, "A", "l", "A", "M")
        shown = "\n".join(screen_text(app))
        assert "they do not go together" in shown and "both sides changed the same lines" in shown
        await press(pilot, app, settle, "y")
        assert isinstance(app.screen, RestorePreview)
        assert "row 20" in (fields / "rows").read_text()

    play_over(fields, scene)


def test_verdict_and_note_are_kept_and_shown(
    fields: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """As tag and note of the candidate's newest step; the timeline shows them afterwards."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "t")
        assert "Verdict on cherry" in "\n".join(screen_text(app))
        await press(pilot, app, settle, "r")
        assert "rejected" in row(screen_text, app, "verdict")
        await press(pilot, app, settle, "t", "escape", "t", "a")
        assert "rejected" not in row(screen_text, app, "verdict")
        await press(pilot, app, settle, "a", *"sour", "ctrl+s")
        assert "accepted  ✎ sour" in row(screen_text, app, "verdict")
        await press(pilot, app, settle, "escape")
        assert "accepted" in "\n".join(screen_text(app))

    play_over(fields, scene, (200, 60))
    with Workspace.open(fields, home=fields.parent / "home") as ws:
        mark = ws.get_step("fruit/cherry").checkpoint
    assert mark is not None and mark.tags == ("accepted",)
    assert [note.text for note in mark.notes] == ["sour"]


def test_what_a_failed_check_said_is_read(
    tmp_path: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`v` shows its end in place of the diffs, and the diffs again; so does picking."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil").write_text("deep\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        check = ["sh", "-c", "echo 'the soil is too dry'; grep -q wet soil"]
        ws.try_approaches(
            [("dry", writes(soil="dry\n")), ("wet", writes(soil="wet\n"))], check=check
        )

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "v")
        shown = "\n".join(screen_text(app)[1:])
        assert "its check passes" in shown and "the soil is too dry" in shown
        await press(pilot, app, settle, "v")
        assert "the soil is too dry" not in "\n".join(screen_text(app)[1:])
        await press(pilot, app, settle, "v", "space")
        assert "the soil is too dry" not in "\n".join(screen_text(app)[1:])
        assert "picked" in screen_text(app)[1]

    play_over(folder, scene)


def test_the_keys_are_listed_and_run_from_the_list(
    fields: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`?` knows those that the footer has no room for."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E", "question_mark")
        assert "pick all that the candidate changed" in "\n".join(screen_text(app))
        await press(pilot, app, settle, *"pick", "space", *"all", "enter")
        assert isinstance(app.screen, ExperimentsScreen)
        assert "1 file picked" in screen_text(app)[2]

    play_over(fields, scene)


def test_the_persons_weights_rank(
    fields: Path, play: Make, settle: Make, screen_text: Make
) -> None:
    """A figure that no weight counts makes no difference."""
    opened = open_workspace(
        fields, fields.parent / "home", weights=lambda: {"size": 0.0, "duration": 0.0, "other": 1.0}
    )

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E")
        assert row(screen_text, app, "rank").count("score 1.00") == 2

    play(opened, scene)


@pytest.mark.parametrize("size", [(160, 40)])
def test_hostile_names_lines_and_outputs_reach_no_terminal_and_no_key_writes(
    tmp_path: Path, play_over: Make, settle: Make, size: tuple[int, int]
) -> None:
    """Escape sequences, bidi signs, a very long line; every key of the screen changes no file."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    name, text = "f\x1b[2J\u202ec\n", "\x1b]0;{0}\x07\n\u202e{0}\n" + "{0}" * 20_000 + "\n"
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        check = [sys.executable, "-c", f"print({text.format('said')!r}); raise SystemExit(3)"]
        tries = [(f"a\u202e{word}", writes(**{name: text.format(word)})) for word in ("x", "y")]
        ws.try_approaches(tries, name="h\u202e", check=check)
        ws.judge("h\u202e", "a\u202ex", "accepted", note=text.format("note"))
    controls = {*map(chr, range(32)), "\x7f", "\u202e", *map(chr, range(0x80, 0xA0))}
    keys = {action.keys[0] for action in actions_for("review")} - {"escape"}

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "E")
        for key in sorted(keys):
            await press(pilot, app, settle, key)
            strips = app.screen._compositor.render_strips()
            assert not controls & set("".join(part.text for strip in strips for part in strip))
            if not isinstance(app.screen, ExperimentsScreen):
                await press(pilot, app, settle, "escape")
            if app.screen is app.main:
                await press(pilot, app, settle, "E")
            assert isinstance(app.screen, ExperimentsScreen), key

    play_over(folder, scene, size)
    assert list(folder.iterdir()) == []
