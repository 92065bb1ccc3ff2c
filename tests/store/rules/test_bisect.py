"""Bisecting: which step broke something, tried in scratch copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.trees import contents

from stepwell.store import Act, FailedError, Step, UsageError, Workspace
from stepwell.store.service.held import HeldWorkspace

TEST = ["sh", "-c", "test $(cat number) -lt 700"]


@pytest.fixture
def steps(ws: Workspace, project: Path, home: Path) -> Callable[[int], list[Step]]:
    """Records so many steps, each with its number in a file."""

    def record(count: int) -> list[Step]:
        found = []
        with HeldWorkspace.open(project, home=home, durability="fast") as quick:
            quick.hold(5.0)
            for number in range(count):
                (project / "number").write_text(f"{number}\n")
                found.append(quick.capture(f"number {number}", session="claude:1"))
        ws.refresh()
        return found

    return record


def test_a_thousand_steps_take_twelve_tries(
    ws: Workspace, steps: Callable[[int], list[Step]], project: Path
) -> None:
    """The two ends are among them; the workspace is not touched."""
    found = steps(1_000)
    before = contents(project)
    result = ws.bisect(found[0], found[-1], TEST)
    assert result.first_bad == found[700] and result.last_good == found[699]
    assert result.tried <= 12 and result.skipped == 0 and result.suspects == ()
    assert contents(project) == before and not list((ws.store / "scratch").iterdir())


def test_the_step_comes_with_its_prompt_and_what_cannot_be_tried_is_skipped(
    ws: Workspace, project: Path
) -> None:
    """Several at once; status 125 says that a step cannot be tried; a gap is not even looked at."""
    good = ws.capture("begin")
    prompt = Act("make it 5", "prompt", session="claude:1", turn=1, prompt="Make it 5.\nPlease.")
    ws.record(act=prompt)
    found = []
    for number in range(12):
        (project / "number").write_text(f"{number}\n")
        act = Act(f"write {number}", "tool", session="claude:1", turn=1, tool="Write")
        found.append(ws.record(act=act).step)
    ws.note_gap("the disk was full")
    program = "test -f number || exit 0; n=$(cat number); [ $n = 4 ] && exit 125; [ $n -lt 5 ]"
    seen: list[int] = []
    result = ws.bisect(
        good, "@", ["sh", "-c", program], jobs=3, report=lambda step, _: seen.append(step.seq)
    )
    assert result.first_bad == found[5] and result.last_good == found[3]
    assert result.suspects == (found[4],) and result.skipped == 1
    assert result.prompt == "Make it 5." and len(seen) == result.tried


def test_it_follows_the_line_that_leads_there(ws: Workspace, project: Path) -> None:
    """What a rollback left behind is not on it."""
    file = project / "number"
    file.write_text("1\n")
    good = ws.capture("one")
    file.write_text("800\n")
    ws.capture("a dead end")
    ws.apply(ws.plan_rollback(good))
    file.write_text("2\n")
    two = ws.capture("two")
    file.write_text("900\n")
    bad = ws.capture("bad")
    result = ws.bisect(good, bad, TEST)
    assert result.first_bad == bad and result.last_good == two


def test_ends_that_are_not_what_they_were_given_as_are_refused(
    ws: Workspace, steps: Callable[[int], list[Step]]
) -> None:
    """So is an order that leads nowhere."""
    found = steps(4)
    with pytest.raises(FailedError, match=r"succeeds at step #5, which was given as bad"):
        ws.bisect(found[0], found[-1], "true")
    with pytest.raises(FailedError, match=r"fails at step #2, which was given as good"):
        ws.bisect(found[0], found[-1], "false")
    with pytest.raises(UsageError, match="does not come before"):
        ws.bisect(found[2], found[1], TEST)
    with pytest.raises(UsageError):
        ws.bisect(found[0], found[1], TEST, jobs=0)


def test_stopping_ends_all_tries(ws: Workspace, steps: Callable[[int], list[Step]]) -> None:
    """Promptly, and nothing is left."""
    found = steps(3)
    with pytest.raises(KeyboardInterrupt):
        ws.bisect(found[0], found[-1], "sleep 60", is_stopped=lambda: True)
    assert not list((ws.store / "scratch").iterdir())
