"""The tiers together: where a look finds a step, what goes from memory at which level, what comes ahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store import Step, Workspace
from stepwell.store.engine.tiers import Thresholds, Tiers, key_of
from stepwell.store.engine.tiers.levels import NEWEST, continued, superseded
from stepwell.store.engine.tiers.ready import Key, Ready
from stepwell.store.engine.tiers.recent import Held, Recent
from stepwell.store.engine.tiers.warm import Warm
from stepwell.store.model.changes import Change
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.retention import Policy
from stepwell.store.model.steps import Snapshot

SECOND = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "notes.txt").write_text("first\n")
    return made


@pytest.fixture
def ws(root: Path, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        yield workspace


def edits(ws: Workspace, root: Path, count: int, session: str | None = "me:1") -> list[Step]:
    steps = []
    for number in range(count):
        (root / "notes.txt").write_text(f"{number}\n")
        steps.append(ws.record(session=session).step)
    return steps


def change(path: str = "a") -> Change:
    return Change(TrackedPath(path.encode()), "M")


def ready(bare: int, path: str = "a", blob: bytes = b"") -> Ready:
    return Ready((change(path),), (), {Oid(blob): blob} if blob else {}, bare)


def key(name: object) -> Key:
    return Key(StepId(str(name)), None)


def bare_step(number: int) -> Step:
    snapshot = Snapshot(Oid(b"t" * 20), Oid(b"e" * 20))
    identity = StepId(f"{number:032x}")
    return Step(identity, number, "main", (), "tool", "t", number * 60 * SECOND, snapshot, "me:1")


def filled(tiers: Tiers, paths: list[str]) -> list[Key]:
    """Fills a ring with steps a minute apart, each of 1,000 bytes and 1,000 of content."""
    steps = [bare_step(number) for number in range(len(paths))]
    for step, path in zip(steps, paths, strict=True):
        tiers.recent.keep(step, ready(1_000, path, bytes([step.seq]) * 1_000))
    return [key_of(step) for step in steps]


def test_a_look_is_served_by_the_tier_that_has_the_step(ws: Workspace, root: Path) -> None:
    """Newest from the rings, others from memory once they were looked at, then segments or packs."""
    steps = edits(ws, root, 4)
    assert ws.step_changes(steps[0]) == ws.step_changes(steps[0])
    while ws.has_unready:
        ws.make_ready()
    ws.step_changes(steps[3])
    ws.gc()
    ws.step_changes(steps[1])
    looks = {tier.name: tier.looks for tier in ws.tiers().tiers}
    assert looks == {"L1": 1, "L2": 2, "L3": 1}
    memory = ws.tiers().memory
    assert (memory.looks, memory.at_hand, memory.hit_rate) == (4, 2, 0.5)


def test_what_leaves_the_ring_is_still_in_memory(ws: Workspace, root: Path) -> None:
    """As what the step changed; only beyond the session's limit the store is asked again."""
    steps = edits(ws, root, 5)
    tiers = Tiers(ring=2, warm=Warm(steps=2))
    for step in steps:
        tiers.note(step)
        tiers.make_next(ws._journal)
    for step in steps[1:]:
        assert tiers.changes_of(ws._journal, step) == ws.step_changes(step)
    assert tiers.meters.counted("looks at hand") == 4
    assert tiers.meters.counted("L1 to L2") == 3
    tiers.changes_of(ws._journal, steps[0])
    assert tiers.meters.counted("looks at hand") == 4


def test_sealing_promotes_what_was_in_segments(ws: Workspace, root: Path) -> None:
    """The figures say where steps are, before and after, and count milestones."""
    edits(ws, root, 3)
    ws.mark(ws.head(), milestone=True)
    _, second, third = ws.tiers().tiers
    assert (second.steps, third.steps, third.milestones) == (4, 0, 1)
    ws.seal()
    ws.refresh()
    _, second, third = ws.tiers().tiers
    assert (second.steps, third.steps, third.promoted) == (0, 4, 4)
    assert third.bytes > 0 and third.ratio is not None


def test_neighbours_of_what_was_looked_at_are_prepared(ws: Workspace, root: Path) -> None:
    """The nearest first; looking at them then asks no store, and counts as a hit."""
    steps = edits(ws, root, 6)
    ws.step_changes(steps[3])
    while ws.expects_looks:
        ws.prepare_ahead()
    tiers = ws._context.tiers
    assert [tiers.warm.get("me:1", key_of(s)) is not None for s in steps] == [0, 1, 1, 1, 1, 1]
    ws.step_changes(steps[2])
    ws.step_changes(steps[4])
    memory = ws.tiers().memory
    assert (memory.looks, memory.at_hand, memory.ahead) == (3, 2, 2)


def test_only_the_newest_guess_counts(ws: Workspace, root: Path) -> None:
    """Whoever moves on does not have what is far behind prepared."""
    steps = edits(ws, root, 12)
    ws.step_changes(steps[1])
    ws.step_changes(steps[10])
    while ws.expects_looks:
        ws.prepare_ahead()
    held = [ws._context.tiers.warm.get("me:1", key_of(s)) is not None for s in steps]
    assert held == [s in (1, 8, 9, 10, 11) for s in range(12)]


def held(number: int, path: str = "a", turn: int = 1, at_s: int = 0) -> Held:
    return Held(key(number), number, "me:1", turn, at_s * SECOND, ready(10, path))


def newest() -> list[Held]:
    return [held(100 + n, f"other {n}", 9, 1_000) for n in range(NEWEST)]


def test_edits_that_continue_one_another_leave_the_last() -> None:
    """The same file, the same turn, within five seconds; the newest steps are left alone."""
    ring = [held(0), held(1, at_s=5), held(2, at_s=11), held(3, "b", at_s=12), held(4, "b", 2, 13)]
    assert [*continued([*ring, *newest()])] == [ring[0].key]
    assert [*continued(ring)] == []


def test_what_a_turn_did_to_a_file_leaves_its_last_state() -> None:
    """Further or back again; another turn's work stays."""
    ring = [held(0), held(1, "b", at_s=60), held(2, at_s=900), held(3, turn=2, at_s=901)]
    assert [*superseded([*ring, *newest()])] == [ring[0].key]


LEVELS = {
    "calm": (10**9, 10**9, 10**9),
    "normal": (1, 10**9, 10**9),
    "aggressive": (1, 1, 10**9),
    "emergency": (1, 1, 1),
}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_lets_go_of_more_and_none_of_the_newest(level: str) -> None:
    """Injected limits: a minute apart nothing is continued, so normal finds nothing either."""
    tiers = Tiers(Thresholds(*LEVELS[level]))
    paths = ["edited again", *(f"file {n}" for n in range(1, 39)), "edited again"]
    ids = filled(tiers, paths)
    tiers.warm.keep("me:1", key(99), ready(5_000))
    assert tiers.level == level
    before, done = tiers.bytes, tiers.relieve()
    left = {"aggressive": 39, "emergency": NEWEST}.get(level, 40)
    contents = 40 if left == 40 else NEWEST
    assert (len(tiers.recent), len(tiers.recent.contents())) == (left, contents)
    assert len(tiers.warm) == (0 if level == "emergency" else 1)
    assert all(one in tiers.recent for one in ids[-NEWEST:])
    if left == 40:
        assert done is None and tiers.bytes == before
    else:
        assert done is not None
        assert (done.level, done.bytes_before, done.bytes_after) == (level, before, tiers.bytes)
        assert tiers.relieve() is None and tiers.meters.counted("memory cleanup") == 1


def test_normal_merges_what_continues(ws: Workspace, root: Path) -> None:
    """A burst of edits of one file leaves its last and the newest steps ready."""
    steps = edits(ws, root, NEWEST + 4)
    ws._context.tiers.thresholds = Thresholds(1, 10**9, 10**9)
    while ws.has_unready:
        ws.make_ready()
    left = [key_of(step) in ws._context.tiers.recent for step in steps]
    assert left == [False] * 4 + [True] * NEWEST


def test_a_cleanup_is_heard_of_and_costs_no_step(ws: Workspace, root: Path) -> None:
    """Subscribers get the event; every step reads as before."""
    heard = []
    ws.subscribe("snapshot:cleanup", heard.append)
    steps = edits(ws, root, NEWEST + 5)
    before = [ws.step_changes(step) for step in steps]
    ws._context.tiers.thresholds = Thresholds(1, 1, 1)
    done = [relieved for _ in steps if (relieved := ws.make_ready())]
    assert done and done[-1].level == "emergency"
    assert len(ws._context.tiers.recent) == NEWEST
    assert [ws.step_changes(step) for step in steps] == before
    ws.close()
    assert {event.facts["what"] for event in heard} == {"memory"}
    assert heard[-1].facts["level"] == "emergency"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(1, 400))))
def test_the_second_tier_keeps_its_bounds_and_its_sums(puts: list[tuple[str, int, int]]) -> None:
    """Whatever comes: no more steps a session, no more bytes, and the bytes of what is there."""
    warm = Warm(steps=3, limit=2_000)
    for session, number, size in puts:
        identity = key(f"{session}{number}")
        warm.keep(session, identity, Ready((change("x" * size),), (), {}, 0))
        known = [warm.get(s, key(f"{s}{n}")) for s in "abc" for n in range(10)]
        there = [one for one in known if one is not None]
        assert warm.bytes == sum(one.size for one in there) <= 2_000
        assert len(warm) == len(there) <= 9


@given(st.lists(st.integers(0, 5), max_size=40))
def test_the_least_recently_used_goes_first(uses: list[int]) -> None:
    """As a plain list of uses says."""
    warm, model = Warm(steps=3), list[int]()
    for number in uses:
        warm.keep("s", key(number), ready(10))
        model = [*(n for n in model if n != number), number][-3:]
    assert [n for n in range(6) if warm.get("s", key(n))] == sorted(model)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_rings_count_shared_contents_right(acts: list[tuple[int, bool]]) -> None:
    """Keeping and dropping in any order: the bytes are those of what is there."""
    recent = Recent(lambda left: None, steps=4)
    there: list[Key] = []
    for serial, (content, drops) in enumerate(acts):
        recent.keep(bare_step(serial), ready(7, blob=bytes([content]) * (content + 1)))
        there = [*there, key_of(bare_step(serial))][-4:]
        if drops:
            recent.drop([there.pop(0)])
        blobs = recent.contents().values()
        assert recent.bytes == 7 * len(there) + sum(map(len, blobs))


def test_a_step_whose_parent_was_dropped_is_shown_against_the_one_before(
    ws: Workspace, root: Path
) -> None:
    """Though its change against the dropped one is ready."""
    steps = edits(ws, root, 4)
    while ws.has_unready:
        ws.make_ready()
    before = ws.step_changes(steps[3])
    ws.mark(steps[0], tags=("kept",))
    done = ws.prune(Policy(keep_last=1, hourly=0, daily=0, per_session=1))
    shown = ws.get_step(steps[3].id)
    assert shown.parents == (steps[0].id,)
    assert ws.step_changes(shown)[0].old_blob != before[0].old_blob
    assert b"-0\n" in ws.unified_diff(shown) and b"-3\n" in ws.unified_diff(shown, reverse=True)
    ws.undo(done.operation)
    assert ws.step_changes(ws.get_step(steps[3].id)) == before
