"""The main screen over a history in memory: what is seen, what keys do, what growth does."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from stepwell.store.model.errors import FailedError
from stepwell.store.model.steps import Branch, Mark, Step, StepResult, View
from stepwell.store.model.tiering import Room
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import NEWEST, Opened
from stepwell.tui.keys.actions import actions_for
from stepwell.tui.look.glyphs import ASCII
from stepwell.tui.screens.main import MainScreen

Scene = Any
Make = Callable[..., Any]


def rolled_back(make_step: Make, memory: Make) -> Any:
    """A history with a failure, a checkpoint, an abandoned future and a gap."""
    mark = Mark("v1", (), ("base",))
    steps = [
        make_step(1, kind="capture", tool=None, title="first capture"),
        make_step(2, (1,), checkpoint=mark, title="keep [red]this[/red]"),
        make_step(3, (2,), tool="bash", title="pytest", result=StepResult(False, 1)),
        make_step(4, (2,), kind="rollback", tool=None, title="back to #2"),
        make_step(5, (4,), kind="gap", tool=None, reason="disk full"),
    ]
    return memory(steps, [Branch("main.1", steps[2].id, kept=True)])


def test_the_timeline_shows_lanes_words_chips_and_counts(
    play: Make, make_step: Make, memory: Make, screen_text: Make
) -> None:
    """Each kind of row stands in its columns at 80x24; markup in a title is only text."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        lines = [line.rstrip() for line in screen_text(app)[1:9]]
        assert lines[0].startswith("1 Timeline ─") and lines[0].endswith(" 1/5 ─")
        assert lines[1:7] == [
            " ○    now  disk    as in #5",
            "▌✕     1m  gap     not captured: disk full                             +5    -5",
            " ◆     1m  back    back to #2                                          +4    -4",
            " ┃ ●   1m  bash    pytest                              ✗ 1 ↱ main.1    +3    -3",
            " ●─╯   1m  edit    keep [red]this[/red]                   ⚑v1 #base    +2    -2",
            " ●     1m  capture first capture                                       +1    -1",
        ]

    play(rolled_back(make_step, memory), scene)


def test_ascii_terminals_get_ascii_only(
    play: Make, make_step: Make, memory: Make, screen_text: Make
) -> None:
    """Without UTF-8 no sign of ours needs it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        rows = screen_text(app)
        assert "| *" in rows[5]
        assert all(line.isascii() for line in rows), [r for r in rows if not r.isascii()]

    play(rolled_back(make_step, memory), scene, glyphs=ASCII)


def test_a_store_near_its_limit_is_told_in_the_first_line(
    play: Make, chain: Make, memory: Make, screen_text: Make, until: Make
) -> None:
    """Before captures fail, not when they do."""
    source = memory(chain(3))
    source.left = Room(used=95, limit=100, free=10**11, total=10**12)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: "store near its limit" in screen_text(app)[0])

    play(source, scene)


def test_moving_selects_and_shows_the_step_below(
    play: Make, chain: Make, memory: Make, settle: Make
) -> None:
    """Cursor, footer, files and diff speak of the same step."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        main = app.main
        await pilot.press("j", "j")
        await settle(pilot, app)
        assert main.timeline.selected_seq == 38
        assert main.diff.rows.changes[1].hunks[0].lines == (b"+DEPTH = 38\n",)
        assert len(main.files.changes) == 2
        await pilot.press("G")
        await settle(pilot, app)
        assert main.timeline.selected_seq == 1
        await pilot.press("g")
        assert main.timeline.cursor == 0
        await pilot.press("at")
        assert main.timeline.selected_seq == 40

    play(memory(chain(40)), scene)


def test_half_pages_move_the_cursor(play: Make, chain: Make, memory: Make) -> None:
    """ctrl+d and ctrl+u take the cursor along."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        start = app.main.timeline.cursor
        await pilot.press("ctrl+d")
        moved = app.main.timeline.cursor - start
        assert moved == app.main.timeline.size.height // 2
        await pilot.press("ctrl+u")
        assert app.main.timeline.cursor == start

    play(memory(chain(200)), scene)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50), (40, 10), (20, 5)])
def test_every_size_can_be_walked_through(
    play: Make, chain: Make, memory: Make, settle: Make, size: tuple[int, int]
) -> None:
    """Into files and diff and back out, wide or tiny; the focus is always to be seen."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        seen = [app.focused.id]
        for key in ("enter", "enter", "h", "h", "3", "tab", "shift+tab", "2", "z", "z", "1"):
            await pilot.press(key)
            await settle(pilot, app)
            assert app.focused is not None and app.focused.size.height > 0, key
            seen.append(app.focused.id)
        assert seen == [
            "timeline", "files", "diff", "files", "timeline", "diff", "timeline", "diff", "files",
            "files", "files", "timeline",
        ]  # fmt: skip

    play(memory(chain(30)), scene, size)


def test_resizing_keeps_the_selected_step_in_view(
    play: Make, chain: Make, memory: Make, settle: Make
) -> None:
    """A storm of sizes changes neither step nor focus."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        timeline.move_to(150)
        seq = timeline.selected_seq
        for size in ((120, 36), (40, 8), (200, 60), (30, 4), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot, app)
            assert timeline.selected_seq == seq
            assert app.focused is timeline
            top = timeline.scroll_offset.y
            assert top <= timeline.cursor < top + timeline.size.height

    play(memory(chain(300)), scene)


def test_new_steps_are_followed_at_the_top_only(
    play: Make, chain: Make, memory: Make, make_step: Make, settle: Make, screen_text: Make
) -> None:
    """At the top the newest step is selected; elsewhere the selection stays and news are counted."""
    source = memory(chain(40))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        source.grow(make_step(41, (40,)))
        app.gateway.poll()
        await settle(pilot, app)
        assert timeline.selected_seq == 41
        assert "follow" in screen_text(app)[0]
        await pilot.press("j", "j", "j")
        await settle(pilot, app)
        assert "follow" not in screen_text(app)[0]
        source.grow(make_step(42, (41,)), make_step(43, (42,)))
        app.gateway.poll()
        await settle(pilot, app)
        assert timeline.selected_seq == 38
        assert "▲ 2 new" in screen_text(app)[0]
        await pilot.press("g")
        await settle(pilot, app)
        assert "new" not in screen_text(app)[0]
        await pilot.press("j", "j", "F")
        await settle(pilot, app)
        assert timeline.selected_seq == 43 and "follow" in screen_text(app)[0]

    play(source, scene)


def test_not_following_leaves_the_newest_step_alone(
    play: Make, chain: Make, memory: Make, make_step: Make, settle: Make
) -> None:
    """`F` turns following off: the selected step stays selected even at the top."""
    source = memory(chain(40))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("F")
        source.grow(make_step(41, (40,)))
        app.gateway.poll()
        await settle(pilot, app)
        assert app.main.timeline.selected_seq == 40

    play(source, scene)


def test_rows_that_are_not_read_yet_are_drawn_as_skeletons(
    play: Make, chain: Make, memory: Make, settle: Make, screen_text: Make, until: Make
) -> None:
    """Moving never waits for the store; the text comes when it is there."""
    source = memory(chain(600))
    gate = threading.Event()
    read = source.steps

    def slow(**wanted: Any) -> list[Step]:
        if wanted.get("before_seq") is not None:
            assert gate.wait(10)
        return read(**wanted)

    source.steps = slow

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("G")
        await pilot.pause()
        assert app.main.timeline.cursor == 600
        assert "···" in screen_text(app)[4]
        gate.set()
        await settle(pilot, app)
        await until(lambda: "change" in screen_text(app)[4])
        assert app.main.diff.rows.changes[1].hunks[0].lines == (b"+DEPTH = 1\n",)

    play(source, scene)
    gate.set()


def test_a_long_history_is_read_by_the_page(
    play: Make, chain: Make, memory: Make, settle: Make
) -> None:
    """To the end and back reads what was looked at, not what lies between."""
    source = memory(chain(20_000))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        source.reads.clear()
        for key in ("G", "g", "G", "ctrl+u"):
            await pilot.press(key)
            await settle(pilot, app)
        assert sum(source.reads) <= 4 * 256

    play(source, scene)


def test_a_held_key_reads_the_last_step_only(
    play: Make, chain: Make, memory: Make, settle: Make
) -> None:
    """Diffs of steps that the cursor only passes are not read."""
    source = memory(chain(60))
    asked: list[int] = []
    plain = source.step_changes
    source.step_changes = lambda step, **k: (asked.append(step.seq), plain(step, **k))[1]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        asked.clear()
        for _ in range(12):
            app.main.timeline.action_cursor_down()
        await settle(pilot, app)
        await pilot.pause(0.15)
        await settle(pilot, app)
        # Its neighbours are read once it is there.
        assert asked[0] == 48 and set(asked[1:]) <= {46, 47, 49}

    play(source, scene, rest_s=0.06)


def test_going_away_and_back_at_once_still_reads_the_step(
    play: Make, chain: Make, memory: Make, until: Make, screen_text: Make
) -> None:
    """What was under way for it was given up, and is asked for anew."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        app.post_message(events.Key("G", "G"))
        await until(
            lambda: any("Detail" in t and "#1 " in n for t, n in pairwise(screen_text(app)))
        )
        for key in "kj":
            app.post_message(events.Key(key, key))
            await pilot.pause()
        await until(lambda: any("Diff #1 " in line for line in screen_text(app)))

    play(memory(chain(9)), scene, (120, 36), rest_s=0.4)


def test_an_empty_and_a_single_step_history_look_right(
    play: Make, memory: Make, make_step: Make, screen_text: Make
) -> None:
    """One step has no diff of lines but a place; nothing crashes."""

    async def one(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "1 step " in screen_text(app)[0]
        assert screen_text(app)[3].startswith("▌◉")

    play(memory([make_step(1, kind="capture", tool=None, title="first capture")]), one)


def test_landmarks_are_found_both_ways(
    play: Make, make_step: Make, memory: Make, settle: Make
) -> None:
    """`>` goes to older ones, `<` to newer ones; at the end the footer says so."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        stops = []
        for key in (">", ">", ">", ">", "<"):
            await pilot.press({"<": "less_than_sign", ">": "greater_than_sign"}[key])
            await settle(pilot, app)
            stops.append(app.main.timeline.selected_seq)
        assert stops == [4, 3, 2, 2, 3]
        await pilot.press("greater_than_sign", "greater_than_sign")
        await settle(pilot, app)
        assert "no older" in app.main.footer.sentence

    play(rolled_back(make_step, memory), scene)


def test_times_are_relative_or_absolute(
    play: Make, chain: Make, memory: Make, screen_text: Make
) -> None:
    """`T` switches all rows."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "  5s  edit" in screen_text(app)[3]
        await pilot.press("T")
        await pilot.pause()
        assert "14:02:14  edit" in screen_text(app)[3]

    play(memory(chain(5)), scene)


def test_a_key_that_can_do_nothing_says_why(play: Make, chain: Make, memory: Make) -> None:
    """Restoring the disk to itself is refused in a sentence, which the next key takes away."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("g", "r")
        assert "select a step" in app.main.footer.sentence
        await pilot.press("j")
        assert app.main.footer.sentence == ""

    play(memory(chain(5)), scene)


def test_a_failed_call_is_said_in_the_footer(
    play: Make, chain: Make, memory: Make, settle: Make
) -> None:
    """The store's sentence and hint are shown; the screen goes on."""
    source = memory(chain(5))

    def fail() -> Any:
        raise FailedError("the disk said no\x1b[2J", hint="look at it")

    source.status = fail

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert app.main.footer.sentence == (
            "cannot compare the disk: the disk said no\\x1b[2J (look at it)"
        )
        await pilot.press("j")
        assert app.main.timeline.selected_seq == 4

    play(source, scene)


def test_a_defect_ends_the_screen_with_its_traceback(play: Make, chain: Make, memory: Make) -> None:
    """A bug in a call must not look like an empty timeline."""
    source = memory(chain(5))
    source.graph = lambda: 1 // 0

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        play(source, scene)


def test_the_screen_is_there_before_the_store_is_read(
    chain: Make, memory: Make, settle: Make, screen_text: Make
) -> None:
    """However long the newest steps take; what reads them is asked for them once."""
    source, gate, limits = memory(chain(100)), threading.Event(), list[int]()

    def newest(limit: int) -> tuple[View, list[Step]]:
        limits.append(limit)
        assert gate.wait(10)
        return source.view(), source.steps(limit=limit)

    async def scene() -> None:
        opened = Opened(source.root, lambda: source, newest=newest)
        app = StepwellApp(opened, Settings(poll_s=0, tick_s=0))
        async with app.run_test() as pilot:
            await pilot.pause()
            assert "reading" in "\n".join(screen_text(app)) and not app.idle
            gate.set()
            await settle(pilot, app)
            assert len(app.main.timeline.columns) == 100

    asyncio.run(scene())
    assert limits == [NEWEST]


def test_the_first_frame_is_laid_out_for_its_size(
    play: Make, chain: Make, memory: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as a narrow one first, until Textual tells the size."""
    seen: list[frozenset[str]] = []
    told = MainScreen.on_resize

    def resized(screen: MainScreen) -> None:
        seen.append(screen.classes)
        told(screen)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert seen[0] >= {"-medium", "-tall"} and seen[-1] == seen[0]

    monkeypatch.setattr(MainScreen, "on_resize", resized)
    play(memory(chain(5)), scene, size=(120, 36))


def test_the_disk_is_compared_once_the_history_is_there(
    play: Make, chain: Make, memory: Make, settle: Make
) -> None:
    """The first steps share the interpreter with nothing, and the disk is read once."""
    source, calls = memory(chain(100)), list[str]()
    steps, graph, status = source.steps, source.graph, source.status

    def told(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def tell(**wanted: Any) -> Any:
            calls.append(name)
            return call(**wanted)

        return tell

    source.steps, source.graph = told("steps", steps), told("graph", graph)
    source.status = told("status", status)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert calls[:3] == ["steps", "steps", "graph"]
        assert calls.count("status") == 1

    play(source, scene)


@pytest.mark.parametrize("part", ["steps", "graph"])
def test_the_disk_is_compared_although_the_history_cannot_be_read(
    play: Make, chain: Make, memory: Make, settle: Make, screen_text: Make, until: Make, part: str
) -> None:
    """At the next tick, and with it the room that is left; the error stays on the screen."""
    source = memory(chain(5))
    source.left = Room(used=95, limit=100, free=10**11, total=10**12)

    def fail(**_: Any) -> Any:
        raise FailedError("the disk said no")

    setattr(source, part, fail)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        app.main.tick()
        await settle(pilot, app)
        assert app.main.footer.sentence == "cannot read the timeline: the disk said no"
        await until(lambda: "store near its limit" in screen_text(app)[0])

    play(source, scene)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (200, 60)])
def test_the_disk_row_counts_what_differs(
    play: Make,
    chain: Make,
    memory: Make,
    settle: Make,
    screen_text: Make,
    size: tuple[int, int],
) -> None:
    """`now` says how many files differ, whole at any width, and shows their diff when selected."""
    source = memory(chain(5))
    source.dirty = source.step_changes(source.known[0])

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "2 files changed since #5" in screen_text(app)[2]
        await pilot.press("g")
        await settle(pilot, app)
        assert app.main.diff.rows.changes == source.dirty

    play(source, scene, size)


def test_the_disk_row_names_the_step_that_the_disk_was_compared_with(
    play: Make, chain: Make, memory: Make, make_step: Make, settle: Make, screen_text: Make,
    until: Make,
) -> None:  # fmt: skip
    """A step that came since says nothing of the disk before it was compared anew."""
    source, gate = memory(chain(3)), threading.Event()
    compare = source.status

    def slow() -> Any:
        assert gate.wait(10)
        return compare()

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        source.status = slow
        source.grow(make_step(4, (3,)))
        app.gateway.poll()
        await until(lambda: "change 4" in screen_text(app)[3])
        assert "as in #3" in screen_text(app)[2]
        gate.set()
        await settle(pilot, app)
        assert "as in #4" in screen_text(app)[2]

    play(source, scene)


def held(source: Any) -> tuple[threading.Event, threading.Event]:
    """Holds the first look at the history; returns what is set when it begins, and what ends it."""
    begun, go = threading.Event(), threading.Event()
    steps = source.steps

    def slow(**wanted: Any) -> list[Step]:
        begun.set()
        assert go.wait(10)
        return steps(**wanted)

    source.steps = slow
    return begun, go


def test_a_slow_first_look_at_the_history_shares_with_no_comparison(
    play: Make, chain: Make, memory: Make, settle: Make, until: Make
) -> None:
    """However many ticks pass meanwhile: the disk is compared once the history is there, and once."""
    source, was_whole = memory(chain(100)), list[bool]()
    (begun, go), status = held(source), source.status

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        def noted() -> Any:
            was_whole.append(app.main.timeline.columns.complete)
            return status()

        source.status = noted
        await until(begun.is_set)
        app.main.tick()
        app.main.tick()
        go.set()
        await settle(pilot, app)
        assert was_whole == [True]

    play(source, scene, is_unread=True)


def test_a_screen_that_is_closed_keeps_nothing_of_the_history_back(
    play: Make, chain: Make, memory: Make, until: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the next frame goes with the screen on top when that is left first."""
    real, dropped = MainScreen.call_after_refresh, []

    def drop(self: MainScreen, callback: Any, *arguments: Any, **keywords: Any) -> bool:
        if callback != self._read_on:
            return real(self, callback, *arguments, **keywords)
        dropped.append(callback)
        return True

    monkeypatch.setattr(MainScreen, "call_after_refresh", drop)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: dropped)
        assert not app.main.timeline.columns.complete
        await until(lambda: app.main.timeline.columns.complete, 10)

    play(memory(chain(100)), scene, is_unread=True)


def test_help_lists_and_runs_the_keys_of_the_pane(
    play: Make, chain: Make, memory: Make, settle: Make, screen_text: Make
) -> None:
    """`?` opens the table; enter on a row does what its key does."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("question_mark")
        await settle(pilot, app)
        assert any("rollback: preview going back to this step" in line for line in screen_text(app))
        await pilot.press(*"last row", "enter")
        await settle(pilot, app)
        assert app.main.timeline.selected_seq == 1

    play(memory(chain(40)), scene)


# Over a history in memory; tests/tui/test_keys.py presses these, too, over a real one.
OPENING = {
    "leave", "help", "operations", "undo", "redo", "restore", "restore_picked", "branches",
    "branch_here", "seek", "command", "sessions", "statistics", "annotate", "annotate_line", "tag",
    "experiments", "merging", "copy", "edit", "pager",
}  # fmt: skip
KEYS = [
    key
    for scope in ("everywhere", "list", "timeline", "files", "diff")
    for action in actions_for(scope)
    for key in action.keys
    if action.id not in OPENING
]


@pytest.mark.parametrize("seed", [1, 2])
def test_no_sequence_of_keys_breaks_the_screen(
    play: Make, make_step: Make, memory: Make, settle: Make, seed: int
) -> None:
    """Any keys in any order leave a focus and a cursor within the list."""
    chosen = random.Random(seed).choices(KEYS, k=36)

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        for key in chosen:
            await pilot.press(key)
        await settle(pilot, app)
        timeline = app.main.timeline
        assert 0 <= timeline.cursor < timeline.count
        assert app.focused is not None

    play(rolled_back(make_step, memory), scene, (100, 30))


def test_light_and_dark_themes_draw_the_same_text(
    play: Make, make_step: Make, memory: Make, screen_text: Make
) -> None:
    """A theme changes colours only."""
    seen: list[list[str]] = []

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        seen.append(screen_text(app))

    for theme in ("stepwell", "stepwell-light"):
        play(rolled_back(make_step, memory), scene, theme=theme)
    assert seen[0] == seen[1]


def test_a_repeated_read_shows_new_marks(
    play: Make, chain: Make, memory: Make, settle: Make, screen_text: Make, make_step: Make
) -> None:
    """A mark that another process set on an old step appears."""
    source = memory(chain(300))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("G")
        await settle(pilot, app)
        source.known[0] = replace(source.known[0], checkpoint=Mark("origin"))
        source.grow(make_step(301, (300,)))
        app.gateway.poll()
        await settle(pilot, app)
        assert any("⚑origin" in line for line in screen_text(app))

    play(source, scene)


def test_ages_grow_with_the_clock(play: Make, chain: Make, memory: Make, screen_text: Make) -> None:
    """A tick draws anew what the passing of time has changed."""
    now = [1_783_087_339_000_000_000]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "  5s  edit" in screen_text(app)[3]
        now[0] += 7_000_000_000
        app.main.tick()
        await pilot.pause()
        assert " 12s  edit" in screen_text(app)[3]

    play(memory(chain(5)), scene, clock=lambda: now[0])


def test_a_workspace_that_is_new_says_what_to_do_next(
    chain: Make, memory: Make, play: Make, until: Make
) -> None:
    """Until the first key or the second step, and only while there is no more than the first step."""

    async def first(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "stepwell install claude" in app.main.footer.sentence
        await pilot.press("j")
        assert not app.main.footer.sentence

    async def later(pilot: Pilot[int], app: StepwellApp) -> None:
        assert not app.main.footer.sentence

    growing = memory(chain(1))

    async def recorded(pilot: Pilot[int], app: StepwellApp) -> None:
        assert app.main.footer.sentence
        growing.grow(*chain(2)[1:])
        app.gateway.poll()
        await until(lambda: not app.main.footer.sentence)

    play(growing, recorded)
    play(memory(chain(1)), first)
    play(memory(chain(2)), later)
