"""What a plan writes and deletes, and above all what it leaves alone."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest
from support.bench import Bench, RulesFor, Tree

from stepwell.store.engine.rollback import by_policy, decode_plan, encode_plan
from stepwell.store.model.errors import FormatError
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import Kept, PathState, Plan
from stepwell.store.model.steps import Covered, Reason

FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

OLD, NEW = (FILE, b"old\n"), (FILE, b"new\n")


def paths(plan: Plan) -> list[bytes]:
    return [item.path for item in plan.items]


def reasons(plan: Plan) -> dict[bytes, str]:
    return {kept.path: kept.reason for kept in plan.keep}


def covered(path: bytes, reason: Reason) -> Covered:
    return Covered(TrackedPath(path), reason)


def test_equal_trees_need_nothing(bench: Bench) -> None:
    """No items, nothing kept, no bytes."""
    plan = bench.plan({b"a": OLD}, disk={b"a": OLD})
    assert (plan.items, plan.keep, plan.drift, plan.bytes) == ((), (), (), 0)


def test_a_plan_counts_the_bytes_that_it_writes(bench: Bench) -> None:
    """Deletions and changes of mode write nothing."""
    disk: Tree = {b"a": OLD, b"gone": OLD, b"mode": (stat.S_IFREG | 0o600, b"x")}
    plan = bench.plan({b"a": NEW, b"b": NEW, b"mode": (FILE, b"x")}, disk=disk)
    assert paths(plan) == [b"a", b"b", b"gone", b"mode"]
    assert plan.bytes == 8


@pytest.mark.parametrize("reason", ["ignored", "capped", "unreadable", "unstable", "too_long"])
@pytest.mark.parametrize("place", [b"d/e", b"d"])
def test_what_the_target_did_not_store_is_not_deleted(
    bench: Bench, reason: Reason, place: bytes
) -> None:
    """A coverage entry of the target, at the path or above it, protects it."""
    disk: Tree = {b"d/e": OLD, b"d": (FOLDER, None)}
    plan = bench.plan({}, disk=disk, then=[covered(place, reason)])
    assert b"d/e" in reasons(plan)
    assert paths(plan) == []


def test_what_was_ignored_then_is_not_deleted(bench: Bench) -> None:
    """Rolling back over a change of the ignore rules keeps what the older rules ignored."""
    disk: Tree = {b".gitignore": NEW, b"out/x": OLD, b"out": (FOLDER, None), b"y": OLD}
    rules = RulesFor(frozenset({b"out"}))
    plan = bench.plan({b".gitignore": OLD}, disk=disk, rules=rules)
    assert paths(plan) == [b".gitignore", b"y"]
    assert reasons(plan)[b"out/x"] == "ignored at the target step"
    assert all(by_policy(kept) for kept in plan.keep)


def test_only_captured_paths_are_deleted(bench: Bench) -> None:
    """A folder with something ignored in it stays, its captured files go."""
    disk: Tree = {b"d": (FOLDER, None), b"d/x": OLD}
    plan = bench.plan({}, disk=disk, now=[covered(b"d/cache", "ignored")])
    assert paths(plan) == [b"d/x"]
    assert plan.keep == ()


@pytest.mark.parametrize("reason", ["ignored", "capped", "repository", "special", "unreadable"])
def test_a_folder_that_holds_uncaptured_things_is_not_replaced_by_a_file(
    bench: Bench, reason: Reason
) -> None:
    """The folder and all that was to go in it stay, each with a reason."""
    disk: Tree = {b"d": (FOLDER, None), b"d/x": OLD, b"d-y": OLD}
    plan = bench.plan({b"d": OLD, b"d-y": NEW}, disk=disk, now=[covered(b"d/odd", reason)])
    assert paths(plan) == [b"d-y"]
    assert reasons(plan) == {
        b"d": "the folder there holds d/odd, which stays",
        b"d/x": "stays with the folder d",
    }


def test_what_cannot_be_deleted_blocks_what_would_come_in_its_place(bench: Bench) -> None:
    """A file that was ignored then stays, so nothing can be written below its name."""
    target: Tree = {b"d": (FOLDER, None), b"d/x": OLD, b"d/y": OLD}
    plan = bench.plan(
        target, disk={}, uncaptured={TrackedPath(b"d"): PathState(stat.S_IFIFO | 0o644)}
    )
    assert paths(plan) == []
    assert set(reasons(plan)) == {b"d", b"d/x", b"d/y"}
    assert reasons(plan)[b"d/x"] == "d is in the way and stays"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("special", "a special file is in the way"),
        ("unreadable", "cannot be read now"),
        ("capped", "larger than the limit now: what is on disk is not stored"),
        ("repository", "another repository's own data is in the way"),
        ("ignored", "ignored now, and its content was not saved"),
    ],
)
def test_what_is_in_the_way_and_not_stored_is_not_overwritten(
    bench: Bench, reason: Reason, words: str
) -> None:
    """The coverage of the disk protects what it names."""
    plan = bench.plan({b"a": OLD, b"b": OLD}, disk={}, now=[covered(b"a", reason)])
    assert paths(plan) == [b"b"]
    assert reasons(plan) == {b"a": words}


def test_what_is_ignored_now_but_was_saved_is_overwritten_as_drift(bench: Bench) -> None:
    """Its content goes into the safety step, and a person must agree."""
    here = PathState(FILE, bench.objects.add("blob", b"mine\n"))
    plan = bench.plan(
        {b"a": OLD},
        disk={},
        now=[covered(b"a", "ignored")],
        uncaptured={TrackedPath(b"a"): here},
    )
    assert [(i.path, i.before) for i in plan.items] == [(b"a", here)]
    assert plan.drift == (Kept(TrackedPath(b"a"), "ignored now, in no step"),)


def test_what_could_not_be_saved_is_not_overwritten(bench: Bench) -> None:
    """A regular file whose content is not known is kept."""
    plan = bench.plan({b"a": OLD}, disk={}, uncaptured={TrackedPath(b"a"): PathState(FILE)})
    assert reasons(plan) == {b"a": "what is on disk could not be saved"}


def test_an_uncaptured_folder_is_not_replaced(bench: Bench) -> None:
    """Nobody knows what is in it."""
    plan = bench.plan({b"a": OLD}, disk={}, uncaptured={TrackedPath(b"a"): PathState(FOLDER)})
    assert reasons(plan) == {b"a": "a folder that was not captured is in the way"}


def test_what_could_not_be_read_at_the_target_is_left_alone(bench: Bench) -> None:
    """Entries carried over from an older step are not what was on disk then."""
    plan = bench.plan({b"d/x": OLD}, disk={b"d/x": NEW}, then=[covered(b"d", "unreadable")])
    assert plan.items == ()
    assert set(reasons(plan)) == {b"d/x"}


def test_other_version_control_is_never_touched(bench: Bench) -> None:
    """Even if a snapshot names such a path."""
    target: Tree = {b"sub": (FOLDER, None), b"sub/.hg": (FOLDER, None), b"sub/.hg/x": OLD}
    plan = bench.plan(target, disk={b"sub": (FOLDER, None), b"sub/.jj/y": OLD})
    assert plan.items == ()


def test_set_id_bits_are_never_put_back(bench: Bench) -> None:
    """Content and the other bits are; that, too, is named. What lacks nothing else is left alone."""
    setuid = stat.S_IFREG | 0o4755
    plan = bench.plan(
        {b"a": (setuid, b"x"), b"b": (setuid, b"y")},
        disk={b"a": (stat.S_IFREG | 0o755, b"x"), b"b": OLD},
    )
    assert [(i.path, i.after and i.after.mode) for i in plan.items] == [
        (b"b", stat.S_IFREG | 0o755)
    ]
    assert set(reasons(plan)) == {b"a", b"b"}
    assert all(by_policy(kept) for kept in plan.keep)


def test_drift_is_what_the_head_does_not_hold(bench: Bench) -> None:
    """New, changed and re-moded files; not deleted ones, not what is not touched."""
    head: Tree = {b"changed": OLD, b"mode": OLD, b"same": OLD, b"deleted": OLD, b"other": OLD}
    disk: Tree = {
        b"changed": NEW,
        b"mode": (stat.S_IFREG | 0o600, b"old\n"),
        b"same": OLD,
        b"new": NEW,
        b"folder": (FOLDER, None),
        b"folder/new": NEW,
        b"other": NEW,
    }
    target: Tree = {b"changed": OLD, b"same": NEW, b"deleted": NEW, b"mode": OLD, b"other": NEW}
    plan = bench.plan(target, disk=disk, head=head)
    assert {d.path: d.reason for d in plan.drift} == {
        b"changed": "changed on disk since step #2",
        b"mode": "mode changed on disk since step #2",
        b"new": "new on disk, in no step",
        b"folder/new": "new on disk, in no step",
    }


def test_a_plan_survives_its_stored_form(bench: Bench) -> None:
    """Odd names, links, folders and reasons come back; the bytes are canonical."""
    disk: Tree = {b"\xff\n": OLD, b"l": (LINK, b"x"), b"e": (FOLDER, None), b"k": OLD}
    plan = bench.plan({b"\xff\n": NEW}, disk=disk, head={}, then=[covered(b"k", "capped")])
    plan = replace(plan, disk=None)
    steps = {s.id: s for s in (plan.target, plan.head)}
    assert decode_plan(encode_plan(plan), steps.__getitem__) == plan
    assert encode_plan(plan) == encode_plan(decode_plan(encode_plan(plan), steps.__getitem__))
    part = replace(plan, partial=True, only=True, paths=(TrackedPath(b"a\xff"),), hunks=("12ab",))
    for other in (part, replace(plan, branch="try"), replace(plan, partial=True)):
        assert decode_plan(encode_plan(other), steps.__getitem__) == other


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": 2}', b'{"format": 1}'])
def test_a_malformed_plan_is_an_integrity_error(data: bytes) -> None:
    """It is never guessed at."""
    with pytest.raises(FormatError, match="the plan of a rollback cannot be read"):
        decode_plan(data, lambda _id: pytest.fail("no step is asked for"))
