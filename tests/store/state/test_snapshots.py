"""What StateSnapshots does, over each kind of storage."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.states import JSON, AgentState

from stepwell.store.model.errors import AmbiguousError, NotFoundError, UsageError
from stepwell.store.state.documents import encode
from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.storage import MemoryStorage
from stepwell.store.state.values import StateConfig, StateQuery, StorageType

Make = Callable[..., StateSnapshots]

HOUR_NS = 3_600_000_000_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(JSON, min_size=1, max_size=6))
def test_every_state_comes_back_as_it_was(make: Make, states: list[Any]) -> None:
    """Whatever JSON it is, and whatever it is stored upon."""
    snapshots = make("memory", full_every=3)
    made = snapshots.create_all("s", states)
    made += [snapshots.create("s", state, type="incremental") for state in states]
    for one, state in zip(made, [*states, *states], strict=True):
        assert encode(snapshots.reconstruct_state(one)) == encode(state)


def test_a_snapshot_knows_its_labels_and_sizes(snapshots: StateSnapshots) -> None:
    """As given, and as stored."""
    state = {"text": "words " * 1000}
    made = snapshots.create("me:s1", state, tags=["a", "b", "a"], description="before it")
    assert made == snapshots.get(made.id)
    assert (made.session, made.tags, made.description) == ("me:s1", ("a", "b"), "before it")
    assert (made.type, made.base, made.automatic) == ("full", None, False)
    assert made.size == len(encode(state)) and made.compressed
    assert 0 < made.stored_bytes < made.size
    assert snapshots.reconstruct_state(made) == snapshots.reconstruct_state(made.id) == state


def test_a_state_is_what_it_was_when_it_was_taken(snapshots: StateSnapshots) -> None:
    """Neither the caller's later changes nor those of what is given back reach it."""
    state = {"list": [1]}
    first = snapshots.create("s", state)
    state["list"].append(2)
    second = snapshots.create("s", state)
    snapshots.reconstruct_state(second)["list"].clear()
    state["list"].append(3)
    third = snapshots.create("s", state)
    found = [snapshots.reconstruct_state(one)["list"] for one in (first, second, third)]
    assert found == [[1], [1, 2], [1, 2, 3]]


def test_unknown_ids_are_none(snapshots: StateSnapshots) -> None:
    """Nothing is raised for what is not there."""
    one = snapshots.create("s", 1)
    assert snapshots.get("0" * 32) is None
    assert snapshots.reconstruct_state("0" * 32) is None
    assert snapshots.compare(one, "0" * 32) is snapshots.compare("0" * 32, one) is None
    assert snapshots.tag("0" * 32, add=["x"]) is None
    assert snapshots.nearest("nobody", 0) is None
    assert snapshots.delete("0" * 32) is False
    assert snapshots.delete("../../etc/passwd") is False


def test_types_are_as_asked_for(make: Make, kind: StorageType) -> None:
    """And chosen by size when nothing is asked for."""
    snapshots = make(kind, full_every=3)
    big = {"text": "x" * 1000, "n": 0}
    kinds = [snapshots.create("s", big | {"n": n}).type for n in range(7)]
    assert kinds == ["full", "incremental", "incremental"] * 2 + ["full"]
    assert snapshots.create("s", big, type="full").type == "full"
    assert snapshots.create("s", {"small": 1}).type == "full"
    assert snapshots.create("s", {"small": 2}, type="incremental").type == "incremental"
    assert snapshots.create("t", {"first": 1}, type="incremental").type == "full"
    assert make(kind, incremental_enabled=False).create("s", big).type == "full"
    with pytest.raises(UsageError):
        snapshots.create("s", 1, type="partial")  # type: ignore[arg-type]


def test_compression_follows_threshold_switch_and_force(make: Make) -> None:
    """Small content stays readable unless it is forced."""
    text = "x" * 600
    assert not make("memory").create("s", text).compressed
    assert make("memory", compression_threshold=512).create("s", text).compressed
    assert make("memory").create("s", text, force_compression=True).compressed
    off = make("memory", compression_enabled=False, compression_threshold=0)
    assert not off.create("s", text).compressed
    assert off.reconstruct_state(off.create("s", text, force_compression=True)) == text


def test_nearest_is_the_closest_of_the_session(snapshots: StateSnapshots) -> None:
    """Before or after; of two equally close the older."""
    a, _, b = snapshots.create("s", 1), snapshots.create("other", 2), snapshots.create("s", 3)
    middle = (a.time_ns + b.time_ns) // 2
    assert snapshots.nearest("s", 0) == snapshots.nearest("s", middle) == a
    assert snapshots.nearest("s", middle + 1) == snapshots.nearest("s", 1 << 62) == b


def test_search_narrows_sorts_and_limits(snapshots: StateSnapshots) -> None:
    """By every part of the query, alone and together."""
    a = snapshots.create("s", "a" * 30, tags=["x"], description="zebra")
    b = snapshots.create("s", "b", tags=["x", "y"], description="ant")
    c = snapshots.create("t", "cc", type="full", description="mouse")
    assert snapshots.search() == [c, b, a]
    assert snapshots.search(StateQuery(session="s")) == [b, a]
    assert snapshots.search(StateQuery(tags=("x",)), direction="asc") == [a, b]
    assert snapshots.search(StateQuery(tags=("x", "y"))) == [b]
    assert snapshots.search(StateQuery(start_ns=b.time_ns)) == [c, b]
    assert snapshots.search(StateQuery(end_ns=b.time_ns)) == [b, a]
    assert snapshots.search(StateQuery(type="full", session="t")) == [c]
    assert snapshots.search(sort_by="size") == [a, c, b]
    assert snapshots.search(sort_by="description", direction="asc", limit=2) == [b, c]
    assert snapshots.search(limit=0) == []
    for wrong in ({"sort_by": "colour"}, {"direction": "up"}, {"limit": -1}):
        with pytest.raises(UsageError):
            snapshots.search(**wrong)  # type: ignore[arg-type]


def test_compare_tells_what_differs_and_counts_it(snapshots: StateSnapshots) -> None:
    """Also across sessions and types."""
    agent = AgentState(5)
    a = snapshots.create("s", agent.value)
    b = snapshots.create("s", agent.step())
    found = snapshots.compare(a, b.id)
    assert found is not None and (found.first, found.second) == (a, b)
    assert found.summary.total_changes == len(found.changes) > 0
    assert found.summary.changed("agents") == 1 and found.summary.changed("messages") == 2
    assert snapshots.compare(b, b).changes == ()  # type: ignore[union-attr]


def test_tags_are_edited_afterwards_and_content_stays(make: Make, kind: StorageType) -> None:
    """One by one and by query; another process sees them."""
    snapshots = make(kind)
    a = snapshots.create("s", {"n": 1}, tags=["x", "y"])
    b = snapshots.create("s", {"n": 2})
    changed = snapshots.tag(a, add=["z", "x"], remove=["y"])
    assert changed is not None and changed.tags == ("x", "z")
    assert snapshots.tag_all(StateQuery(), add=["all"]) == snapshots.search(direction="asc")
    tags = [one.tags for one in (snapshots.get(a.id), snapshots.get(b.id)) if one]
    assert tags == [("x", "z", "all"), ("all",)]
    assert snapshots.reconstruct_state(a) == {"n": 1}
    if kind != "memory":
        assert make(kind).search(direction="asc") == snapshots.search(direction="asc")


def test_batches_create_tag_and_delete_many(snapshots: StateSnapshots) -> None:
    """In one call each."""
    made = snapshots.create_all("s", [{"n": n} for n in range(10)], tags=["batch"])
    snapshots.create("s", "other")
    assert [snapshots.reconstruct_state(one)["n"] for one in made] == list(range(10))
    assert snapshots.delete_all(StateQuery(tags=("batch",))) == 10
    assert [one.tags for one in snapshots.search()] == [()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(data=st.data(), chain=st.integers(1, 5))
def test_deleting_any_snapshots_leaves_the_others_whole(
    make: Make, data: st.DataObject, chain: int
) -> None:
    """What builds on a deleted one is stored anew, in whatever order they go."""
    snapshots = make("memory", full_every=chain)
    states = [{"text": "x" * 200, "n": n, str(n): n} for n in range(9)]
    left = dict(zip([one.id for one in snapshots.create_all("s", states)], states, strict=True))
    for identity in data.draw(st.permutations(list(left)))[:7]:
        assert snapshots.delete(identity) is True
        del left[identity]
        assert {i: snapshots.reconstruct_state(i) for i in left} == left
    assert {one.id for one in snapshots.search()} == set(left)
    more = snapshots.create("s", {"later": 1})
    assert snapshots.reconstruct_state(more) == {"later": 1}


def test_statistics_count_what_is_there(snapshots: StateSnapshots) -> None:
    """By type, session and size."""
    empty = snapshots.statistics()
    assert (empty.total, empty.compression_ratio, empty.oldest_ns) == (0, None, None)
    a = snapshots.create("s", {"text": "word " * 2000}, tags=["x"])
    b = snapshots.create("t", {"text": "word " * 2000})
    c = snapshots.create("t", {"text": "word " * 2000 + "."}, type="incremental")
    found = snapshots.statistics()
    assert (found.total, found.full, found.incremental, found.tagged) == (3, 2, 1, 1)
    assert found.sessions == {"s": 1, "t": 2}
    assert found.total_size == a.size + b.size + c.size
    assert found.stored_bytes == a.stored_bytes + b.stored_bytes + c.stored_bytes
    assert found.compression_ratio == round(found.total_size / found.stored_bytes, 2)
    assert (found.oldest_ns, found.newest_ns, found.damaged) == (a.time_ns, c.time_ns, ())


def test_retention_by_count_age_and_tags(make: Make, kind: StorageType, clock: Any) -> None:
    """Each removes only its own session's, and never the newest."""
    other = make(kind).create("other", 0)
    counted = make(kind, max_snapshots=3)
    for n in range(6):
        counted.create("s", {"n": n, "text": "x" * 99})
    kept = counted.search(StateQuery(session="s"), direction="asc")
    assert [counted.reconstruct_state(one)["n"] for one in kept] == [3, 4, 5]
    clock.now_ns += 25 * HOUR_NS
    assert len(counted.search(StateQuery(session="s"))) == 3
    newest = counted.create("s", {"n": 6})
    assert counted.search(StateQuery(session="s")) == [newest]
    if kind != "memory":
        assert counted.get(other.id) == other
    tagged = make(kind, tagged_snapshots_only=True)
    for n in range(4):
        tagged.create("tagged", n, tags=["keep"] if n == 1 else [])
    kept = tagged.search(StateQuery(session="tagged"), direction="asc")
    assert [tagged.reconstruct_state(one) for one in kept] == [1, 3]


def test_cleanup_holds_every_session_to_retention(
    make: Make, kind: StorageType, clock: Any
) -> None:
    """The newest of each stays, however old it is."""
    snapshots = make(kind)
    made = [snapshots.create(session, n) for n, session in enumerate("aabb")]
    assert snapshots.cleanup() == []
    clock.now_ns += 25 * HOUR_NS
    assert snapshots.cleanup() == [made[0], made[2]]
    assert snapshots.search(direction="asc") == [made[1], made[3]]


def test_retention_stores_nothing_anew_and_leaves_little(make: Make, tmp_path: Path) -> None:
    """What others build on only changes its name, and goes with the last of them."""
    snapshots = make("disk", max_snapshots=5, full_every=4)
    files, before = tmp_path / "state" / "snapshots", dict[str, int]()
    for n in range(40):
        snapshots.create("s", {"n": n, "text": "x" * 200})
        now = {path.stem: path.stat().st_ino for path in files.iterdir()}
        assert {i: inode for i, inode in now.items() if i in before}.items() <= before.items()
        before = now
        kept = snapshots.search(direction="asc")
        states = [snapshots.reconstruct_state(one)["n"] for one in kept]
        assert states == list(range(max(0, n - 4), n + 1))
        assert len(now) <= 5 + 3
    assert any(path.suffix == ".base" for path in files.iterdir())
    again = make("disk", max_snapshots=5, full_every=4)
    assert again.search() == snapshots.search()
    assert again.statistics().stored_bytes > sum(one.stored_bytes for one in kept)


@pytest.mark.parametrize("act", ["cleanup", "delete", "delete all"])
def test_what_retention_left_goes_at_once_when_asked(
    make: Make, kind: StorageType, act: str
) -> None:
    """With everything that is kept still whole."""
    snapshots = make(kind, max_snapshots=2, full_every=9)
    for n in range(5):
        snapshots.create("s", {"n": n, "text": "x" * 200})
    older, newer = snapshots.search(direction="asc")
    assert len(snapshots._storage.bases()) == 3
    assert all(snapshots.get(base) is None for base in snapshots._storage.bases())
    if act == "cleanup":
        assert snapshots.cleanup() == []
        assert [snapshots.reconstruct_state(one.id)["n"] for one in (older, newer)] == [3, 4]
    elif act == "delete":
        snapshots.delete(newer)
        snapshots.delete(older)
    else:
        assert snapshots.delete_all(StateQuery(session="s")) == 2
    assert not snapshots._storage.bases()


def test_an_import_brings_back_what_retention_took(make: Make, kind: StorageType) -> None:
    """Also where it is still a base of others."""
    snapshots = make(kind, max_snapshots=2, full_every=9)
    snapshots.create("s", {"n": 0, "text": "x" * 200})
    content = snapshots.export_snapshots()
    for n in range(1, 4):
        snapshots.create("s", {"n": n, "text": "x" * 200})
    assert snapshots.import_snapshots(content).imported == 1
    states = [snapshots.reconstruct_state(one)["n"] for one in snapshots.search(direction="asc")]
    assert states == [0, 2, 3]
    if kind != "memory":
        assert make(kind).search() == snapshots.search()


def test_a_clock_that_leaps_years_ahead_removes_nothing_at_once(make: Make, clock: Any) -> None:
    """It may be wrong; age counts again from the next snapshot on."""
    snapshots = make("memory")
    old = snapshots.create("s", 1)
    clock.now_ns += 10 * 365 * 24 * HOUR_NS
    snapshots.create("s", 2)
    assert snapshots.get(old.id) == old
    snapshots.create("s", 3)
    assert snapshots.get(old.id) is None


def test_two_openings_of_a_folder_see_each_others_work(make: Make) -> None:
    """What one stores, tags and deletes is there, or gone, for the other."""
    one, two = make("hybrid"), make("disk")
    a = one.create("s", {"n": 1, "text": "x" * 100})
    assert two.get(a.id) == a
    b = two.create("s", {"n": 2, "text": "x" * 100})
    assert b.base == a.id and one.reconstruct_state(b)["n"] == 2
    two.delete(a)
    assert one.get(a.id) is None and one.reconstruct_state(b.id)["n"] == 2
    c = one.create("s", {"n": 3, "text": "x" * 100})
    assert two.reconstruct_state(c)["n"] == 3


def test_a_folder_that_rests_is_not_scanned_and_a_change_is_still_seen(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its time has stayed the same for longer than any file system's clock ticks."""
    now = iter(range(0, 1000, 2))
    monkeypatch.setattr("stepwell.store.state.disk.time.monotonic", lambda: next(now))
    writer, reader = make("disk"), make("disk")
    writer.create("s", 1)
    scans: list[int] = []
    scan = reader._storage._scan  # type: ignore[attr-defined]
    monkeypatch.setattr(reader._storage, "_scan", lambda: (scans.append(1), scan()))
    for _ in range(10):
        assert len(reader.search()) == 1
    assert 1 <= len(scans) <= 3
    for count in (2, 3):
        writer.create("s", count)
        assert len(reader.search()) == count


def test_threads_can_share_one(make: Make) -> None:
    """Every snapshot is there, once, with its own number."""
    snapshots = make("disk")

    def work(name: str) -> None:
        for n in range(8):
            snapshots.create(name, {"n": n, "text": "x" * 100})

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = snapshots.search(direction="asc")
    assert len({one.number for one in found}) == 24
    for name in "abc":
        of_session = snapshots.search(StateQuery(session=name), direction="asc")
        assert [snapshots.reconstruct_state(one)["n"] for one in of_session] == list(range(8))


def test_an_id_that_another_process_overwrites_is_built_upon_as_it_is_then(make: Make) -> None:
    """What this process remembers of it does not count any more."""
    one, two, elsewhere = make("hybrid"), make("disk"), make("memory")
    a = one.create("s", {"n": 1, "text": "x" * 300})
    document = json.loads(one.export_snapshots())
    document["snapshots"][0]["state"] = {"n": 7, "text": "y" * 300}
    content = json.dumps(document).encode()
    two.import_snapshots(content, overwrite_existing=True, validate_integrity=False)
    state = {"n": 2, "text": "x" * 300}
    b = one.create("s", state, type="incremental")
    assert b.base == a.id
    assert one.reconstruct_state(b) == two.reconstruct_state(b) == state
    elsewhere.import_snapshots(one.export_snapshots())
    assert elsewhere.reconstruct_state(a.id)["n"] == 7


def test_the_deepest_states_can_be_stored_compared_and_patched(snapshots: StateSnapshots) -> None:
    """As deep as is allowed, and told apart at the very bottom."""
    states: list[Any] = []
    for leaf in (1, 2):
        value: Any = leaf
        for level in range(200):
            value = {"a/b": value} if level % 2 else [value, 0]
        states.append(value)
    first, second = (snapshots.create("s", state, type="incremental") for state in states)
    assert snapshots.reconstruct_state(second) == states[1]
    found = snapshots.compare(first, second)
    assert found is not None and [(one.old, one.new) for one in found.changes] == [(1, 2)]


def test_readers_are_not_disturbed_by_what_another_process_deletes(make: Make) -> None:
    """A chain that is stored anew while it is read gives the same state."""
    reader, writer = make("hybrid", full_every=50), make("disk", full_every=50)
    made = writer.create_all("s", [{"n": n, "text": "x" * 200} for n in range(40)])
    done = threading.Event()

    def delete() -> None:
        for one in made[:-1]:
            writer.delete(one)
        done.set()

    thread = threading.Thread(target=delete)
    thread.start()
    reads = 0
    while not done.is_set() or not reads:
        assert reader.reconstruct_state(made[-1]) == {"n": 39, "text": "x" * 200}
        reads += 1
    thread.join()
    assert [one.type for one in reader.search()] == ["full"]


def test_ids_are_found_by_their_beginning(snapshots: StateSnapshots) -> None:
    """Four digits at least, and only one may begin so."""
    made = [snapshots.create("s", n) for n in range(3)]
    assert snapshots.resolve(made[0].id[:6]) == snapshots.resolve(made[0].id) == made[0].id
    for unknown in ("", made[0].id[:3], "zzzz"):
        with pytest.raises(NotFoundError):
            snapshots.resolve(unknown)
    twin = MemoryStorage()
    alike = iter([b"\x01" * 15 + b"a", b"\x01" * 15 + b"b"])
    two = StateSnapshots(storage=twin, randomness=lambda _: next(alike))
    two.create_all("s", [1, 2])
    with pytest.raises(AmbiguousError) as several:
        two.resolve("0101")
    assert len(several.value.facts["candidates"]) == 2


def test_memory_needs_no_folder_and_the_others_do(tmp_path: Path) -> None:
    """Switched-off persistence is memory, and leaves nothing on disk."""
    with pytest.raises(UsageError, match="needs a folder"):
        StateSnapshots()
    StateSnapshots(config=StateConfig(storage_type="memory")).create("s", 1)
    StateSnapshots(tmp_path / "x", StateConfig(persistence_enabled=False)).create("s", 1)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "option",
    [
        {"max_snapshots": 0},
        {"automatic_interval_ms": 1.5},
        {"compression_threshold": -1},
        {"compression_enabled": 1},
        {"storage_type": "tape"},
    ],
)
def test_options_out_of_range_are_refused(option: dict[str, Any]) -> None:
    """Before anything is opened."""
    with pytest.raises(UsageError):
        StateConfig(**option)


@pytest.mark.parametrize(
    "labels",
    [
        {"tags": "milestone"},
        {"tags": [1]},
        {"tags": [""]},
        {"tags": [str(n) for n in range(1001)]},
        {"description": "x" * 100_001},
        {"description": None},
    ],
)
def test_labels_that_cannot_be_stored_are_refused(
    snapshots: StateSnapshots, labels: dict[str, Any]
) -> None:
    """And nothing is stored."""
    with pytest.raises(UsageError):
        snapshots.create("s", 1, **labels)
    with pytest.raises(UsageError):
        snapshots.create("", 1)
    assert snapshots.search() == []
