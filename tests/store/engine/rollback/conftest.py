"""An empty workspace for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench import Bench

from stepwell.store.engine.rollback import together


@pytest.fixture
def beside(tmp_path: Path) -> Bench:
    """Returns an empty workspace whose drafts are made beside their places."""
    root = tmp_path / "beside"
    root.mkdir()
    return Bench(os.fsencode(root))


@pytest.fixture(params=["beside", "staged"])
def bench(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Returns an empty workspace; drafts are made beside their places, or all of them in a store.

    Whatever happens, nothing is left in the store.
    """
    root = tmp_path / "workspace"
    root.mkdir()
    bench = Bench(os.fsencode(root))
    if request.param == "staged":
        bench.store = tmp_path / "store"
        bench.store.mkdir()
        monkeypatch.setattr(together, "MANY", 1)
    yield bench
    assert bench.staged() == []
