"""Snapshots of state and events lose what is purged; all else about them stays."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.states import AgentState

from stepwell.store.engine.pruning.blot import BLOT, Blotter
from stepwell.store.model.purging import Repeated
from stepwell.store.state.purging import PurgedSnapshots
from stepwell.store.state.snapshots import StateSnapshots

Make = Callable[..., StateSnapshots]

KEY = "SERVICE_KEY=9f8a7b6c5d4e3f2a1b0c"
BLOTTER = Blotter([f"{KEY}\n".encode()])


@pytest.fixture
def place(tmp_path: Path, clock: Callable[[], int]) -> PurgedSnapshots:
    """The folder as a purge sees it."""
    return PurgedSnapshots(tmp_path / "state", clock)


def traces(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and KEY[12:].encode() in p.read_bytes()]


@pytest.mark.parametrize("seed", range(6))
def test_chains_of_any_kind_come_out_whole_and_without_it(
    make: Make, place: PurgedSnapshots, tmp_path: Path, seed: int
) -> None:
    """Whatever builds on what: each state is as it was but for the secret, and builds on others again."""
    chance = random.Random(seed)
    snapshots = make("disk", full_every=5, max_snapshots=12, compression_enabled=False)
    agent, expected = AgentState(12, seed), {}
    for number in range(20):
        agent.step()
        state = copy.deepcopy(agent.value) | {"number": number}
        if chance.random() < 0.3:
            state["tasks"]["secret"] = {"deep": [f"export {KEY};"]}
        one = snapshots.create("s", state, description=f"state {number}", tags=(f"t{number}",))
        expected[one.id] = (one.time_ns, one.tags, one.description, BLOTTER.value(state))
    assert traces(tmp_path)
    place.purge(BLOTTER)
    assert traces(tmp_path) == []
    assert place.look(BLOTTER).repeated == ()
    for opened in (snapshots, make("hybrid")):
        found = {
            one.id: (one.time_ns, one.tags, one.description, opened.reconstruct_state(one))
            for one in opened.search(direction="asc")
        }
        assert found == dict(list(expected.items())[-12:])
        assert opened.statistics().damaged == ()
    kinds = [one.type for one in snapshots.search()]
    assert kinds.count("incremental") > len(kinds) // 2
    agent.step()
    after = snapshots.create("s", agent.value)
    assert snapshots.reconstruct_state(after) == agent.value


def test_labels_and_events_lose_it_and_what_goes_by_a_name_is_named(
    make: Make, place: PurgedSnapshots, tmp_path: Path
) -> None:
    """A description, tags, patches; a session stays, since others ask for it."""
    snapshots = make("disk")
    one = snapshots.create("s", {"n": 1}, tags=(KEY, "kept"), description=f"holds {KEY}")
    snapshots.record_event("s", "patch", [{"op": "add", "path": "/env", "value": KEY}])
    snapshots.record_event("s", "merge", {"n": 2})
    other = snapshots.create(f"of {KEY}", 1)
    found = place.look(BLOTTER)
    assert found.repeated == (Repeated("state snapshot", 1), Repeated("state event", 1))
    assert [each.what for each in found.unreached] == [f"of {KEY}"]
    place.purge(BLOTTER)
    now = snapshots.get(one.id)
    assert now is not None
    assert (now.tags, now.description) == ((BLOT, "kept"), f"holds {BLOT}")
    assert snapshots.reconstruct_at("s", 2**62) == {"n": 2, "env": BLOT}
    assert snapshots.delete(other)
    assert traces(tmp_path) == []


def test_what_is_damaged_is_named_with_the_command_that_removes_it(
    make: Make, place: PurgedSnapshots, tmp_path: Path
) -> None:
    """The others are purged all the same."""
    snapshots = make("disk", compression_enabled=False)
    ids = [snapshots.create("s", {"n": n, "env": KEY, "x": "y" * 200}).id for n in range(4)]
    victim = tmp_path / "state" / "snapshots" / f"{ids[2]}.snapshot"
    victim.write_bytes(victim.read_bytes()[:-1])
    snapshots.record_event("s", "merge", {"env": KEY})
    (log,) = (tmp_path / "state" / "events").iterdir()
    log.write_bytes(log.read_bytes().replace(b"merge", b"merg "))
    named = {one.what: one.reason for one in place.look(BLOTTER).unreached}
    assert f"stepwell state delete {ids[2]}" in named[f"state snapshot {ids[2]}"]
    assert "remove the file" in named[str(log)]
    place.purge(BLOTTER)
    assert snapshots.reconstruct_state(ids[1])["env"] == BLOT
    assert make("disk").delete(ids[2])
    log.unlink()
    for one in snapshots.search():
        if one.id not in ids[:2]:
            snapshots.delete(one.id)
    assert traces(tmp_path) == []


def test_a_configuration_that_cannot_be_read_keeps_no_secret(
    make: Make, place: PurgedSnapshots, tmp_path: Path
) -> None:
    """It only says how things are stored."""
    make("disk").create("s", {"env": KEY})
    (tmp_path / "state" / "config.json").write_text("{")
    place.purge(BLOTTER)
    assert traces(tmp_path) == []


def test_nothing_is_made_where_there_is_no_state(place: PurgedSnapshots, tmp_path: Path) -> None:
    """A workspace without any stays without."""
    assert place.look(BLOTTER).repeated == ()
    place.purge(BLOTTER)
    assert list(tmp_path.iterdir()) == []
