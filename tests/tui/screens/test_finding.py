"""Search and filter over a real workspace: as typed, streamed, kept, taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with ten steps of two kinds."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        for number in range(1, 10):
            name = "soil" if number % 3 else "roots"
            (folder / f"{name}.py").write_text("".join(f"{name} = {i}\n" for i in range(number)))
            ws.capture(f"{name} at {number}", tags=["odd"] if number % 2 else [])
    return folder


async def listed(pilot: Pilot[int], app: StepwellApp, until: Make, count: int) -> None:
    timeline = app.main.timeline
    await until(lambda: timeline.filtered and timeline.count == count + 1)
    await pilot.pause()


def test_a_filter_lists_only_what_fits(
    root: Path, play_over: Make, until: Make, screen_text: Make
) -> None:
    """As it is typed; chips and their number stand under the title; no line joins the rows."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"path", "colon", *"roots", "space", *"tag", "colon", *"odd")
        await listed(pilot, app, until, 2)
        lines = screen_text(app)
        assert " path:roots   tag:odd " in lines[2] and "2 steps" in lines[2]
        assert "roots at 9" in lines[4] and "roots at 3" in lines[5]
        await pilot.press("enter")
        assert app.focused is app.main.timeline
        assert app.main.timeline.filtered

    play_over(root, scene)


def test_backspace_takes_the_last_term_away_and_esc_all(
    root: Path, play_over: Make, until: Make, settle: Make
) -> None:
    """From the timeline, without opening the line again."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"roots", "space", *"tag", "colon", *"odd", "enter")
        await listed(pilot, app, until, 2)
        await pilot.press("backspace")
        await listed(pilot, app, until, 3)
        await pilot.press("escape")
        await settle(pilot, app)
        assert not app.main.timeline.filtered and app.main.timeline.count == 11

    play_over(root, scene)


def test_leaving_the_line_brings_the_filter_before_back(
    root: Path, play_over: Make, until: Make, settle: Make
) -> None:
    """Esc while typing."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"roots", "enter")
        await listed(pilot, app, until, 3)
        await pilot.press("f", *"tag", "colon", *"odd")
        await listed(pilot, app, until, 2)
        await pilot.press("escape")
        await listed(pilot, app, until, 3)

    play_over(root, scene)


def test_what_cannot_be_read_is_said_with_its_place(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """The list stays as it was, enter does not leave, and tab completes a key."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"kin", "tab", *"nothing", "enter")
        await settle(pilot, app)
        line = screen_text(app)[-2]
        assert line.startswith(" filter kind:nothing") and "at 6: nothing is no kind" in line
        assert app.main._finding is not None
        assert "nothing" not in app.main._finding.filter.query
        assert app.focused is not app.main.timeline

    play_over(root, scene)


def test_the_selected_step_stays_selected(root: Path, play_over: Make, until: Make) -> None:
    """Or the next older one that fits; and again when the filter goes."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        timeline.go_to(7)
        await pilot.press("f", *"roots", "enter")
        await listed(pilot, app, until, 3)
        assert timeline.selected_seq == 7
        await pilot.press("escape")
        assert timeline.selected_seq == 7
        timeline.go_to(6)
        await pilot.press("f", *"roots", "enter")
        await listed(pilot, app, until, 3)
        assert timeline.selected_seq == 4

    play_over(root, scene)


def test_the_first_match_is_selected_even_after_nothing_fitted(
    root: Path, play_over: Make, until: Make
) -> None:
    """A filter that is half typed may fit nothing; the finished one leads to a step."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        await pilot.press("f", *"no such step")
        await until(lambda: timeline.filtered and timeline.count == 1)
        assert timeline.cursor == 0
        await pilot.press("ctrl+u", *"soil")
        # Between the two there is a moment without a filter, when all steps are listed.
        await until(lambda: timeline.filtered and timeline.count > 1 and timeline.cursor == 1)

    play_over(root, scene)


def test_new_steps_join_what_is_listed(root: Path, play_over: Make, until: Make) -> None:
    """A step of another process that fits appears on top."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", *"roots", "enter")
        await listed(pilot, app, until, 3)
        with Workspace.open(root, home=root.parent / "home") as other:
            (root / "roots.py").write_text("new\n")
            other.capture("roots again")
            (root / "soil.py").write_text("new\n")
            other.capture("soil again")
        app.gateway.poll()
        await listed(pilot, app, until, 4)

    play_over(root, scene)


def test_a_search_hides_nothing_and_n_goes_on(
    root: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`/` goes to the first hit, n and N to others, round the ends; esc takes the marks away."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        await pilot.press("slash", *"ROOTS")
        await settle(pilot, app)
        assert timeline.selected_seq == 10 and timeline.count == 11
        assert "1 of 3" in screen_text(app)[-2]
        assert screen_text(app)[-1].split("  ")[0] == " enter stay here"
        assert "complete" not in screen_text(app)[-1]
        await pilot.press("enter")
        seen = []
        for key in ("n", "n", "n", "N"):
            await pilot.press(key)
            await settle(pilot, app)
            seen.append(timeline.selected_seq)
        assert seen == [7, 4, 10, 4]
        assert "round the top" in app.main.footer.sentence
        await pilot.press("escape", "n")
        assert "search with /" in app.main.footer.sentence

    play_over(root, scene)


def test_n_goes_on_as_soon_as_there_is_a_hit_to_go_to(
    root: Path, play_over: Make, settle: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that come before the search has found anything are not lost."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        held: list[tuple[object, ...]] = []
        search = app.gateway.search_steps
        monkeypatch.setattr(app.gateway, "search_steps", lambda *given: held.append(given))
        await pilot.press("g", "slash", *"roots", "enter", "n", "n", "N")
        await settle(pilot, app)
        assert app.main.timeline.cursor == 0
        search(*held[-1])
        await settle(pilot, app)
        assert app.main.timeline.selected_seq == 7

    play_over(root, scene)


def test_the_diff_is_searched_line_by_line(root: Path, play_over: Make, settle: Make) -> None:
    """In the pane in focus; esc while typing goes back to where the search began."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        diff = app.main.diff
        await pilot.press("3")
        await settle(pilot, app)
        begun = diff.cursor
        await pilot.press("slash", *"= 7")
        await settle(pilot, app)
        assert diff.row(diff.cursor).text == "roots = 7"
        await pilot.press("escape")
        await settle(pilot, app)
        assert diff.cursor == begun

    play_over(root, scene)


@pytest.mark.parametrize("pane", ["2", "3"])
def test_another_diff_is_searched_for_the_same_text(
    root: Path, play_over: Make, settle: Make, pane: str
) -> None:
    """As is the list of its files: what was found before stands there no more."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press(pane, "slash", *"roots", "enter", "1", "j")
        await settle(pilot, app)
        begun = app.main.diff.here, app.main.files.cursor
        await pilot.press("n")
        await settle(pilot, app)
        assert app.main.footer.sentence == "no hit for roots"
        assert (app.main.diff.here, app.main.files.cursor) == begun
        await pilot.press("k")
        await settle(pilot, app)
        await pilot.press("n")
        await settle(pilot, app)
        assert "no hit" not in app.main.footer.sentence

    play_over(root, scene)


def test_files_are_searched_by_path(root: Path, play_over: Make, settle: Make) -> None:
    """The cursor goes to the file."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("equals_sign", "G", "c")
        await settle(pilot, app)
        await pilot.press("2", "slash", *"soil", "enter")
        await settle(pilot, app)
        at = app.main.files.change_at(app.main.files.cursor)
        assert at is not None and app.main.files.changes[at].path == b"soil.py"

    play_over(root, scene)


def test_a_filter_that_was_left_is_not_applied_by_a_timer_that_had_gone_off(
    root: Path, play_over: Make, settle: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call may wait behind the key that leaves; what is typed and kept still counts."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("f", "escape")
        await settle(pilot, app)
        finding = app.main._finding
        assert finding is not None
        calls: list[Callable[[], object]] = []
        monkeypatch.setattr(finding.filter, "_later", _Later(calls))
        await pilot.press("f", "s", "o", "escape")
        await settle(pilot, app)
        for call in calls:
            call()
        assert len(calls) == 2
        assert finding.filter.query == "" and not app.main.timeline.filtered
        await pilot.press("f", "s", "o")
        calls[-1]()
        assert finding.filter.query == "so"

    play_over(root, scene)


class _Later:
    """Keeps the calls of timers; stopping one comes too late."""

    def __init__(self, calls: list[Callable[[], object]]) -> None:
        self._calls = calls

    def __call__(self, _: float, call: Callable[[], object]) -> _Later:
        self._calls.append(call)
        return self

    def stop(self) -> None:
        """Does nothing."""


@pytest.mark.parametrize("bare", [False, True])
def test_steps_that_do_not_fit_are_dimmed_instead_of_hidden(
    root: Path,
    play_over: Make,
    until: Make,
    settle: Make,
    screen_text: Make,
    monkeypatch: pytest.MonkeyPatch,
    bare: bool,
) -> None:
    """All stay listed where they were; `n` goes to those that fit; without colours they are faint, too."""
    if bare:
        monkeypatch.setenv("NO_COLOR", "1")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        await pilot.press("d")
        assert "no filter is set" in screen_text(app)[-1] and not timeline.dims
        await pilot.press("f", *"path", "colon", *"roots", "enter")
        await listed(pilot, app, until, 3)
        assert "d dims others  3 steps" in screen_text(app)[2]
        seq = timeline.selected_seq
        await pilot.press("d")
        await settle(pilot, app)
        assert timeline.count == 11 and timeline.selected_seq == seq
        assert "d hides others  3 steps fit" in screen_text(app)[2]
        fitting = [row for row in range(1, 11) if not is_faint(app, row)]
        assert fitting == [1, 4, 7]
        await pilot.press("n")
        assert timeline.selected_seq == 7
        await pilot.press("n", "n", "N")
        assert timeline.selected_seq == 4
        await pilot.press("j", "d")
        await settle(pilot, app)
        assert timeline.count == 4 and timeline.selected_seq == 4
        await pilot.press("d", "escape")
        await settle(pilot, app)
        assert not any(is_faint(app, row) for row in range(1, 11))
        # The disk stays selected when nothing is hidden from it.
        await pilot.press("g", "f", *"path", "colon", *"roots", "enter")
        await listed(pilot, app, until, 10)
        assert timeline.cursor == 0

    play_over(root, scene)


def is_faint(app: StepwellApp, row: int) -> bool:
    """Tells whether a row is drawn in one quiet style from end to end; without colours, a dim one."""
    timeline = app.main.timeline
    quiet = timeline.paint("dim" if row == timeline.cursor else "quiet")
    assert quiet.dim or not app.no_color
    return {part.style for part in timeline.draw_row(row, timeline.row_width)} == {quiet}
