"""Basic snapshots and older configurations go on living."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepwell.store.model.errors import UsageError
from stepwell.store.state.migration import migrated_config
from stepwell.store.state.settings import load_config, save_config
from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import StateConfig

Make = Callable[..., StateSnapshots]


def test_basic_snapshots_keep_time_and_state_and_come_once(make: Make) -> None:
    """Times in milliseconds or RFC 3339; a second run adds only what is new."""
    old: list[Any] = [
        {"id": "a", "timestamp": 1_700_000_000_123, "state": {"n": 1}},
        {"id": 2, "timestamp": "2023-11-14T22:13:21.5Z", "state": [2]},
    ]
    snapshots = make("memory")
    report = snapshots.migrate("s", old)
    assert (report.imported, report.skipped, report.errors) == (2, 0, ())
    first, second = snapshots.search(direction="asc")
    assert (first.time_ns, second.time_ns) == (1_700_000_000_123 * 10**6, 1_700_000_001_500 * 10**6)
    assert first.tags == ("migration",) and first.description == "migrated from a"
    assert [snapshots.reconstruct_state(one) for one in (first, second)] == [{"n": 1}, [2]]
    report = snapshots.migrate("s", [*old, {"id": "c", "timestamp": 0, "state": None}])
    assert (report.imported, report.skipped) == (1, 2)


def test_what_is_no_basic_snapshot_is_reported_and_the_rest_goes_on(make: Make) -> None:
    """With its place."""
    good = {"id": "a", "timestamp": 1, "state": 1}
    wrong: list[Any] = [
        5,
        {},
        good | {"timestamp": "soon"},
        good | {"timestamp": -1},
        good | {"timestamp": float("inf")},
        good | {"timestamp": None},
        good | {"state": {1: 2}},
    ]
    report = make("memory").migrate("s", [*wrong, good])
    assert report.imported == 1
    assert [one.item for one in report.errors] == [f"item {n}" for n in range(1, 8)]


def test_an_older_configuration_becomes_ours() -> None:
    """Under the names of every age, and with the defaults for what it leaves out."""
    old = {"interval": 60_000, "maxSnapshots": 100, "compressionEnabled": True}
    config = migrated_config(old)
    assert (config.automatic_interval_ms, config.max_snapshots) == (60_000, 100)
    assert (config.compression_threshold, config.storage_type) == (1024, "hybrid")
    assert (config.incremental_enabled, config.persistence_enabled) == (True, True)
    every = {
        "automaticInterval": 1,
        "maxRetentionTime": 2,
        "maxSnapshots": 3,
        "compressionEnabled": False,
        "compressionThreshold": 4,
        "storageType": "disk",
        "persistenceEnabled": False,
        "incrementalEnabled": False,
        "checksumValidation": False,
        "taggedSnapshotsOnly": True,
    }
    assert migrated_config(every) == StateConfig(
        1, 2, 3, False, 4, "disk", False, False, False, True
    )
    assert migrated_config({"max_snapshots": 7}).max_snapshots == 7
    for wrong in ([], {"colour": 1}, {"maxSnapshots": "many"}, {"maxSnapshots": 0}):
        with pytest.raises(UsageError):
            migrated_config(wrong)


def test_the_defaults_are_those_that_are_promised() -> None:
    """Half a minute, a day, a thousand, a kilobyte; hybrid, all switches but one on."""
    config = StateConfig()
    assert (config.automatic_interval_ms, config.max_retention_ms) == (30_000, 86_400_000)
    assert (config.max_snapshots, config.compression_threshold) == (1000, 1024)
    assert config.storage_type == "hybrid" and not config.tagged_snapshots_only
    assert config.compression_enabled and config.persistence_enabled
    assert config.incremental_enabled and config.checksum_validation


def test_a_folder_keeps_its_configuration(tmp_path: Any) -> None:
    """A damaged one is refused, never replaced by the defaults, which might remove something."""
    folder = tmp_path / "state"
    assert load_config(folder) == StateConfig()
    save_config(folder, StateConfig(max_snapshots=7))
    assert load_config(folder).max_snapshots == 7
    (folder / "config.json").write_text('{"max_snapshots": 7')
    with pytest.raises(UsageError, match=r"config\.json cannot be used"):
        load_config(folder)
