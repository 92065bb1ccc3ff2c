"""An empty workspace for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Returns an empty workspace."""
    root = tmp_path / "workspace"
    root.mkdir()
    return Bench(os.fsencode(root))
