"""When all is well: milestones with quality and a baseline, and what waited for that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.engine.checkpoints import DEPENDENCIES
from stepwell.store.rules.background import Background
from stepwell.store.rules.passing import PASSED

REPORT = "run = 'cat report'"
RULES = f"[rules.tests]\n{REPORT}\n[rules.build]\nkind = 'compile'\nrun = 'test ! -f broken'\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(RULES)
    return path


Write = Callable[..., Step]


@pytest.fixture
def write(ws: Workspace, project: Path) -> Write:
    def record(**files: str) -> Step:
        for name, text in files.items():
            (project / name.replace("__", ".")).write_text(text + "\n")
        return ws.capture("work", session="claude:1")

    return record


def test_tests_that_pass_make_a_milestone_with_quality_and_baseline(
    ws: Workspace, config: Path, write: Write
) -> None:
    """Once for the same files; undo is about what a person did, so it is not about that."""
    step = write(report="4 passed, 1 skipped in 0.10s")
    verdicts = {one.rule: one for one in ws.check(config=config)}
    assert verdicts["tests"].action == "milestone" and verdicts["build"].action == "none"
    mark = ws.get_step(step.id).checkpoint
    assert mark is not None and mark.tags == (PASSED,) and mark.milestone is not None
    assert mark.notes[0].text == "all 4 tests pass, and nothing fails to compile"
    tests = mark.milestone["quality"]["checks"]["tests"]
    assert (tests["passed"], tests["failed"], tests["total"]) == (4, 0, 5)
    assert mark.milestone["baseline"]["duration_ms"] >= 0
    assert mark.milestone["project_state"]["files"] == 3
    assert not ws.view().undoables
    assert {one.action for one in ws.check(config=config)} == {"none"}


def test_no_milestone_where_something_fails_or_nothing_was_counted(
    ws: Workspace, config: Path, write: Write
) -> None:
    """One test of many is enough, though it is no reason to go back."""
    for files in (
        {"report": "9 passed, 1 failed in 0.10s"},
        {"report": "all fine"},
        {"report": "9 passed in 0.10s", "broken": "x"},
    ):
        step = write(**files)
        ws.check(config=config)
        assert ws.get_step(step.id).checkpoint is None


def test_a_checkpoint_before_dependencies_stays_until_the_tests_pass(
    ws: Workspace, config: Path, write: Write
) -> None:
    """Then it has served."""
    before = ws.head()
    write(package__json="{}", report="1 failed in 0.10s")
    ws.check(config=config)
    mark = ws.get_step(before.id).checkpoint
    assert mark is not None and mark.tags == (DEPENDENCIES,)
    write(report="1 passed in 0.10s")
    ws.check(config=config)
    assert ws.get_step(before.id).checkpoint is None


def test_a_performance_rule_is_compared_with_the_milestones_own_figure(
    ws: Workspace, config: Path, write: Write
) -> None:
    """The baseline is of that rule, so that a slow test suite says nothing about the program."""
    fast = (
        "[rules.speed]\nkind = 'performance'\nrun = 'sh -c \"sleep $(cat pause)\"'\nconfirm = 1\n"
    )
    config.write_text(f"{RULES}{fast}")
    good = write(report="1 passed in 0.10s", pause="0.05")
    first = {one.rule: one for one in ws.check(config=config)}
    assert first["speed"].ok is None and first["tests"].action == "milestone"
    mark = ws.get_step(good.id).checkpoint
    assert mark is not None and mark.milestone is not None
    assert mark.milestone["baseline"]["rule"] == "speed"
    write(pause="0.6")
    slow = {one.rule: one for one in ws.check(["speed"], config=config)}["speed"]
    assert slow.ok is False and slow.target == good.id and slow.action == "suggest"


def test_at_the_end_of_a_turn_the_background_makes_the_milestone(
    ws: Workspace, config: Path, write: Write, project: Path, home: Path
) -> None:
    """Not before: what is well in the middle of a turn may be half of it."""
    config.write_text(RULES.replace("[rules.build]", "quiet_ms = 0\n[rules.build]\nquiet_ms = 0"))
    with Workspace.open(project, home=home) as own:
        background = Background(own, config, {"PATH": "/usr/bin:/bin"}, lambda: False)
        background.begin()
        background.tick()
        step = write(report="4 passed in 0.10s")
        background.tick()
        ws.refresh()
        assert ws.get_step(step.id).checkpoint is None
        background.turn_ended()
        background.tick()
    ws.refresh()
    mark = ws.get_step(step.id).checkpoint
    assert mark is not None and mark.milestone is not None
