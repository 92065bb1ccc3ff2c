"""Sealing, killed or refused at each changing call: nothing is lost, and the next one finishes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from support import seal_kill_points
from support.bench import file_size_limit
from support.journals import make_store, record, record_many, writing
from support.sealed import assert_clean, seal_store, whole_store

from stepwell.store.model.errors import NoSpaceError


def report(first: int, step: int, *options: str) -> dict[str, object]:
    """Runs the kill matrix in a process of its own, which is without threads and can fork."""
    command = [sys.executable, seal_kill_points.__file__, str(first), str(step), *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_after_a_kill_anywhere_the_next_sealing_finishes() -> None:
    """A few points, spread over all of it."""
    found = report(5, 16)
    assert found["wrong"] == []
    assert int(str(found["points"])) > 60


@pytest.mark.long
@pytest.mark.timeout(900)
def test_after_a_kill_at_every_point_the_next_sealing_finishes() -> None:
    """All points."""
    found = report(1, 1)
    assert found["wrong"] == []


def test_a_full_disk_at_any_call_leaves_everything_readable() -> None:
    """A few points; what failed is tried again by the next sealing, and done."""
    found = report(9, 23, "refuse")
    assert found["wrong"] == []
    assert int(str(found["points"])) > 60


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_full_disk_at_every_call_leaves_everything_readable() -> None:
    """All points."""
    assert report(1, 1, "refuse")["wrong"] == []


@pytest.mark.parametrize("limit", [600, 5_000, 30_000, 250_000])
def test_a_real_size_limit_stops_git_too(tmp_path: Path, limit: int) -> None:
    """Files, git's as ours, that cannot grow: an error that says so, and then all is well."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        done = [*record_many(writer, 40), record(writer, random.Random(1).randbytes(200_000))]
    with file_size_limit(limit), suppress(NoSpaceError):
        seal_store(store)
        assert limit == 250_000
    whole_store(store, done)
    seal_store(store)
    whole_store(store, done)
    assert_clean(store)
