"""Going to another branch: nothing is lost, and undo goes back exactly, disk and branch."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.trees import contents

from stepwell.store import Applied, NotFoundError, PlannedChanges, RefusedError, Step, Workspace


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon."""
    return either


def captured(ws: Workspace, project: Path, name: str, text: str = "") -> Step:
    """Records a step that writes a file."""
    (project / name).write_text(text or f"{name}\n")
    return ws.capture(name)


def switched(ws: Workspace, name: str, *, force: bool = False) -> Applied:
    return ws.apply(ws.plan_switch(name), force=force)


def heads(ws: Workspace) -> dict[str, str]:
    return {b.name: b.head for b in ws.view().branches.values()}


def test_a_switch_goes_to_the_tip_and_later_captures_go_on_there(
    ws: Workspace, project: Path
) -> None:
    """Both branches keep their heads; `@` is the tip of the one that is current then."""
    first = ws.head()
    before = contents(project)
    second = captured(ws, project, "a")
    later = contents(project)
    ws.create_branch("try", at=first)
    planned = ws.plan_switch("try")
    assert [(c.path, c.status) for c in planned.changes] == [(b"a", "D")]
    assert contents(project) == later and ws.view().current == "main"
    done = ws.apply(planned)
    assert done.applied and contents(project) == before
    assert ws.view().current == "try" and done.step == first == ws.get_step("@")
    assert heads(ws) == {"main": second.id, "try": first.id}
    third = captured(ws, project, "b")
    assert (third.branch, third.parents) == ("try", (first.id,))
    switched(ws, "main")
    assert contents(project) == later
    assert heads(ws) == {"main": second.id, "try": third.id}
    rows = {row.name: row for row in ws.branches()}
    assert (rows["try"].ahead, rows["try"].behind) == (1, 1)


def test_undo_and_redo_switch_back_and_forth_exactly(ws: Workspace, project: Path) -> None:
    """With an edit that was in no step, saved on the branch that was left."""
    first = ws.head()
    second = captured(ws, project, "a")
    ws.create_branch("try", at=first)
    (project / "a").write_text("edited\n")
    (project / "scratch").write_text("mine\n")
    left = contents(project)
    with pytest.raises(RefusedError):
        switched(ws, "try")
    done = switched(ws, "try", force=True)
    there = contents(project)
    safety = done.safety_step
    assert safety.flags == ("safety",) and safety.branch == "main"
    assert safety.parents == (second.id,)
    assert heads(ws) == {"main": safety.id, "try": first.id}
    for _ in range(2):
        assert isinstance(ws.plan_undo(), PlannedChanges)
        ws.undo()
        assert contents(project) == left
        assert (ws.view().current, heads(ws)) == ("main", {"main": safety.id, "try": first.id})
        ws.redo()
        assert contents(project) == there
        assert (ws.view().current, heads(ws)) == ("try", {"main": safety.id, "try": first.id})


def test_work_done_after_a_switch_stays_on_its_branch_when_the_switch_is_undone(
    ws: Workspace, project: Path
) -> None:
    """And a redo goes to the branch's tip, with that work."""
    ws.create_branch("try")
    switched(ws, "try")
    work = captured(ws, project, "b")
    (project / "b").write_text("not captured\n")
    ws.undo(force=True)
    assert not (project / "b").exists()
    tip = ws.get_step("try")
    assert tip.parents == (work.id,) and ws.read_file(tip, b"b") == b"not captured\n"
    assert ws.view().current == "main" and not any(b.kept for b in ws.branches())
    ws.redo()
    assert (project / "b").read_text() == "not captured\n"
    assert ws.get_step("@") == tip and ws.view().current == "try"


def test_a_switch_to_the_current_branch_does_nothing(ws: Workspace, project: Path) -> None:
    """Even over a dirty disk, in a store with a single step."""
    (project / "README.md").write_text("edited\n")
    number = ws.view().number
    done = switched(ws, "main")
    assert not done.applied and done.plan.items == ()
    assert (project / "README.md").read_text() == "edited\n"
    assert ws.view().number == number
    with pytest.raises(NotFoundError, match="there is no branch nope"):
        ws.plan_switch("nope")


def test_a_switch_between_equal_contents_only_changes_the_branch(
    ws: Workspace, project: Path
) -> None:
    """No step is recorded for it."""
    ws.create_branch("try")
    done = switched(ws, "try")
    assert done.applied and done.plan.items == ()
    assert ws.view().current == "try" and ws.view().step_count == 1
    ws.undo()
    assert ws.view().current == "main"


def test_what_had_to_stay_on_disk_is_recorded_on_the_branch_that_was_gone_to(
    ws: Workspace, project: Path
) -> None:
    """Where rules of the target protect a path, its branch says what is really there."""
    (project / ".gitignore").write_text("*.cfg\n")
    captured(ws, project, "x")
    ws.create_branch("strict")
    (project / ".gitignore").unlink()
    captured(ws, project, "own.cfg")
    planned = ws.plan_switch("strict")
    done = ws.apply(planned)
    assert [k.path for k in planned.plan.keep] == [b"own.cfg"]
    assert (project / "own.cfg").exists()
    assert ws.view().branches["strict"].head == done.step.id
    assert ws.record("again").unchanged
    ws.undo()
    assert (ws.view().current, (project / ".gitignore").exists()) == ("main", False)


def test_a_plan_is_refused_when_the_branch_moved_since(ws: Workspace, project: Path) -> None:
    """What was shown is what is done."""
    first = ws.head()
    captured(ws, project, "a")
    ws.create_branch("try", at=first)
    planned = ws.plan_switch("try")
    ws.delete_branch("try")
    with pytest.raises(RefusedError, match="branch try is gone"):
        ws.apply(planned)
    ws.create_branch("try")
    with pytest.raises(RefusedError, match="branch try moved"):
        ws.apply(planned)


def test_a_switch_is_not_undone_to_a_branch_that_is_gone(ws: Workspace, project: Path) -> None:
    """Said before anything is planned."""
    first = ws.head()
    captured(ws, project, "a")
    ws.create_branch("try", at=first)
    switched(ws, "try")
    number = ws.operations(1)[0].operation.number
    ws.rename_branch("main", "trunk")
    with pytest.raises(RefusedError, match="branch main is gone"):
        ws.undo(number)
    ws.undo()
    ws.undo(number)
    assert ws.view().current == "main"


def test_a_rollback_on_another_branch_keeps_its_future_under_its_own_name(
    ws: Workspace, project: Path
) -> None:
    """And its undo goes back on it; the other branch is not touched."""
    first = ws.head()
    ws.create_branch("try")
    switched(ws, "try")
    a = captured(ws, project, "a")
    ws.apply(ws.plan_rollback(first))
    assert ws.view().branches["try.1"].head == a.id
    assert ws.view().branches["main"].head == first.id
    ws.undo()
    assert (ws.get_step("@"), ws.view().current) == (a, "try")


def test_an_interrupted_switch_is_finished_by_the_next_command(
    alone: Workspace, project: Path, home: Path
) -> None:
    """Disk and branch; undo still goes back exactly."""
    ws = alone
    first = ws.head()
    (project / "b").write_text("b\n")
    second = captured(ws, project, "a")
    ws.create_branch("try", at=first)
    later = contents(project)

    def progress(_what: str, done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ws.apply(ws.plan_switch("try"), progress=progress)
    with Workspace.open(project, home=home) as again:
        assert again.view().current == "main"
        settled = again.settle()
        assert settled is not None and (settled.kind, settled.finished) == ("switch", True)
        assert again.view().current == "try"
        assert again.record("nothing").unchanged
        assert heads(again) == {"main": second.id, "try": first.id}
        again.undo()
        assert (contents(project), again.view().current) == (later, "main")


def test_ignored_files_that_a_step_holds_are_no_difference(ws: Workspace, project: Path) -> None:
    """Saved by a safety step, they stay part of its branch through a switch there and back."""
    (project / "out.log").write_text("captured\n")
    target = ws.capture("log")
    (project / ".gitignore").write_text("*.log\n")
    second = ws.capture("ignore logs")
    (project / "out.log").write_text("only on disk\n")
    ws.apply(ws.plan_rollback(target, paths=[b"out.log"]), force=True)
    ws.undo()
    tip = ws.head()
    assert ws.read_file(tip, b"out.log") == b"only on disk\n"
    ws.create_branch("try", at=second)
    switched(ws, "try")
    switched(ws, "main")
    assert ws.head() == tip
    assert (project / "out.log").read_text() == "only on disk\n"


def test_a_part_that_brings_ignore_rules_back_forgets_nothing(ws: Workspace, project: Path) -> None:
    """What they ignore lies on disk as before, and the new step says so."""
    (project / ".gitignore").write_text("*.log\n")
    ruled = ws.capture("rules")
    (project / ".gitignore").unlink()
    captured(ws, project, "x.log")
    done = ws.apply(ws.plan_rollback(ruled, paths=[b".gitignore"]))
    assert [c.path for c in ws.step_changes(done.step)] == [b".gitignore"]
    assert (project / "x.log").read_text() == "x.log\n"
