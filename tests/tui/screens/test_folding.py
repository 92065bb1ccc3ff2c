"""Turn headers and folds on the main screen: what is seen, and where the cursor stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from stepwell.store.model.steps import Step, StepResult
from stepwell.tui.app import StepwellApp
from stepwell.tui.values import ChangeCounts

Make = Callable[..., Any]
QUIET = ChangeCounts()


def two_turns(make_step: Make) -> list[Step]:
    """A turn with a run of reads and a failure, and a turn of another agent."""
    one: dict[str, Any] = {"session": "claude:1", "agent": "claude"}
    two: dict[str, Any] = {"session": "codex:2", "agent": "codex"}
    return [
        make_step(1, kind="capture", tool=None),
        make_step(2, (1,), kind="prompt", tool=None, title="plant a tree", changes=QUIET, **one),
        make_step(3, (2,), title="dig", **one),
        make_step(4, (3,), tool="read", title="read soil.py", changes=QUIET, **one),
        make_step(5, (4,), tool="read", title="read rain.py", changes=QUIET, **one),
        make_step(6, (5,), tool="bash", title="pytest", result=StepResult(False, 1), **one),
        make_step(7, (6,), kind="prompt", tool=None, title="water it", changes=QUIET, **two),
        make_step(8, (7,), title="pour", **two),
        make_step(9, (8,), title="pour more", **two),
    ]


def test_a_prompt_heads_its_turn(
    play: Make, make_step: Make, memory: Make, screen_text: Make
) -> None:
    """Its text stands over the whole width; steps, failures and a change of agent at the right."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        rows = [line.rstrip() for line in screen_text(app)]
        prompts = [row for row in rows if "❯" in row]
        assert prompts == [
            " ●   1m  ❯ water it                                              codex  2 steps",
            " ●   1m  ❯ plant a tree                                     claude  4 steps ✗ 1",
        ]

    play(memory(two_turns(make_step)), scene, (80, 30))


def test_folding_keeps_the_cursor_at_its_step(
    play: Make, make_step: Make, memory: Make, settle: Make, screen_text: Make
) -> None:
    """`-` folds the run, then the turn; the row that stands for them leads back to the step."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        timeline.go_to(5)
        await pilot.press("minus")
        await settle(pilot, app)
        assert timeline.selected_seq == 4
        assert any("read soil.py" in row and "▸ 2 unchanged" in row for row in screen_text(app))
        await pilot.press("minus")
        await settle(pilot, app)
        assert timeline.selected_seq == 2
        rows = screen_text(app)
        assert any("plant a tree" in row and "▸ 4 steps ✗ 1" in row for row in rows)
        assert not any("dig" in row for row in rows[:14])
        assert timeline.title_right == "4/5, 4 folded"
        await pilot.press("plus", "plus")
        await settle(pilot, app)
        assert timeline.selected_seq == 5
        await pilot.press("plus")
        assert timeline.selected_seq == 5
        assert "nothing is folded here" in app.main.footer.sentence

    play(memory(two_turns(make_step)), scene, (80, 30))


def test_everything_folds_by_levels(
    play: Make, make_step: Make, memory: Make, settle: Make
) -> None:
    """Runs, turns, nothing again; the selected step is found again at the end."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        timeline.go_to(5)
        counts = []
        for _ in range(3):
            await pilot.press("underscore")
            await settle(pilot, app)
            counts.append((timeline.count, timeline.selected_seq))
        assert counts == [(9, 4), (5, 2), (10, 5)]

    play(memory(two_turns(make_step)), scene)


def test_new_steps_join_their_folded_turn(
    play: Make, make_step: Make, memory: Make, settle: Make, screen_text: Make
) -> None:
    """While another process records, what is folded stays folded and its count grows."""
    source = memory(two_turns(make_step))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await pilot.press("underscore", "underscore")
        source.grow(make_step(10, (9,), session="codex:2", title="rest"))
        app.gateway.poll()
        await settle(pilot, app)
        rows = screen_text(app)
        assert any("water it" in row and "▸ 3 steps" in row for row in rows)
        assert app.main.timeline.selected_seq == 10
        assert not any("pour" in row for row in rows[:9])

    play(source, scene, (80, 30))


def test_a_filter_is_not_folded(play: Make, make_step: Make, memory: Make, settle: Make) -> None:
    """Its steps are listed one by one, and the folds are back when it goes."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        timeline = app.main.timeline
        await pilot.press("underscore", "underscore")
        await pilot.press(*"fread", "enter")
        await settle(pilot, app)
        assert timeline.count == 3
        await pilot.press("minus")
        assert "a filter" in app.main.footer.sentence
        await pilot.press("escape")
        await settle(pilot, app)
        assert timeline.count == 5

    play(memory(two_turns(make_step)), scene)


def test_titles_take_the_room_of_absent_columns(
    play: Make, make_step: Make, memory: Make, screen_text: Make
) -> None:
    """At 120 columns a title gives way to the counts that its step has, and to no empty column."""
    title = "read the whole of the manual of the watering can first"
    steps = [
        make_step(1),
        make_step(2, (1,), title=title, changes=QUIET),
        make_step(3, (2,), title=title, changes=ChangeCounts(1, 7, 0)),
    ]

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        rows = [line.split("│")[0] for line in screen_text(app)]
        quiet = next(row for row in rows if title[:20] in row and "+7" not in row)
        loud = next(row for row in rows if "+7" in row)
        room = len(quiet.rstrip()) - quiet.index("read the")
        assert quiet.rstrip().endswith("…") and room >= 38
        assert loud.rstrip().endswith("… +7")

    play(memory(steps), scene, (120, 36))
