"""Pruning a workspace: what goes out of sight, what stays, and how it comes back."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from support.pruning import FEW, edits, shown, told

from stepwell.store import Workspace
from stepwell.store.model.errors import NotFoundError, RefusedError
from stepwell.store.model.retention import Policy, Prune
from stepwell.store.model.steps import Operation

DAY_NS = 86_400 * 10**9


def test_a_plan_tells_what_would_go_and_changes_nothing(ws: Workspace, project: Path) -> None:
    """Each step that goes is named with a reason, each that stays counts for one."""
    edits(ws, project, 8)
    before, operations = told(ws), ws.operations(100)
    plan = ws.plan_prune(FEW)
    assert [one.seq for one in plan.dropped] == [1, 2, 3, 4, 5, 6]
    assert all(one.reason for one in plan.dropped)
    assert sum(count for _, count in plan.kept) == 3
    assert plan.bytes_freed > 0
    assert plan.bytes_kept > 0
    assert plan.operation is None
    assert told(ws) == before
    assert ws.operations(100) == operations


def test_pruned_steps_are_seen_nowhere_and_the_others_close_up(
    either: Workspace, project: Path, home: Path
) -> None:
    """In lists, graph, search, blame and by reference; in another process, and rebuilt."""
    ws = either
    kept = edits(ws, project, 8)[-3:]
    marked = ws.mark(ws.get_step("#4"), label="good")
    told(ws)
    done = ws.prune(FEW)
    assert shown(ws) == [marked.seq, *kept]
    assert ws.get_step("@~3").id == marked.id
    assert ws.get_step("@~2").parents == (marked.id,)
    assert ws.get_step("good").parents == ()
    for gone in ("#2", "@~4", done.dropped[0].step[:12]):
        with pytest.raises(NotFoundError):
            ws.get_step(gone)
    now = told(ws)
    assert {hit.step.seq for hit in now["hits"]} <= {marked.seq, *kept}
    assert {line.step.seq for line in now["blame"]} <= {marked.seq, *kept}
    assert ws.stats().steps == 4
    with Workspace.open(project, home=home) as other:
        assert told(other) == now
        other.rebuild()
        assert told(other) == now
    assert ws.verify(full=True).ok


def test_undo_brings_everything_back_and_redo_drops_it_again(
    either: Workspace, project: Path
) -> None:
    """Exactly as it was; also for a catalogue that had forgotten the steps."""
    edits(either, project, 8)
    before = told(either)
    done = either.prune(FEW)
    after = told(either)
    assert isinstance(either.undo(done.operation), Operation)
    assert told(either) == before
    assert isinstance(either.redo(), Operation)
    assert told(either) == after
    either.undo()
    assert told(either) == before


def test_a_second_prune_finds_nothing(ws: Workspace, project: Path) -> None:
    """And records no operation."""
    edits(ws, project, 8)
    ws.prune(FEW)
    number = ws.view().number
    again = ws.prune(FEW)
    assert again.dropped == ()
    assert again.operation is None
    assert ws.view().number == number


def test_branches_marks_merges_sessions_and_experiments_hold_steps(
    ws: Workspace, project: Path
) -> None:
    """Tips, where branches part, marks, and the newest step of each session."""
    held = edits(ws, project, 1, session="claude:old")
    edits(ws, project, 3)
    fork = edits(ws, project, 1)
    ws.create_branch("side")
    ws.apply(ws.plan_switch("side"))
    (project / "side.txt").write_text("on the side\n")
    side = [ws.capture("aside").seq, ws.capture("tip", tags=["x"]).seq]
    (project / "side2.txt").write_text("more\n")
    side.append(ws.capture("the tip").seq)
    ws.apply(ws.plan_switch("main"))
    tips = edits(ws, project, 6)[-3:]
    ws.prune(FEW)
    assert shown(ws) == [*held, *fork, *side[1:], *tips]
    reasons = dict(ws.plan_prune(FEW).kept)
    assert reasons["the tip of branch side"] == 1
    assert reasons["marked"] == 1


def test_what_undo_of_a_rollback_needs_stays_while_it_is_fresh(
    ws: Workspace, project: Path
) -> None:
    """Safety steps and both ends of the rollback: it is taken back exactly."""
    edits(ws, project, 6)
    (project / "README.md").write_text("never captured\n")
    ws.apply(ws.plan_rollback(ws.get_step("#2")), force=True)
    ws.prune(Policy(keep_last=1, hourly=0, daily=0, per_session=1, safety_days=14))
    rollback = next(row for row in ws.operations(10) if row.operation.kind == "rollback")
    ws.undo(rollback.operation.number)
    assert (project / "README.md").read_text() == "never captured\n"
    assert "v5" in (project / "src" / "app.py").read_text()


def test_a_clock_behind_the_newest_step_refuses(project: Path, home: Path, ws: Workspace) -> None:
    """After a leap back, or a leap ahead that was put right, nothing has an age."""
    edits(ws, project, 8)
    times = [ws.head().time_ns - 2 * DAY_NS]
    with Workspace.open(project, home=home, clock=lambda: times[0]) as late:
        with pytest.raises(RefusedError, match="behind step"):
            late.prune(FEW)
        times[0] += 3 * DAY_NS
        assert late.prune(FEW).dropped


def test_a_clock_that_leaps_ahead_makes_no_safety_step_old(
    project: Path, home: Path, ws: Workspace
) -> None:
    """Ages are counted from the latest recorded work."""
    edits(ws, project, 5)
    (project / "README.md").write_text("drift\n")
    ws.apply(ws.plan_rollback(ws.get_step("#2")), force=True)
    safety = next(s for s in ws.steps(all_branches=True) if "safety" in s.flags)
    ahead = ws.head().time_ns + 3_650 * DAY_NS
    policy = Policy(keep_last=1, hourly=0, daily=0, per_session=1, safety_days=14)
    with Workspace.open(project, home=home, clock=lambda: ahead) as leapt:
        assert safety.id not in {one.step for one in leapt.plan_prune(policy).dropped}


def test_a_size_limit_is_reached_or_said_to_be_out_of_reach(ws: Workspace, project: Path) -> None:
    """The oldest go first; what must stay is told with how much it is too large."""
    for number in range(8):
        (project / "blob").write_bytes(random.Random(number).randbytes(3_000))
        ws.capture(f"blob {number}")
    ws.gc()
    whole = ws.plan_prune(Policy(keep_last=100, max_bytes=10**12))
    assert whole.dropped == ()
    limit = whole.bytes_other + whole.bytes_kept * 2 // 3
    less = ws.plan_prune(Policy(keep_last=100, max_bytes=limit))
    assert less.dropped
    assert less.bytes_kept + less.bytes_other <= limit
    assert less.over == 0
    assert [one.seq for one in less.dropped] == list(range(1, len(less.dropped) + 1))
    assert "size limit" in less.dropped[0].reason
    least = ws.plan_prune(Policy(keep_last=100, max_bytes=1))
    assert least.over == least.bytes_kept + least.bytes_other - 1
    assert ws.head().id not in {one.step for one in least.dropped}
    ws.prune(Policy(keep_last=100, max_bytes=limit))
    ws.gc(grace_minutes=0)
    stats = ws.stats()
    assert stats.segment_bytes + stats.sealed_bytes <= limit
    assert ws.plan_prune(Policy(keep_last=100, max_bytes=limit)).dropped == ()


def test_a_branch_to_a_pruned_step_does_not_come_back(ws: Workspace, project: Path) -> None:
    """Taking back its deletion is refused while its tip is out of sight."""
    edits(ws, project, 2)
    ws.create_branch("old", at="#2")
    ws.delete_branch("old")
    deleted = ws.operations(1)[0].operation.number
    edits(ws, project, 5)
    done = ws.prune(FEW)
    with pytest.raises(RefusedError, match="pruned"):
        ws.undo(deleted)
    ws.undo(done.operation)
    ws.undo(deleted)
    assert "old" in ws.view().branches


def test_a_plan_made_before_the_prune_is_not_carried_out(ws: Workspace, project: Path) -> None:
    """Its target is out of sight: a new step there would have a past that nobody sees."""
    edits(ws, project, 6)
    plan = ws.plan_rollback(ws.get_step("#2"))
    ws.prune(FEW)
    with pytest.raises(RefusedError, match="pruned"):
        ws.apply(plan)


def test_steps_after_a_prune_are_recorded_on_what_stays(ws: Workspace, project: Path) -> None:
    """Captures, rollbacks and their undo go on."""
    edits(ws, project, 6)
    ws.prune(FEW)
    ws.apply(ws.plan_rollback(ws.get_step("@~2")))
    ws.undo()
    edits(ws, project, 2)
    assert ws.verify(full=True).ok
    before = shown(ws)
    ws.rebuild()
    assert shown(ws) == before


def test_what_is_held_between_plan_and_drop_stays(
    either: Workspace, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prune is planned without the lock: a mark, a branch and a rollback meanwhile count."""
    edits(either, project, 9)
    plain = Workspace.plan_prune

    def meanwhile(self: Workspace, policy: Policy, **more: Any) -> Prune:
        plan = plain(self, policy, **more)
        with Workspace.open(project, home=home) as other:
            other.mark(other.get_step("#3"), label="now")
            other.create_branch("here", at="#4")
            other.apply(other.plan_rollback("#5"), force=True)
        return plan

    monkeypatch.setattr(Workspace, "plan_prune", meanwhile)
    done = either.prune(FEW)
    assert [one.seq for one in done.dropped] == [1, 2, 6, 7]
    assert {3, 4, 5, 8, 9, 10} <= set(shown(either))
    assert either.get_step("here").seq == 4 and either.verify(full=True).ok
    monkeypatch.undo()
    either.undo()
    assert either.get_step("now").seq == 3
