"""The demo's history is real: recorded by the product over edits and commands that happened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stepwell.store.demo import build
from stepwell.store.model.errors import RefusedError
from stepwell.store.model.steps import Step
from stepwell.store.workspace import Workspace

START_NS = 1_750_000_000_000_000_000


@dataclass
class Pace:
    """A clock that moves on by 20 s an act, and a stopwatch that counts 90 ms a reading."""

    acts: int = 0
    readings: int = 0
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.acts += 1
        self.said.append(line)

    def clock(self) -> int:
        return START_NS + self.acts * 20_000_000_000

    def stopwatch(self) -> int:
        self.readings += 1
        return self.readings * 90_000_000


class Chance:
    """Bytes that are the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")


def make(folder: Path, home: Path) -> Pace:
    pace = Pace()
    build(
        folder,
        home,
        say=pace.say,
        clock=pace.clock,
        randomness=Chance(),
        stopwatch=pace.stopwatch,
    )
    return pace


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    scratch = tmp_path_factory.mktemp("demo")
    make(scratch / "hop", scratch / "home")
    with Workspace.open(scratch / "hop", home=scratch / "home") as workspace:
        yield workspace


def everything(workspace: Workspace) -> list[Step]:
    """All steps, oldest first."""
    return workspace.steps(limit=500, all_branches=True)[::-1]


def test_the_session_has_about_seventy_five_steps(demo: Workspace) -> None:
    """Prompts with turns, tool calls with their results, an edit by hand, rollbacks."""
    steps = everything(demo)
    assert 70 <= len(steps) <= 80
    assert {s.kind for s in steps} == {"capture", "prompt", "tool", "outside", "rollback"}
    assert sorted({s.turn for s in steps if s.turn}) == [1, 2, 3, 4, 5, 6, 7]
    assert {s.session for s in steps if s.kind == "tool"} == {"claude:demo-1"}


def test_commands_fail_and_get_fixed(demo: Workspace) -> None:
    """Exit codes are those of processes that really ran; their output is kept."""
    tests = [s for s in everything(demo) if s.title == "python3 -m unittest"]
    codes = [s.result.exit_code for s in tests if s.result]
    assert codes.count(1) >= 8
    assert codes.count(0) >= 8
    assert codes[-1] == 0
    for step, code in zip(tests, codes, strict=True):
        output = demo.text(step.result_text) or ""
        assert ("OK" if code == 0 else "FAILED") in output


def test_each_turn_but_the_dead_end_passes_its_tests(demo: Workspace) -> None:
    """What is checkpointed works: the last test run before each mark succeeded."""
    for label in ("expiry", "saving"):
        result = demo.get_step(label).result
        assert result is not None and result.ok


def test_the_dead_end_is_kept_as_a_branch(demo: Workspace) -> None:
    """The rollback left the pickle attempt on main.1, and its files can still be read."""
    branch = demo.view().branches["main.1"]
    assert branch.kept
    tip = demo.get_step("main.1")
    assert b"import pickle" in demo.read_file(tip, b"hop/saving.py")
    assert b"import json" in demo.read_file(demo.get_step("@"), b"hop/saving.py")


def test_two_ways_were_tried_from_one_step(demo: Workspace) -> None:
    """Each on a branch of its own from the same failing test, which passes at both ends."""
    rows = {row.name: row for row in demo.branches()}
    assert set(rows) == {"main", "main.1", "try-lock", "try-sqlite"}
    bases = {rows[name].base for name in ("try-lock", "try-sqlite")}
    assert len(bases) == 1
    base = demo.get_step(str(bases.pop()))
    assert base.result is not None and base.result.exit_code == 1
    for name in ("try-lock", "try-sqlite"):
        result = demo.get_step(name).result
        assert result is not None and result.ok
        assert not rows[name].kept and rows[name].behind == 2


def test_one_file_of_the_better_way_was_taken(demo: Workspace) -> None:
    """A partial rollback: that file as at the other branch's end, on the branch that it was on."""
    taken = next(s for s in everything(demo) if s.kind == "rollback" and s.seq > 60)
    assert taken.branch == "main"
    assert [c.path for c in demo.step_changes(taken)] == [b"hop/saving.py"]
    ours = demo.read_file(taken, b"hop/saving.py")
    assert ours == demo.read_file(demo.get_step("try-lock"), b"hop/saving.py")
    assert ours != demo.read_file(demo.get_step("try-sqlite"), b"hop/saving.py")


def test_every_sort_of_change_occurs(demo: Workspace) -> None:
    """Added, modified, deleted, renamed, and a mode."""
    changes = [c for s in everything(demo)[1:] if s.changes.files for c in demo.step_changes(s)]
    assert {c.status for c in changes} >= {"A", "M", "D", "R"}
    modes = [c for c in changes if c.path == b"scripts/check" and c.old_mode != c.new_mode]
    assert [stat.S_IMODE(c.new_mode or 0) for c in modes] == [0o755]


def test_checkpoints_have_labels_notes_and_tags(demo: Workspace) -> None:
    """A checkpoint is found by its label."""
    mark = demo.get_step("saving").checkpoint
    assert mark is not None
    assert mark.tags == ("tests-pass", "release")
    assert mark.notes[0].text.startswith("Links survive")


def test_a_file_made_by_a_command_is_captured(demo: Workspace) -> None:
    """links.json was written by a process, not by an edit of the agent."""
    step = next(s for s in everything(demo) if "hop add" in s.title)
    assert [(c.status, c.path) for c in demo.step_changes(step)] == [("A", b"links.json")]


def test_an_edit_is_left_uncaptured(demo: Workspace) -> None:
    """So that the first rollback that a person tries has something to save."""
    assert [c.path for c in demo.status().dirty] == [b"README.md"]


def test_the_same_clock_and_chance_give_the_same_history(demo: Workspace, tmp_path: Path) -> None:
    """Screenshots can be compared between runs."""
    make(tmp_path / "again", tmp_path / "home")
    with Workspace.open(tmp_path / "again", home=tmp_path / "home") as again:
        for one, other in zip(everything(demo), everything(again), strict=True):
            assert (one.id, one.title, one.time_ns) == (other.id, other.title, other.time_ns)
            assert (one.snapshot, one.result) == (other.snapshot, other.result)


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    """Nothing of a person's is ever mixed with the demo, or written over."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RefusedError, match="is not empty"):
        build(tmp_path, tmp_path / "home", say=lambda line: None)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_in_a_repository_or_workspace_is_refused(demo: Workspace, tmp_path: Path) -> None:
    """`init` would put the repository, or the workspace around, under care instead."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    with pytest.raises(RefusedError, match="lies in a git repository"):
        build(tmp_path / "repository" / "a" / "demo", tmp_path / "home", say=lambda line: None)
    assert [path.name for path in (tmp_path / "repository").iterdir()] == [".git"]
    inside = Path(os.fsdecode(demo.root)) / "__pycache__" / "inside"
    with pytest.raises(RefusedError, match="lies in a workspace"):
        build(inside / "new", demo.home, say=lambda line: None)
    assert not inside.exists()


def test_a_rule_sees_the_tests_break_goes_back_and_is_taken_back(
    demo: Workspace, tmp_path: Path
) -> None:
    """Suggested, then done, then undone: after the same session, with what the agent did on disk."""
    folder, home = tmp_path / "hop", tmp_path / "home"
    build(folder, home, say=lambda line: None, rules=True)
    with Workspace.open(folder, home=home) as watched:
        well, *found = watched.view().verdicts
        assert well.ok and not any(one.ok for one in found)
        # The second says beforehand what the third did.
        assert [one.action for one in found] == ["suggest", "suggest", "rollback", "suggest"]
        broke = watched.get_step(str(found[0].since))
        assert broke.title == "hand out whole links"
        named = found[0].facts["failures"]
        assert "tests.test_expiry.Expiry.test_works_until_then" in str(named)
        safety = watched.get_step(str(found[2].facts["safety_step"]))
        head = watched.head()
        assert head.snapshot == safety.snapshot and head.title == "tell of it in the README"
        assert "return link\n" in (folder / "hop" / "links.py").read_text()
        assert not watched.status().dirty
        titles = [step.title for step in everything(watched)]
    before = [step.title for step in everything(demo)]
    assert titles[: len(before)] == before
