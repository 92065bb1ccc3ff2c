"""The tables of what keeping a history costs: what is missed is said, and in which share of the runs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    return importlib.import_module("keeping")


def test_a_target_that_fewer_runs_reach_than_it_asks_is_missed(keeping: Any) -> None:
    """And nothing is printed where nothing was measured."""
    results = keeping.Results()
    assert keeping.page(results) == ""
    for target in keeping.TARGETS:
        results.cell(keeping.PLACE, target.what, keeping.WHO).times += [1.0] * 200
    results.cell(keeping.PLACE, keeping.CAPTURE, keeping.WHO).times.append(11.0)
    results.cell(keeping.PLACE, keeping.MILESTONE, keeping.WHO).times.append(5_000.0)
    for name, *_ in keeping.SIZES:
        results.facts |= {f"{name} {what}": "1" for what in ("hourly", "memory", "disk", "sealed")}
    results.facts["operations of a size"] = "200"
    rows = [line for line in keeping.page(results).splitlines() if "missed" in line]
    assert len(rows) == 1 and "99.5 % of 201 **missed**" in rows[0]


@pytest.mark.long
def test_a_small_measure_fills_every_cell(keeping: Any, tmp_path: Path) -> None:
    """With a project each of a few files."""
    keeping.SIZES = tuple((name, 10, *rest) for name, _, *rest in keeping.SIZES)
    keeping.STATES = 3
    results = keeping.Results()
    keeping.measure(results, tmp_path / "kept", 4)
    page = keeping.page(results)
    assert "–" not in page and "nan" not in page
    assert page.count("\n| ") == 2 + len(keeping.TARGETS) + 2 + len(keeping.SIZES)
