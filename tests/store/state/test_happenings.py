"""Events out of the snapshots, events into them, and what happens at an interval."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from stepwell.store.model.errors import IntegrityError, UsageError
from stepwell.store.state.snapshots import RECONSTRUCTED, StateSnapshots
from stepwell.store.state.subscribers import EVENTS
from stepwell.store.state.ticker import Ticker
from stepwell.store.state.values import StateQuery, StorageType

Make = Callable[..., StateSnapshots]


class Heard:
    """Everything that was told, in order."""

    def __init__(self, snapshots: StateSnapshots) -> None:
        self.told: list[dict[str, Any]] = []
        for event in EVENTS:
            snapshots.subscribe(event, lambda told: self.told.append(dict(told)))

    @property
    def names(self) -> list[str]:
        return [one["event"] for one in self.told]


def test_everything_that_happens_is_told_once(make: Make) -> None:
    """In the order in which it happened, each with its facts."""
    snapshots = make("memory", max_snapshots=2)
    heard = Heard(snapshots)
    a = snapshots.create("s", 1)
    b = snapshots.create("s", 2)
    snapshots.delete(b)
    snapshots.create("s", 3)
    snapshots.create("s", 4)
    snapshots.import_snapshots(snapshots.export_snapshots())
    snapshots.start_automatic("s", lambda: 1, interval_ms=60_000)
    snapshots.stop_automatic("s")
    snapshots.close()
    assert heard.names == [
        "snapshot:created",
        "snapshot:created",
        "snapshot:deleted",
        "snapshot:created",
        "snapshot:created",
        "snapshot:deleted",
        "snapshot:cleanup",
        "import:completed",
        "automatic:started",
        "automatic:stopped",
        "shutdown:complete",
    ]
    assert heard.told[0]["snapshot"] == a
    assert heard.told[2]["snapshot_id"] == b.id
    assert heard.told[5]["snapshot_id"] == a.id and heard.told[5]["session"] == "s"
    assert heard.told[7]["report"].skipped == 2
    assert heard.told[0]["time"].endswith("Z")


def test_a_failed_creation_is_told_as_an_error(make: Make) -> None:
    """And raised all the same."""
    snapshots = make("memory")
    heard = Heard(snapshots)
    with pytest.raises(UsageError):
        snapshots.create("s", float("nan"))
    (told,) = heard.told
    assert (told["event"], told["type"], told["session"]) == (
        "error",
        "snapshot_creation_failed",
        "s",
    )
    assert "nan" in told["error"]


def test_what_was_stored_counts_even_where_retention_fails(make: Make, tmp_path: Path) -> None:
    """As over events that are damaged; it is told, and tried again each time."""
    snapshots = make("disk", max_snapshots=1)
    snapshots.create("s", 1)
    snapshots.record_event("s", "merge", {})
    (log,) = (tmp_path / "state" / "events").iterdir()
    log.write_bytes(b"rubbish\n")
    heard = Heard(snapshots)
    made = snapshots.create("s", 2)
    assert snapshots.search() == [made] and snapshots.reconstruct_state(made) == 2
    assert [one["type"] for one in heard.told if one["event"] == "error"] == ["cleanup_failed"]


def test_callbacks_can_use_the_snapshots_and_their_failures_go_nowhere(
    make: Make, kind: StorageType, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback may write, leave, or raise."""
    snapshots = make(kind)
    sent: list[bytes] = []

    def broken(told: object) -> None:
        raise RuntimeError("mine")

    def back_up(told: Any) -> None:
        leave()
        snapshots.create("from a callback", 1)
        sent.append(snapshots.export_snapshots(StateQuery(session=told["session"])))

    snapshots.subscribe("snapshot:created", broken)
    leave = snapshots.subscribe("snapshot:created", back_up)
    snapshots.create("s", {"n": 1})
    assert len(json.loads(sent[0])["snapshots"]) == len(sent) == 1
    assert len(snapshots.search()) == 2
    assert "a subscriber of snapshot:created failed" in caplog.text
    with pytest.raises(UsageError):
        snapshots.subscribe("snapshot_created", broken)


def test_automatic_snapshots_come_until_they_are_stopped(make: Make, kind: StorageType) -> None:
    """A failing source is told as an error, and the next beat tries again."""
    snapshots = make(kind)
    three, count = threading.Event(), iter(range(1000))

    def source() -> dict[str, int]:
        number = next(count)
        if number == 1:
            raise OSError("not now")
        return {"n": number}

    heard = Heard(snapshots)
    snapshots.subscribe(
        "snapshot:created", lambda told: three.set() if len(snapshots.search()) > 2 else None
    )
    assert snapshots.start_automatic("s", source, interval_ms=5) is True
    assert snapshots.start_automatic("s", source) is False
    assert three.wait(30)
    assert snapshots.stop_automatic("s") is True
    assert snapshots.stop_automatic("s") is False
    found = snapshots.search(direction="asc")
    assert all(one.automatic for one in found)
    states = [snapshots.reconstruct_state(one)["n"] for one in found]
    assert states == [0, *range(2, len(found) + 1)]
    (error,) = [one for one in heard.told if one["event"] == "error"]
    assert (error["type"], error["error"]) == ("automatic_snapshot_failed", "not now")
    with pytest.raises(UsageError):
        snapshots.start_automatic("s", source, interval_ms=0)


def test_closing_and_stopping_from_within_end_the_thread(make: Make) -> None:
    """Nothing waits for itself."""
    snapshots = make("memory")
    done = threading.Event()

    def source() -> int:
        snapshots.stop_automatic("s")
        done.set()
        return 1

    snapshots.start_automatic("s", source, interval_ms=1)
    snapshots.start_automatic("t", lambda: 2, interval_ms=60_000)
    assert done.wait(30)
    snapshots.close()
    left = [t for t in threading.enumerate() if t.name == "stepwell-state-t"]
    assert left == []


def test_beats_that_a_slow_action_misses_are_left_out() -> None:
    """The next one keeps to the interval's grid, and none are made up for."""
    release, beats = threading.Event(), []

    def action() -> None:
        beats.append(1)
        if len(beats) == 1:
            release.wait(30)

    ticker = Ticker(0.01, action, "slow")
    ticker.start()
    threading.Timer(0.2, release.set).start()
    release.wait(30)
    ticker.stop()
    assert len(beats) <= 3


def test_a_state_is_reconstructed_at_any_time(make: Make, kind: StorageType) -> None:
    """From the nearest snapshot before, and the events since, up to and with that time."""
    snapshots = make(kind, events_per_snapshot=0)
    assert snapshots.reconstruct_at("s", 1 << 62) is None
    start = snapshots.create("s", {"n": 0, "log": []})
    states, times = [{"n": 0, "log": []}], [start.time_ns]
    for n in range(1, 7):
        patch = [
            {"op": "replace", "path": "/n", "value": n},
            {"op": "add", "path": "/log/-", "value": n},
        ]
        states.append(jsonpatch.apply_patch(states[-1], patch))
        times.append(snapshots.record_event("s", "patch", patch).time_ns)
        snapshots.record_event("other", "merge", {"n": 5})
        if n == 3:
            snapshots.create("s", states[-1])
    for state, time_ns in zip(states, times, strict=True):
        assert snapshots.reconstruct_at("s", time_ns) == state
    assert snapshots.reconstruct_at("s", times[2] + 1) == states[2]
    assert snapshots.reconstruct_at("s", 1 << 62) == states[-1]
    assert snapshots.reconstruct_at("s", start.time_ns - 1) is None
    if kind != "memory":
        assert make(kind).reconstruct_at("s", times[5]) == states[5]


def test_reconstruction_leaves_snapshots_on_its_way(make: Make, kind: StorageType) -> None:
    """Dated as the events, so that the next one replays less; states stay the same."""
    snapshots = make(kind, events_per_snapshot=4)
    snapshots.create("s", {"n": 0})
    times = [snapshots.record_event("s", "merge", {"n": n}).time_ns for n in range(1, 12)]
    assert snapshots.reconstruct_at("s", times[10]) == {"n": 11}
    left = snapshots.search(StateQuery(tags=(RECONSTRUCTED,)), direction="asc")
    assert [one.time_ns for one in left] == [times[3], times[7]]
    assert [snapshots.reconstruct_state(one) for one in left] == [{"n": 4}, {"n": 8}]
    assert [snapshots.reconstruct_at("s", time)["n"] for time in times] == list(range(1, 12))
    assert len(snapshots.search()) == 3


def test_further_kinds_of_events_need_a_reducer(make: Make) -> None:
    """Which may change what it gets, or return something new."""

    def finished(state: Any, data: Any) -> Any:
        state["open"].remove(data)
        return state

    snapshots = make("memory", reducers={"finished": finished, "reset": lambda s, d: {"open": d}})
    snapshots.create("s", {"open": ["a", "b"]})
    snapshots.record_event("s", "finished", "a")
    assert snapshots.reconstruct_at("s", 1 << 62) == {"open": ["b"]}
    snapshots.record_event("s", "reset", ["z"])
    assert snapshots.reconstruct_at("s", 1 << 62) == {"open": ["z"]}
    snapshots.record_event("s", "unheard of", 1)
    with pytest.raises(UsageError, match="unheard of"):
        snapshots.reconstruct_at("s", 1 << 62)


def test_an_event_that_does_not_fit_is_named(make: Make) -> None:
    """By its time; what is no JSON is not recorded at all."""
    snapshots = make("memory")
    snapshots.create("s", {"n": 0})
    event = snapshots.record_event("s", "patch", [{"op": "remove", "path": "/x"}])
    with pytest.raises(UsageError, match="cannot be replayed") as told:
        snapshots.reconstruct_at("s", 1 << 62)
    assert told.value.facts["time_ns"] == event.time_ns
    with pytest.raises(UsageError):
        snapshots.record_event("s", "patch", {1: 2})
    assert len(snapshots.events("s")) == 1


def test_order_survives_a_clock_that_goes_back(make: Make, clock: Any) -> None:
    """Events and snapshots of a session come after what was there before."""
    snapshots = make("memory", events_per_snapshot=0)
    snapshots.create("s", {"n": 0})
    clock.now_ns -= 3600 * 10**9
    first = snapshots.record_event("s", "merge", {"n": 1})
    second = snapshots.record_event("s", "merge", {"n": 2})
    after = snapshots.create("s", {"n": 2, "after": True})
    assert first.time_ns < second.time_ns <= after.time_ns
    assert snapshots.reconstruct_at("s", first.time_ns) == {"n": 1}
    assert snapshots.reconstruct_at("s", 1 << 62) == {"n": 2, "after": True}


def test_events_go_with_the_snapshots_that_they_follow(make: Make, kind: StorageType) -> None:
    """Retention drops those that no kept snapshot needs."""
    snapshots = make(kind, max_snapshots=2)
    for n in range(4):
        snapshots.create("s", {"n": n})
        snapshots.record_event("s", "merge", {"after": n})
    assert [event.data["after"] for event in snapshots.events("s")] == [2, 3]


def test_a_torn_event_gives_way_to_the_next_and_a_changed_one_is_told(
    make: Make, tmp_path: Path
) -> None:
    """A write that a crash cut off was never acknowledged."""
    snapshots = make("disk")
    snapshots.create("s", {})
    for n in range(3):
        snapshots.record_event("s", "merge", {"text": "x" * 70_000, "n": n})
    (log,) = (tmp_path / "state" / "events").iterdir()
    whole = log.read_bytes()
    log.write_bytes(whole[:-5])
    assert [one.data["n"] for one in make("disk").events("s")] == [0, 1]
    snapshots.record_event("s", "merge", {"n": 3})
    assert [one.data["n"] for one in make("disk").events("s")] == [0, 1, 3]
    log.write_bytes(whole.replace(b'"n":1', b'"n":7'))
    with pytest.raises(IntegrityError, match="line 3"):
        snapshots.events("s")
    log.write_bytes(b"stepwell-events 2\n" + whole.partition(b"\n")[2])
    with pytest.raises(IntegrityError, match="newer version"):
        snapshots.events("s")
