"""The benchmark in its smallest form: it runs, it checks what it measures, it says what it found."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(400)  # its many fsyncs wait for whatever else the disk does

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    scratch = tmp_path_factory.mktemp("bench")
    words = [sys.executable, str(BENCH / "run.py"), "--tiny", "--scratch", str(scratch)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(scratch.iterdir()) == []
    return done.stdout


def _rows(page: str, heading: str) -> list[list[str]]:
    """Returns the rows of the tables of one section, without their heads."""
    section = page.split(f"\n## {heading}")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[text.strip() for text in line] for line in lines]


def test_everybody_is_measured_in_every_row(page: str) -> None:
    """No cell of the tables of the tree is empty, but that no hook makes a first capture."""
    tables = _rows(page, "Tree 30")
    rows = [r for r in tables if re.match("(first )?capture|restore", r[0]) and "x" not in r[-1]]
    assert len(rows) == 8
    assert [row[0] for row in rows if "–" in row] == ["first capture"]


def test_ours_is_exact_and_a_file_left_behind_is_told(page: str) -> None:
    """What is in bold is one known fault of one other tool, whose whole restore removes nothing."""
    found = re.findall(r"\*\*(another tree|not restored|new file left)\*\*", page)
    assert found == ["new file left"]


def test_the_page_says_what_was_missed_and_who_is_quicker(page: str) -> None:
    """Losses are part of the page."""
    assert {row[0] for row in _rows(page, "Where others are quicker")} >= {"tree"}
    assert all(len(row) == 6 for row in _rows(page, "What the project holds itself to"))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports modules of the benchmark, which are scripts beside each other."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(BENCH):
            del sys.modules[name]


def test_a_run_at_the_cap_is_stopped_noted_and_healed(tmp_path: Path, bench: Any) -> None:
    """A stopped git leaves a lock behind; the next round captures all the same."""
    table, rivals, trees = bench("table"), bench("rivals"), bench("trees")
    trees.make("30", tmp_path / "tree")
    git = rivals.TunedGit(tmp_path / "tree", tmp_path / "store")
    git.prepare()
    results = table.Results()
    git.stop_after(0.0)
    with results.timed("30", "capture", git.name):
        git.capture()
    assert table.shown(results.look("30", "capture", git.name), tail=True) == "> 60 s"
    (tmp_path / "store" / "index.lock").touch()
    git.heal()
    git.capture()
    words = ["git", "rev-parse", "HEAD^{tree}"]
    tree = subprocess.run(words, cwd=git.root, capture_output=True, text=True, check=True).stdout
    assert git.token() == tree.strip()


def test_figures_are_rounded_and_compared(bench: Any) -> None:
    """Three digits, a percentile by nearest rank, a ratio against a stopped run as a bound."""
    table = bench("table")
    cell = table.Cell([float(n) for n in range(1, 101)])
    assert (cell.median, cell.percentile(0.99), cell.percentile(1.0)) == (50.5, 99.0, 100.0)
    texts = [table.milliseconds(v) for v in (0.7251, 12.34, 987.6, 17_039.0, float("inf"))]
    assert texts == ["0.73", "12.3", "988", "17 s", "> 60 s"]
    assert table.ratio(279.0, 0.85) == "328x"
    assert table.ratio(float("inf"), 2.0) == "> 30,000x"
    assert table.ratio(1.0, 2.0) == "0.50x"
