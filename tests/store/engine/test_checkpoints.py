"""Checkpoints that nobody asked for: before large changes, and before changes of dependencies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stepwell.store import CaptureConfig, Step, Workspace
from stepwell.store.engine.checkpoints import (
    DEPENDENCIES,
    LARGE,
    MANY_FILES,
    MANY_LINES,
    is_automatic,
    is_manifest,
)
from stepwell.store.engine.pruning.choose import DAY_NS
from stepwell.store.model.retention import Policy


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"package.json", True),
        (b"apps/web/pnpm-lock.yaml", True),
        (b"requirements.txt", True),
        (b"requirements/dev.in", False),
        (b"requirements-dev.txt", True),
        (b"pyproject.toml", True),
        (b"src/App.csproj", True),
        (b"go.sum", True),
        (b"Cargo.lock", True),
        (b"Gemfile", True),
        (b"my.gemspec", True),
        (b"pom.xml", True),
        (b"app/build.gradle.kts", True),
        (b"Package.swift", True),
        (b"mix.lock", True),
        (b"flake.lock", True),
        (b"package.json.bak", False),
        (b"src/package_json.py", False),
    ],
)
def test_manifests_of_many_ecosystems_are_known(path: bytes, expected: bool) -> None:
    """By their names, in whatever folder."""
    assert is_manifest(path) is expected


def before(ws: Workspace, step: Step) -> Step:
    return ws.get_step(step.parents[0])


def test_the_step_before_a_large_change_is_marked(either: Workspace, project: Path) -> None:
    """With its size as the reason; undo is not about that; a small change marks nothing."""
    (project / "a").write_text("a\n")
    small = either.capture("small", session="claude:1")
    assert before(either, small).checkpoint is None
    for number in range(MANY_FILES):
        (project / f"file{number}").write_text("x\n")
    large = either.capture("many files", session="claude:1")
    mark = either.get_step(small.id).checkpoint
    assert mark is not None and mark.tags == (LARGE,) and is_automatic(mark)
    assert mark.notes[0].text == f"a large change ({MANY_FILES} files, +{MANY_FILES} −0) follows"
    assert mark.notes[0].by == "stepwell" and not either.view().undoables
    assert before(either, large).checkpoint == mark


def test_taking_many_lines_away_is_a_large_change(ws: Workspace, project: Path) -> None:
    """Adding them is not: a new file is no danger to the old ones."""
    (project / "long").write_text("line\n" * MANY_LINES)
    long = ws.capture("long")
    assert before(ws, long).checkpoint is None
    (project / "long").write_text("")
    ws.capture("cut")
    mark = ws.get_step(long.id).checkpoint
    assert mark is not None and mark.tags == (LARGE,)


def test_the_step_before_a_change_of_dependencies_is_marked(ws: Workspace, project: Path) -> None:
    """Beside what a person's mark says; the same reason twice is told once."""
    start = ws.mark(ws.head(), label="start", tags=("mine",))
    (project / "package.json").write_text("{}\n")
    step = ws.capture("deps")
    mark = ws.get_step(start.id).checkpoint
    assert mark is not None and mark.tags == ("mine", DEPENDENCIES) and not is_automatic(mark)
    assert mark.notes[0].text == "a change of dependencies (package.json) follows"
    ws.apply(ws.plan_rollback(start))
    (project / "go.mod").write_text("module x\n")
    ws.capture("again")
    assert ws.get_step(start.id).checkpoint == mark
    assert ws.get_step(step.id).checkpoint is None


def test_who_does_not_want_them_gets_none(project: Path, home: Path) -> None:
    """As `mode = "off"` of the rules says."""
    with Workspace.init(project, home=home, config=CaptureConfig(checkpoints=False)) as ws:
        (project / "package.json").write_text("{}\n")
        assert before(ws, ws.capture("deps")).checkpoint is None
        assert not ws.mark_unasked("x", "y") and not ws.view().marks


def test_one_before_a_large_change_is_kept_while_its_session_goes_on(
    project: Path, home: Path
) -> None:
    """One before a change of dependencies for longer: until the tests pass."""
    now = [DAY_NS * 100]

    def clock() -> int:
        now[0] += 1_000_000
        return now[0]

    with Workspace.init(project, home=home, clock=clock) as ws:
        kept: dict[str, Step] = {}
        for name in ("large", "deps"):
            (project / "a").write_text(f"{name}\n")
            kept[name] = ws.capture(f"before {name}", session="claude:1")
            (project / "package.json").write_text(f"{name}\n") if name == "deps" else None
            for number in range(MANY_FILES) if name == "large" else ():
                (project / f"file{number}").write_text("x\n")
            ws.capture(name, session="claude:1")
        for number in range(3):
            (project / "a").write_text(f"more {number}\n")
            ws.capture("more", session="claude:1")
        policy = replace(Policy(), keep_last=1, hourly=0, daily=0, per_session=1, safety_days=0)
        dropped = {one.step for one in ws.plan_prune(policy).dropped}
        assert dropped and kept["large"].id not in dropped and kept["deps"].id not in dropped
        now[0] += 2 * DAY_NS
        (project / "a").write_text("later\n")
        ws.capture("later", session="codex:2")
        dropped = {one.step for one in ws.plan_prune(policy).dropped}
        assert kept["large"].id in dropped and kept["deps"].id not in dropped
        ws.release_marks(DEPENDENCIES, ws.head())
        assert kept["deps"].id in {one.step for one in ws.plan_prune(policy).dropped}
