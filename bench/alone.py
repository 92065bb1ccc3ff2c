"""Figures that have no rival beside them: growth of the store, memory, log, screen."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import trees
from edits import Edits, Plan
from ours import SCAN, start_daemon, stop_daemon, store_bytes
from table import Results, say

from stepwell.store import Workspace

HOT_FILES = 300
MERGE = "merge of 10 files into 10 others, 7k"
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
        daemon = start_daemon(workspace, home)
        for _ in range(captures):
            plan = edits.plan(1)
            plan.do(root)
            edits.keep(plan)
            raw += len(plan.edits[0].after)
            workspace.capture()
        stop_daemon(workspace, daemon)
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


def _sealed_first(root: Path, home: Path) -> int:
    """Returns what a store takes that holds one capture of the tree, sealed."""
    with Workspace.init(root, home=home) as workspace:
        workspace.gc()
        workspace.steps()
        return store_bytes(workspace.store)


def merges(results: Results, source: Path, scratch: Path, rounds: int) -> None:
    """Times merging a branch that changed ten files into one that changed ten others."""
    say(MERGE)
    root, home = scratch / "merging", scratch / "merging-home"
    trees.copy(source, root)
    edits = Edits(root)
    with Workspace.init(root, home=home) as workspace:
        daemon = start_daemon(workspace, home)
        for number in range(rounds):
            both, side = edits.plan(20), f"side-{number}"
            theirs, ours = Plan(both.edits[:10]), Plan(both.edits[10:])
            workspace.create_branch(side)
            _record_on(workspace, side, theirs, root)
            _record_on(workspace, "main", ours, root)
            with results.timed("", MERGE, "Stepwell"):
                workspace.merge_branch(side)
            if any((root / e.path).read_bytes() != e.after for e in both.edits):
                results.cell("", MERGE, "Stepwell").wrong = "not merged"
            edits.keep(both)
        stop_daemon(workspace, daemon)


def _record_on(workspace: Workspace, branch: str, plan: Plan, root: Path) -> None:
    workspace.apply(workspace.plan_switch(branch))
    plan.do(root)
    workspace.capture()


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
