"""Snapshots of state over each kind of storage, with a clock that ticks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import StateConfig, StorageType

FIRST_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000

Make = Callable[..., StateSnapshots]


class Clock:
    """Moves one second with each look, and as far as it is told."""

    def __init__(self) -> None:
        self.now_ns = FIRST_NS

    def __call__(self) -> int:
        self.now_ns += SECOND_NS
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture(params=["memory", "disk", "hybrid"])
def kind(request: pytest.FixtureRequest) -> StorageType:
    """Each storage type."""
    chosen: StorageType = request.param
    return chosen


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Iterator[Make]:
    """Returns a function that opens snapshots in one folder, closed at the end."""
    opened: list[StateSnapshots] = []
    seeds = itertools.count()

    def call(kind: StorageType = "disk", **options: object) -> StateSnapshots:
        reducers = options.pop("reducers", None)
        made = StateSnapshots(
            tmp_path / "state",
            StateConfig(storage_type=kind, **options),  # type: ignore[arg-type]
            clock=clock,
            randomness=random.Random(next(seeds)).randbytes,
            reducers=reducers,  # type: ignore[arg-type]
        )
        opened.append(made)
        return made

    yield call
    for one in opened:
        one.close()


@pytest.fixture
def snapshots(make: Make, kind: StorageType) -> StateSnapshots:
    """Snapshots over each kind of storage."""
    return make(kind)
