"""What a milestone holds: the project, its history since the one before, its sources, its checks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stepwell.store import Workspace
from stepwell.store.cli.milestonewords import milestone_lines
from stepwell.store.engine.recording import Act
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import Step, StepResult

BRANCHY = "def way(a):\n    if a == 1:\n        return 2\n    return 3 if a else 4\n"


def held(step: Step) -> dict[str, object]:
    assert step.checkpoint is not None and step.checkpoint.milestone is not None
    return dict(step.checkpoint.milestone)


def edit(ws: Workspace, project: Path, name: str, text: str, ok: bool = True) -> Step:
    (project / name).write_text(text)
    act = Act(name, "tool", session="me:1", turn=1, tool="Edit", result=StepResult(ok))
    return ws.record(act=act).step


def test_it_holds_the_project_and_the_steps_since_the_one_before(
    ws: Workspace, project: Path
) -> None:
    """Counted along its own line; whoever marks it."""
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o755)
    os.symlink("run.sh", project / "link")
    first = ws.mark(edit(ws, project, "a.py", "1\n"), milestone=True)
    state = held(first)["project_state"]
    assert isinstance(state, dict)
    assert (state["links"], state["executables"], state["branch"]) == (1, 1, "main")
    assert state["kinds"][".py"] >= 1 and state["files"] == sum(state["kinds"].values())
    for number in range(3):
        edit(ws, project, "a.py", f"{number}\n" * 2, ok=number != 1)
    second = ws.mark(ws.head(), milestone=True)
    history = held(second)["history"]
    assert isinstance(history, dict)
    assert (history["since"], history["since_seq"]) == (first.id, first.seq)
    assert (history["steps"], history["commands"], history["failed"]) == (3, 3, 1)
    assert history["seqs"] == [[first.seq + 1, first.seq + 3]]
    assert history["sessions"] == ["me:1"] and history["turns"] == 1
    assert (history["added"], history["deleted"]) == (6, 5)


def test_marking_it_again_changes_nothing_of_it(ws: Workspace, project: Path) -> None:
    """It is what it was when it became one."""
    once = held(ws.mark(ws.head(), milestone=True))
    edit(ws, project, "a.py", "later\n")
    step = ws.get_step("#1")
    assert held(ws.mark(step, milestone=True, tags=("again",))) == once
    assert held(ws.get_step("#1")) == once


def test_its_quality_is_of_the_sources_that_changed_since(ws: Workspace, project: Path) -> None:
    """The worst function by name; what is in no known language counts nothing."""
    ws.mark_milestone(edit(ws, project, "old.py", BRANCHY * 3))
    edit(ws, project, "notes.txt", "if if if\n")
    step = ws.mark_milestone(edit(ws, project, "new.py", BRANCHY), label="v2", note="all well")
    assert step.checkpoint is not None and step.checkpoint.label == "v2"
    quality = held(step)["quality"]
    assert isinstance(quality, dict)
    assert (quality["files"], quality["functions"], quality["complexity"]) == (1, 1, 3)
    assert quality["worst"] == {"path": "new.py", "name": "way", "line": 1, "complexity": 3}
    assert held(step)["baseline"] is None


def test_checks_of_the_same_files_are_its_quality_and_baseline(
    ws: Workspace, project: Path
) -> None:
    """Also when they ran at another step with those files; one that failed is no baseline."""
    step = edit(ws, project, "a.py", "1\n")
    tree = step.snapshot.tree.hex()
    facts = {"tree": tree, "duration_ms": 1500, "passed": 9, "failed": 0, "total": 9}
    well = RuleVerdict("tests", ws.get_step("#1").id, True, "none", "9 of 9 pass", 1, facts=facts)
    bad = RuleVerdict("slow", step.id, False, "suggest", "too slow", 2, facts={"duration_ms": 1})
    numbered = {"tree": tree, "duration_ms": 700, "numbers": {"rate": 4.5}}
    speed = RuleVerdict("speed", step.id, True, "none", "fast", 3, facts=numbered)
    for verdict in (bad, speed, well):
        ws.record_verdict(verdict)
    told = held(ws.mark_milestone(step))
    assert told["baseline"] == {"rule": "speed", "duration_ms": 700, "rate": 4.5}
    quality = told["quality"]
    assert isinstance(quality, dict)
    assert quality["checks"]["tests"]["total"] == 9
    assert quality["checks"]["slow"] == {"ok": False, "detail": "too slow", "duration_ms": 1}
    assert milestone_lines(told)[-1] == "tests: 9 of 9 pass, 1.5 s"


@pytest.mark.parametrize("told", [{}, {"quality": {}, "baseline": None, "project_state": None}])
def test_a_milestone_of_another_version_reads_as_nothing(told: dict[str, object]) -> None:
    """No figure is made up."""
    assert milestone_lines(told) == []
