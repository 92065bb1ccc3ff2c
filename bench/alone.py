"""Figures that have no rival beside them: growth of the store, memory, log, screen."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import trees
from edits import Edits
from ours import SCAN, store_bytes
from table import Results, say

from stepwell.store import Workspace

HOT_FILES = 300
LOG = "log -n 50, whole process"


def store_growth(results: Results, source: Path, scratch: Path, captures: int) -> None:
    """Captures one edited file after the other and compares the store with raw copies of them.

    Of the store, what the first capture takes is left out; sealed, that is what it takes alone.
    """
    say(f"store after {captures:,} captures")
    root, home = scratch / "growing", scratch / "growing-home"
    trees.copy(source, root)
    first = _sealed_first(root, scratch / "first-home")
    edits = Edits(root)
    edits.candidates = edits.candidates[:: max(1, len(edits.candidates) // HOT_FILES)]
    raw = 0
    with Workspace.init(root, home=home) as workspace:
        before = store_bytes(workspace.store)
        for _ in range(captures):
            plan = edits.plan(1)
            plan.do(root)
            edits.keep(plan)
            raw += len(plan.edits[0].after)
            workspace.capture()
        grown = store_bytes(workspace.store) - before
        started = time.perf_counter()
        workspace.gc()
        took = time.perf_counter() - started
        workspace.steps()
        whole = store_bytes(workspace.store)
    results.facts |= {
        "captures": str(captures),
        "raw bytes": str(raw),
        "unsealed bytes": str(grown),
        "sealed bytes": str(whole - first),
        "sealed with the first capture bytes": str(whole),
        "sealing seconds": f"{took:.0f}",
    }
    shutil.rmtree(root)
    shutil.rmtree(home)


def _sealed_first(root: Path, home: Path) -> int:
    """Returns what a store takes that holds one capture of the tree, sealed."""
    with Workspace.init(root, home=home) as workspace:
        workspace.gc()
        workspace.steps()
        size = store_bytes(workspace.store)
    shutil.rmtree(home)
    return size


def scan_memory(results: Results, tree: str, root: Path, home: Path) -> None:
    """Notes the peak memory of a process that captures the tree without a daemon."""
    code = (
        "import sys; from stepwell.store import Workspace; import machine\n"
        "with Workspace.open(sys.argv[1], home=sys.argv[2]) as workspace: workspace.capture()\n"
        "print(machine.peak_mb('self'))"
    )
    words = [sys.executable, "-c", code, str(root), str(home)]
    here = Path(__file__).parent
    done = subprocess.run(words, cwd=here, check=True, capture_output=True, text=True)
    results.facts[f"memory {tree} {SCAN}"] = done.stdout.strip()


def screen_measure(name: str) -> str:
    return f"screen: {name}"


def log(results: Results, root: Path, home: Path, rounds: int) -> None:
    """Times the newest 50 steps of a long history, interpreter start and all."""
    say(LOG)
    program = [str(Path(sys.executable).with_name("stepwell")), "-C", str(root), "log", "-n", "50"]
    for _ in range(rounds):
        with results.timed("", LOG, "Stepwell"):
            subprocess.run(program, env=_environment(home), check=True, capture_output=True)


def _environment(home: Path) -> dict[str, str]:
    return trees.clean_environment() | {"STEPWELL_HOME": str(home)}
