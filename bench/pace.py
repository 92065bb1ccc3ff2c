"""Measures only what the daemon does: captures and rollbacks, beside bare syncs of the same disk.

    python bench/pace.py                 a generated tree of 7,000 files
    python bench/pace.py --tree FOLDER   a copy of that folder
    python bench/pace.py --profile 200   where a rollback of 200 files spends its time

A quick look while something is made faster; `make bench` measures beside other tools.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import trees
from edits import Edits
from ours import Disk, Served
from table import Cell

from stepwell.store import Step, Workspace
from stepwell.store.service.held import HeldWorkspace

WIDE = 10_000


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="stepwell-pace-", dir=options.scratch) as scratch:
        root, home = Path(scratch, "root"), Path(scratch, "home")
        if options.tree:
            trees.copy(options.tree, root)
        else:
            trees.generate(root, options.files)
        if options.wide:
            for number in range(WIDE):
                path = root / "wide" / f"file{number:05}.py"
                path.parent.mkdir(exist_ok=True)
                path.write_text(f"{number:05}\n" * 400)
        if options.profile:
            _profile(root, home, options.profile, options.rounds)
        else:
            _measure(root, home, options.rounds, options.wide, Path(scratch, "appended"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures captures and rollbacks of the daemon.")
    parser.add_argument("--tree", type=Path, help="a git work tree to be copied")
    parser.add_argument("--files", type=int, default=7_000, help="how many files to generate")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--wide", action="store_true", help="edit in a folder of 10,000 files")
    parser.add_argument("--profile", type=int, metavar="N", help="profile rollbacks of N files")
    parser.add_argument("--scratch", type=Path, help="where to work; the file system is measured")
    return parser.parse_args()


def _measure(root: Path, home: Path, rounds: int, wide: bool, appended: Path) -> None:
    who, disk = Served(root, home), Disk(appended, 9_000)
    edits = Edits(root)
    if wide:
        edits.candidates = [p for p in edits.candidates if p.startswith("wide/")]
    who.capture()
    syncs, captures = [], []
    for _ in range(20 * rounds):
        plan = edits.plan(1)
        plan.do(root)
        edits.keep(plan)
        captures.append(who.capture() or 0.0)
        syncs.append(_ms(disk.append))
    _tell("bare append + fdatasync", syncs)
    _tell("capture, 1 file", captures)
    for count in (1, 10, 200):
        times = []
        for _ in range(rounds):
            plan, token = edits.plan(count), who.token()
            plan.do(root)
            who.capture()
            times.append(who.restore(token, []) or 0.0)
            if plan.wrong(root):
                raise SystemExit(f"rollback of {count} files: {plan.wrong(root)}")
            who.capture()
        _tell(f"rollback, {count} files", times)
    disk.close()
    who.close()


def _profile(root: Path, home: Path, count: int, rounds: int) -> None:
    with Workspace.init(root, home=home):
        pass
    workspace = HeldWorkspace.open(root, home=home)
    workspace.hold(1.0)
    workspace.capture()
    edits, profile = Edits(root), cProfile.Profile()
    gc.freeze()
    spent = []
    for number in range(rounds):
        plan, token = edits.plan(count), _newest(workspace)
        plan.do(root)
        workspace.capture()
        if number >= rounds // 2:
            profile.enable()
        started = time.perf_counter()
        planned = workspace.plan_rollback(token)
        middle = time.perf_counter()
        workspace.apply(planned)
        ended = time.perf_counter()
        profile.disable()
        if number < rounds // 2:
            spent.append((1000 * (middle - started), 1000 * (ended - middle)))
        workspace.capture()
    workspace.close()
    _tell("plan", [p for p, _ in spent])
    _tell("apply", [a for _, a in spent])
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    pstats.Stats(profile).sort_stats("cumtime").print_stats(90)


def _newest(workspace: HeldWorkspace) -> Step:
    head = workspace.head()
    assert head is not None, "it was captured"
    return head


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def _tell(what: str, times: list[float]) -> None:
    cell = Cell(times)
    p50, p95, p99 = (cell.percentile(share) for share in (0.5, 0.95, 0.99))
    print(
        f"{what:28} n {len(times):4}  p50 {p50:7.2f}  p95 {p95:7.2f}  p99 {p99:7.2f}"
        f"  max {max(times):7.2f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
