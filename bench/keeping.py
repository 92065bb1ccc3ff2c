"""What keeping a history costs: the targets with their success rates, three sizes of project, state.

.venv/bin/python bench/keeping.py          only these tables, printed; some minutes
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import state
from machine import resident_mb
from ours import start_daemon, stop_daemon, store_bytes
from table import Results, markdown, milliseconds, say

from stepwell.store import Step, Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.engine.tiers import Ready, Thresholds, Tiers, make_ready
from stepwell.store.model.ids import StepId
from stepwell.store.model.retention import Policy

PLACE, WHO = "keeping", "Stepwell"
"""What these figures are kept under, in the place of a tree."""
CAPTURE, ROLLBACK, LOOK = "L1: capture", "L1: rollback", "L2: look at a step"
MILESTONE, FOLD, CLEANUP = "L3: milestone", "folding a session of 50", "memory cleanup"
RECONSTRUCT, COMPARE = "state of 1 MB: reconstruct", "states of 1 MB: compare"
"""In processor time, which other work on the machine changes little."""

STATES = 40
"""Snapshots of state that are taken at least."""


@dataclass(frozen=True)
class Target:
    """One line of the targets: a limit, and which share of the runs has to keep within it."""

    what: str
    limit_ms: float
    share: float
    beside: str
    """What is told beside it: the name of a fact, or empty."""


TARGETS = (
    Target(CAPTURE, 10, 99.9, "bytes a step ready in L1"),
    Target(ROLLBACK, 50, 99.9, ""),
    Target(LOOK, 100, 99.5, "bytes of L2 in memory"),
    Target(MILESTONE, 1000, 99.0, ""),
    Target(FOLD, 200, 95.0, "saved by sealing"),
    Target(CLEANUP, 500, 99.0, "bytes after a cleanup"),
    Target(RECONSTRUCT, 50, 100.0, "saved by incremental snapshots"),
    Target(COMPARE, 100, 100.0, ""),
)
SIZES = (
    ("small", 100, 1_000, 50, 10),
    ("medium", 1_000, 10_000, 100, 100),
    ("large", 10_000, 10_000, 200, 1_000),
)
"""Name, files, and the targets: operations an hour, MB of memory, MB on disk."""


def measure(results: Results, scratch: Path, rounds: int) -> None:
    """Measures all of it; `rounds` of what has a success rate."""
    say("targets: capture, rollback, looks, milestones")
    scratch.mkdir()
    root, home = scratch / "kept", scratch / "kept-home"
    _project(root, 200)
    with Workspace.init(root, home=home) as workspace:
        daemon = start_daemon(workspace, home)
        try:
            _captures(results, workspace, root, rounds)
            _rollbacks(results, workspace, max(10, rounds // 5))
            _looks(results, workspace)
        finally:
            stop_daemon(workspace, daemon)
        _milestones(results, workspace, root, max(5, rounds // 20))
        _folds(results, workspace, root, max(5, rounds // 20))
        _cleanups(results, workspace, max(5, rounds // 20))
    for name, files, *_ in SIZES:
        _size(results, scratch / name, name, files, rounds)
    _state(results, scratch / "state", rounds)


def _project(root: Path, files: int) -> None:
    for number in range(files):
        folder = root / f"part{number // 50}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = (f"    value_{n} = compute({number * n})\n" for n in range(120))
        (folder / f"module{number}.py").write_text("def run():\n" + "".join(lines))


def _edit(root: Path, number: int, files: int) -> None:
    place = number * 7 % files
    path = root / f"part{place // 50}" / f"module{place}.py"
    path.write_text(path.read_text() + f"    edited_{number} = {number}\n")


def _timed(results: Results, what: str, act: Callable[[], object]) -> None:
    with results.timed(PLACE, what, WHO):
        act()


def _captures(results: Results, workspace: Workspace, root: Path, rounds: int) -> None:
    for number in range(rounds):
        _edit(root, number, 200)
        act = Act(f"edit {number}", "tool", session="bench:s", turn=number // 10, tool="edit")
        _timed(results, CAPTURE, lambda act=act: workspace.record(act=act))


def _rollbacks(results: Results, workspace: Workspace, rounds: int) -> None:
    for _ in range(rounds):
        target = workspace.get_step("@~1")
        _timed(results, ROLLBACK, partial(_go_back, workspace, target))
        workspace.undo()


def _go_back(workspace: Workspace, target: Step) -> None:
    workspace.apply(workspace.plan_rollback(target))


def _looks(results: Results, workspace: Workspace) -> None:
    for step in workspace.steps(limit=1_000):
        _timed(results, LOOK, lambda step=step: workspace.step_changes(step))
    tiers = workspace.tiers().tiers
    first, second = tiers[0], tiers[1]
    results.facts["bytes a step ready in L1"] = f"{first.bytes / max(1, first.ready) / 1e3:.1f} kB"
    results.facts["bytes of L2 in memory"] = f"{second.ready_bytes / 1e6:.2f} MB"


def _milestones(results: Results, workspace: Workspace, root: Path, rounds: int) -> None:
    for number in range(rounds):
        _edit(root, 10_000 + number, 200)
        step = workspace.capture(f"milestone {number}")
        _timed(results, MILESTONE, partial(workspace.mark_milestone, step))


def _folds(results: Results, workspace: Workspace, root: Path, rounds: int) -> None:
    """Plans the folding of a session of 50 steps that edit one file again and again."""
    folder = root.with_name("folded")
    _project(folder, 20)
    with Workspace.init(folder, home=workspace.home) as session:
        for number in range(50):
            _edit(folder, number // 5, 20)
            session.record(act=Act("edit", "tool", session="bench:f", turn=1, tool="edit"))
        for _ in range(rounds):
            _timed(results, FOLD, lambda: session.plan_prune(Policy(fold=True)))
        raw = session.stats().raw_bytes
        session.gc()
        sealed = session.stats().sealed_bytes
    results.facts["saved by sealing"] = f"{100 * (1 - sealed / raw):.0f} %"


def _cleanups(results: Results, workspace: Workspace, rounds: int) -> None:
    """Fills the tiers with a real step many times over, until it is an emergency."""
    step = workspace.steps(limit=1)[0]
    ready = make_ready(workspace.objects, step)
    count = 200_000_000 // (ready.size + 1_000_000)
    for _ in range(rounds):
        tiers = Tiers(Thresholds())
        for number in range(count):
            tiers.recent.keep(*_heavy(step, ready, number))
        _timed(results, CLEANUP, tiers.relieve)
        results.facts["bytes after a cleanup"] = f"{tiers.bytes / 1e6:.1f} MB"


def _heavy(step: Step, ready: Ready, number: int) -> tuple[Step, Ready]:
    """Returns the step under another name, as heavy as one may be."""
    identity = StepId(f"{number:032x}")
    one = replace(step, id=identity, seq=number, session=f"bench:{number // 50}")
    return one, replace(ready, bare=ready.bare + 900_000)


def _size(results: Results, scratch: Path, name: str, files: int, rounds: int) -> None:
    say(f"a {name} project of {files:,} files")
    root, home = scratch / "project", scratch / "home"
    _project(root, files)
    with Workspace.init(root, home=home) as workspace:
        daemon = start_daemon(workspace, home)
        try:
            begun = time.perf_counter()
            for number in range(rounds):
                _edit(root, number, files)
                workspace.record(f"edit {number}", session="bench:s")
            hourly = rounds * 3600 / (time.perf_counter() - begun)
            memory = resident_mb(daemon.pid)
        finally:
            stop_daemon(workspace, daemon)
        disk = store_bytes(workspace.store)
        workspace.gc()
        sealed = store_bytes(workspace.store)
    results.facts |= {
        f"{name} hourly": f"{hourly:,.0f}",
        f"{name} memory": f"{memory:.0f}",
        f"{name} disk": f"{disk / 1e6:.1f}",
        f"{name} sealed": f"{sealed / 1e6:.1f}",
        "operations of a size": f"{rounds:,}",
    }


def _state(results: Results, folder: Path, rounds: int) -> None:
    say("snapshots of state")
    figures = state.figures(folder, count=max(STATES, rounds))
    results.cell(PLACE, RECONSTRUCT, WHO).times += figures.reconstructed
    results.cell(PLACE, COMPARE, WHO).times += figures.compared
    results.facts["saved by incremental snapshots"] = f"{100 * figures.saved:.0f} %"


def page(results: Results) -> str:
    """Returns the tables; empty when nothing of them was measured."""
    if not results.look(PLACE, CAPTURE, WHO).times:
        return ""
    return "\n\n".join(
        (
            "## Targets with success rates\n\nCaptures, rollbacks and looks through the daemon; of state the processor's time, of all else the clock's.",
            _targets(results),
            "## Three sizes of project\n\n"
            f"{results.facts['operations of a size']} captures of one edited file each, one after the other, through the daemon; targets in brackets.",
            _sizes(results),
        )
    )


def _targets(results: Results) -> str:
    rows = []
    for target in TARGETS:
        cell = results.look(PLACE, target.what, WHO)
        within = sum(one <= target.limit_ms for one in cell.times)
        share = 100 * within / max(1, len(cell.times))
        rows.append(
            [
                target.what,
                f"{target.share:g} % below {target.limit_ms:g} ms",
                f"{share:.1f} % of {len(cell.times):,}"
                + ("" if share >= target.share else " **missed**"),
                milliseconds(cell.median),
                milliseconds(cell.percentile(0.99)),
                f"{target.beside}: {results.facts.get(target.beside, '–')}"
                if target.beside
                else "",
            ]
        )
    return markdown(["what", "target", "within", "median", "p99", "beside"], rows)


def _sizes(results: Results) -> str:
    rows = []
    for name, files, hourly, memory, disk in SIZES:
        facts = results.facts
        rows.append(
            [
                f"{name}, {files:,} files",
                f"{facts[f'{name} hourly']} ({hourly:,})",
                f"{facts[f'{name} memory']} MB ({memory})",
                f"{facts[f'{name} disk']} MB, sealed {facts[f'{name} sealed']} ({disk:,})",
            ]
        )
    return markdown(["project", "operations an hour", "memory of the daemon", "store"], rows)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1_000)
    given = parser.parse_args(arguments)
    results = Results()
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as scratch:
        measure(results, Path(scratch) / "keeping", given.rounds)
    print(page(results))


if __name__ == "__main__":
    main(sys.argv[1:])
