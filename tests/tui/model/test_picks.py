"""Files and hunks that a person chooses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stepwell.tui.model import picks as module
from stepwell.tui.model.picks import LineAt, Lines, Picks, Wanted
from stepwell.tui.values import Change, Hunk, Oid, TrackedPath

OLD, NEW = Oid(b"o" * 20), Oid(b"n" * 20)


def hunk(name: str, old: int, new: int, *lines: bytes) -> Hunk:
    counts = [sum(line[:1] in signs for line in lines) for signs in (b" -", b" +")]
    return Hunk(name, old, counts[0], new, counts[1], lines)


def change(path: bytes, *hunks: Hunk) -> Change:
    return Change(TrackedPath(path), "M", None, 0o100644, 0o100644, OLD, NEW, hunks=hunks)


TWO = (
    hunk("h1", 3, 3, b" c\n", b"-old\n", b"+new\n", b" c\n"),
    hunk("h2", 30, 30, b" c\n", b"+more\n", b" c\n"),
)
CHANGES = (change(b"a", *TWO), change(b"mode-only"))


def test_hunks_and_files_are_chosen_apart() -> None:
    """All hunks together are the file."""
    picks = Picks(CHANGES)
    picks.toggle_hunk(0, 1)
    assert [picks.state(0), picks.state(1)] == ["some", "none"]
    assert picks.hunk_names() == ["h2"] and picks.paths() == []
    picks.toggle_hunk(0, 0)
    assert picks.state(0) == "all"
    assert picks.hunk_names() == [] and picks.paths() == [b"a"]
    picks.toggle_hunk(1, -1)
    assert picks.complete
    picks.toggle_all()
    assert not picks.any


def test_several_files_are_chosen_until_all_are() -> None:
    """Then they are let go of together, as below a folder."""
    picks = Picks(CHANGES)
    picks.toggle_hunk(0, 0)
    picks.toggle_files([0, 1])
    assert picks.complete and picks.files == 2
    picks.toggle_files([0, 1])
    assert not picks.any


def test_a_renamed_file_is_chosen_with_its_old_path() -> None:
    """Both have to be put back."""
    moved = Change(TrackedPath(b"new"), "R", TrackedPath(b"old"), 1, 1, OLD, OLD)
    picks = Picks([moved], everything=True)
    assert picks.paths() == [b"new", b"old"]


def test_hunks_of_a_step_are_found_in_a_plan_by_their_lines() -> None:
    """After the step its new lines count, before it its old ones; unchanged lines do not."""
    back = (
        hunk("p1", 4, 4, b"-new\n", b"+old\n"),
        hunk("p2", 31, 30, b"-more\n"),
    )
    plan = Picks([change(b"a", *back)])
    assert plan.choose([Wanted(b"a", (TWO[0],))], "before")
    assert plan.hunk_names() == ["p1"]
    assert plan.choose([Wanted(b"a", (TWO[1],))], "before")
    assert plan.hunk_names() == ["p2"]
    assert plan.choose([Wanted(b"a", None)], "after")
    assert plan.state(0) == "all"
    assert not plan.choose([Wanted(b"other", None)], "after")


def test_ranges_touch_when_they_share_a_line() -> None:
    """An empty one lies between two lines, and touches what ends or begins there."""
    assert Lines(3, 2).touches(Lines(4, 5))
    assert not Lines(3, 2).touches(Lines(5, 1))
    assert Lines(5, 0).touches(Lines(3, 2))
    assert Lines(5, 0).touches(Lines(5, 0))
    assert not Lines(9, 0).touches(Lines(3, 2))


def test_a_choice_is_taken_over_by_path_and_parts_by_their_hunks() -> None:
    """New paths are left out, by a rename too, and parts whose hunks are others now."""
    known = Picks([change(b"a", *TWO), change(b"b", *TWO), change(b"out"), change(b"in")],
                  everything=True)  # fmt: skip
    known.toggle_hunk(0, 0)
    known.toggle_lines([LineAt(0, 0, 1)])
    known.toggle_hunk(1, 0)
    known.set_file(2, False)
    moved = replace(change(b"in2"), status="R", old_path=TrackedPath(b"in"))
    other = hunk("h3", 3, 3, b"-old\n", b"+newer\n")
    now = Picks([change(b"a", *TWO), change(b"b", other), change(b"out"), moved, change(b"new"),
                 replace(moved, path=TrackedPath(b"out2"), old_path=TrackedPath(b"out"))],
                everything=True)  # fmt: skip
    assert now.take_over(known) == 2
    assert [now.state(at) for at in range(6)] == ["some", "none", "none", "none", "none", "none"]
    assert now.key(0) == known.key(0)


def test_a_file_is_taken_over_whole_only_as_it_was_seen() -> None:
    """Every hunk ticked is not every hunk that comes; what was asked for whole is."""
    moved = replace(change(b"in2"), status="R", old_path=TrackedPath(b"in"))
    known = Picks([change(b"a", TWO[0]), change(b"bin"), moved], everything=True)
    now = Picks([change(b"a", *TWO), change(b"bin"), change(b"in2")])
    assert now.take_over(known) == 1
    assert [now.state(at) for at in range(3)] == ["none", "all", "all"]
    assert now.take_over(known, {b"a"}) == 0
    assert now.complete


def test_many_files_are_taken_over_without_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is looked at grows with the number of files."""
    looks, paths = [0], module._paths

    def counted(one: Change) -> set[bytes]:
        looks[0] += 1
        return paths(one)

    monkeypatch.setattr(module, "_paths", counted)
    many = [change(b"%d" % number) for number in range(300)]
    now = Picks(many)
    assert now.take_over(Picks(many, everything=True)) == 0
    assert now.complete and looks[0] <= 4 * len(many)


def test_files_are_left_out_by_any_of_their_paths() -> None:
    """Those of the other side of a step, whatever they are called there."""
    moved = replace(change(b"in2"), status="R", old_path=TrackedPath(b"in"))
    picks = Picks([change(b"a", *TWO), moved], everything=True)
    assert picks.leave_out({b"in", b"elsewhere"}) == 1
    assert [picks.state(at) for at in range(2)] == ["all", "none"]
