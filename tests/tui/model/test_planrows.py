"""A plan as rows and sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stepwell.store.model.plans import HOOKS_STAY, PathState
from stepwell.store.model.steps import ChangeCounts
from stepwell.tui.model.planrows import headline, outcome, plan_rows, recovery_notice, tally
from stepwell.tui.values import (
    Applied,
    Change,
    Kept,
    Oid,
    OtherSession,
    Plan,
    PlanItem,
    PlannedChanges,
    Recovery,
    Snapshot,
    Step,
    StepId,
    TrackedPath,
)

SNAPSHOT = Snapshot(Oid(b"t" * 20), Oid(b"e" * 20))
FILE = PathState(0o100644, Oid(b"f" * 20))


def step(seq: int, title: str = "add /refresh") -> Step:
    return Step(StepId("a" * 32), seq, "main", (), "tool", title, 0, SNAPSHOT)


def plan(*items: PlanItem, **fields: Any) -> Plan:
    return Plan("p", fields.pop("kind", "rollback"), step(41), "after", SNAPSHOT, step(57), items,
                **fields)  # fmt: skip


def item(path: bytes, before: bool = True, after: bool = True) -> PlanItem:
    return PlanItem(TrackedPath(path), FILE if before else None, FILE if after else None)


def test_the_headline_names_step_and_side() -> None:
    """How many files, which side of which step."""
    three = PlannedChanges(plan(item(b"a"), item(b"b"), item(b"c")), ())
    assert headline(three) == "Put 3 files back to how they were AFTER #41 “add /refresh”"
    one = PlannedChanges(replace(plan(item(b"a")), side="before"), ())
    assert headline(one) == "Put 1 file back to how it was BEFORE #41 “add /refresh”"


def test_a_headline_for_undo_says_so() -> None:
    """An undo is not taken for a rollback."""
    assert headline(PlannedChanges(plan(item(b"a"), kind="undo"), ())).startswith(
        "Undo: put 1 file"
    )


def test_taking_back_says_what_became_of_the_change() -> None:
    """Nothing of it is left; or there never was any."""
    none = plan(partial=True, only=True)
    assert headline(PlannedChanges(none, ())).endswith("keep later work: it changed no file")
    some = replace(none, target=replace(none.target, changes=ChangeCounts(1, 2, 3)))
    assert headline(PlannedChanges(some, ())).endswith("nothing of it is left on disk")


def test_hostile_titles_are_harmless() -> None:
    """A title comes from an agent."""
    bad = replace(plan(item(b"a")), target=step(3, "x\x1b[2J\nsecond"))
    assert headline(PlannedChanges(bad, ())).endswith("#3 “x\\x1b[2J”")


def test_rows_that_would_lose_something_need_a_tick() -> None:
    """Drift and other sessions' work; plain changes and kept paths do not."""
    changes = (
        Change(TrackedPath(b"a"), "M"),
        Change(TrackedPath(b"new"), "R", old_path=TrackedPath(b"old")),
    )
    full = plan(
        item(b"a"),
        drift=(Kept(TrackedPath(b"old"), "changed on disk"), Kept(TrackedPath(b"z"), "unsaved")),
        keep=(Kept(TrackedPath(b"k"), "ignored then"),),
        other_sessions=(OtherSession("claude:9", 1),),
    )
    rows = plan_rows(PlannedChanges(full, changes))
    assert [(row.kind, row.tick is not None) for row in rows] == [
        ("session", True), ("change", False), ("change", True), ("drift", True), ("kept", False),
    ]  # fmt: skip
    assert rows[0].text == "takes back 1 later step of claude:9"
    assert rows[2].text == "changed on disk"
    assert rows[4].text == "k: ignored then"


def test_the_tally_leaves_out_zeros() -> None:
    """Written, deleted, new, kept."""
    mixed = plan(item(b"a"), item(b"b", after=False), keep=(Kept(TrackedPath(b"k"), "r"),))
    assert tally(mixed) == "1 written · 1 deleted · 1 kept"


def test_folders_that_come_or_go_are_not_counted_beside_files() -> None:
    """Headline and tally count the same; folders alone are counted as such by both."""
    folder = PlanItem(TrackedPath(b"d"), PathState(0o040755), None)
    both = plan(item(b"a"), item(b"d/b", after=False), folder)
    assert headline(PlannedChanges(both, ())).startswith("Put 2 files back")
    assert tally(both) == "1 written · 1 deleted"
    assert headline(PlannedChanges(plan(folder), ())).startswith("Put 1 folder back")
    assert tally(plan(folder)) == "1 deleted"


def test_a_renamed_file_counts_as_one() -> None:
    """A plan has two paths for it, a person sees one row."""
    moved = plan(item(b"old", after=False), item(b"new", before=False), item(b"c"))
    assert headline(PlannedChanges(moved, ())).startswith("Put 2 files back")
    assert tally(moved) == "1 written · 1 moved"


def test_the_outcome_is_the_truth() -> None:
    """What was done, what was not and why, and the way back; only done files are counted."""
    missed = (Kept(TrackedPath(b"b"), "it changed after the preview"),)
    done = Applied(plan(item(b"a"), item(b"b")), True, step(58), step(59), missed, 12)
    assert outcome(done) == (
        "1 file is as it was after #41; disk saved as #58. "
        "Not restored: b (it changed after the preview). u takes it back."
    )


def test_the_outcome_fits_a_small_footer() -> None:
    """The way back is not cut off at 80 cells."""
    done = Applied(plan(*(item(b"%d" % i) for i in range(120))), True, step(12_345), step(3), (), 1)
    assert len(outcome(done)) <= 76
    assert outcome(done).endswith("u takes it back.")


def test_nothing_done_is_not_called_done() -> None:
    """A plan whose paths all moved away changed nothing."""
    none = Applied(plan(), False, step(58), step(58), (), 0)
    assert outcome(none) == "Nothing was changed: the disk already was like that."
    left = replace(none, plan=plan(keep=(Kept(TrackedPath(b"a"), HOOKS_STAY),)))
    assert outcome(left) == "Nothing was changed: what differs stays."


def test_what_was_settled_is_told_with_what_was_left_alone() -> None:
    """How it ended, and the first path of those that somebody had changed since."""
    kept = tuple(Kept(TrackedPath(path), "changed\x1b since") for path in (b"a\x1b", b"b", b"c"))
    assert recovery_notice(Recovery("undo", False, (), 7)) == (
        "An interrupted undo was taken back first."
    )
    told = recovery_notice(Recovery("rollback", True, kept, 7))
    assert told.startswith("An interrupted rollback was finished first; left alone: a")
    assert told.endswith("since), and 2 more.")
    assert "\x1b" not in told
