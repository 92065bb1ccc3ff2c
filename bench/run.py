"""Measures Stepwell beside the tools that agents use today, and writes docs/benchmarks.md.

    make bench                 trees of 1,000, 7,000 and 100,000 files; about three quarters of an hour
    make bench QUICK=1         one tree, few rounds; under three minutes; printed only

Nothing outside a temporary folder, the cache folder of the sources and that page is written.
"""

from __future__ import annotations

import argparse
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import alone
import keeping
import machine
import report
import screen
import served
import synthetic
import trees
from commands import OTHERS, Command, NotInstalled, Stepwell
from contest import Contest, Contestant, capture_of
from machine import resident_mb
from ours import Disk, Scanning, Served, store_bytes
from rivals import RIVALS, OpenCode
from table import Results, say

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
LARGEST_ROUNDS = 1
_UNMEASURED = (
    "a part could not be measured; the page of the last whole run stays (--results keeps the times)"
)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    trees: tuple[str, ...]
    rounds: int
    """Of everything but the first capture of the largest tree, which takes minutes."""
    widths: tuple[int, ...]
    restored: tuple[int, ...]
    captures: int
    steps: int
    keys: int
    kept: int = 0
    """Rounds of what keeping a history costs; 0: that is left out."""
    large_diff: bool = True
    commands: tuple[type[Command], ...] = ()
    """Command-line tools, each beside our own command."""


FULL = Scale(
    ("1k", "7k", "100k"),
    5,
    (1, 10, 100),
    (1, 10, 200, 1000),
    10_000,
    100_000,
    60,
    kept=1_000,
    commands=OTHERS,
)
QUICK = Scale(("7k",), 2, (1, 10), (1, 200), 200, 5_000, 12, kept=40, large_diff=False)
TINY = Scale(("30",), 1, (1, 10), (1, 12), 5, 60, 2, large_diff=False)


def main() -> None:
    options = _options()
    if options.page:
        print(report.page(Results.load(options.page)))
        return
    scale = TINY if options.tiny else QUICK if options.quick else FULL
    results, failed = Results(), False
    machine.write_bytecode()
    # Removing what was made takes minutes with the largest tree, so it comes after the page.
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-", dir=options.scratch) as scratch:
        results.facts.update(machine.describe(Path(scratch)))
        for measure in _parts(results, scale, options.trees or scale.trees, Path(scratch)):
            try:
                measure()
            except Exception:
                traceback.print_exc()
                failed = True
            results.facts["other work at the end"] = machine.other_work()
            if options.results:
                results.save(options.results)
        if failed:
            raise SystemExit(_UNMEASURED)
        text = report.page(results)
        if scale is FULL and not options.trees:
            PAGE.write_text(text)
        print(text, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures Stepwell beside other tools.")
    parser.add_argument("--quick", action="store_true", help="one tree, few rounds, printed only")
    parser.add_argument("--tiny", action="store_true", help="a few seconds, to try the harness")
    parser.add_argument("--trees", nargs="+", help="only these, printed only; of 1k, 7k, 100k")
    parser.add_argument("--scratch", type=Path, help="where to work; the file system is measured")
    parser.add_argument("--results", type=Path, help="also write all single times to this file")
    parser.add_argument("--page", type=Path, help="measure nothing, print such a file as a page")
    return parser.parse_args()


def _parts(
    results: Results, scale: Scale, names: Sequence[str], scratch: Path
) -> Iterator[Callable[[], None]]:
    *small, largest = names
    for tree in small:
        yield partial(measure_tree, results, scale, tree, scratch / tree)
    if scale.commands:
        yield partial(measure_commands, results, scale, scratch / "commands")
    yield partial(measure_long, results, scale, scratch)
    if scale.kept:
        yield partial(keeping.measure, results, scratch / "keeping", scale.kept)
    yield partial(measure_tree, results, scale, largest, scratch / largest)


def measure_tree(results: Results, scale: Scale, tree: str, scratch: Path) -> None:
    """Runs the whole contest over one tree, and removes what it made."""
    say(f"making tree {tree}")
    source = scratch / "source"
    trees.make(tree, source)
    results.facts[f"files {tree}"] = f"{sum(1 for _ in trees.files_of(source)):,}"
    contestants = _contestants(source, scratch)
    try:
        _measure_contest(results, scale, tree, contestants, scratch)
    finally:
        for who in contestants:
            who.close()
    if tree in ("7k", "30"):
        alone.merges(results, source, scratch, 2 * scale.rounds)
        alone.store_growth(results, source, scratch, scale.captures)


def _measure_contest(
    results: Results, scale: Scale, tree: str, contestants: list[Contestant], scratch: Path
) -> None:
    contest = Contest(results, tree, contestants)
    contest.first(min(scale.rounds, LARGEST_ROUNDS) if tree == "100k" else scale.rounds)
    disk = _warm_up(results, contest, contestants, tree, scratch)
    for count in scale.widths:
        contest.captures(count, scale.rounds, disk)
    contest.unchanged(scale.rounds)
    disk.close()
    for count in scale.restored:
        widest = count == max(scale.restored)
        contest.restores(count, scale.rounds, everything=widest)
    _measure_ours(results, tree, contestants)
    _restore_whole(contest, contestants, scale)


def _contestants(source: Path, scratch: Path) -> list[Contestant]:
    found: list[Contestant] = []
    for number, kind in enumerate((Served, Scanning, *RIVALS)):
        root = scratch / f"tree{number}"
        trees.copy(source, root)
        found.append(kind(root, scratch / f"store{number}"))
    return found


def _restore_whole(contest: Contest, contestants: list[Contestant], scale: Scale) -> None:
    """OpenCode's other restore comes last: what it leaves makes its later captures slow."""
    for who in contestants:
        if isinstance(who, OpenCode):
            who.restore_whole()
            for count in (scale.restored[0], scale.restored[-1]):
                # What it writes does not depend on the number of files: once at the cap is enough.
                if contest.restores(count, scale.rounds, everything=False, alone=who):
                    break


def _warm_up(
    results: Results, contest: Contest, contestants: list[Contestant], tree: str, scratch: Path
) -> Disk:
    """Captures a few times, and learns from that what a durable append of the same size is."""
    ours = contestants[0].store
    before = store_bytes(ours)
    count = contest.warm_up()
    size = max(512, (store_bytes(ours) - before) // count)
    results.facts[f"append {tree}"] = f"{size:,}"
    return Disk(scratch / "appended", size)


def _measure_ours(results: Results, tree: str, contestants: list[Contestant]) -> None:
    """Notes the memory of our forms, and whether all that hooks told is there."""
    for who in contestants:
        if isinstance(who, Served):
            results.facts[f"memory {tree} {who.name}"] = str(resident_mb(who.daemon.pid))
            assert who.workspace is not None
            for guest in who.guests:
                if lost := guest.lost(who.workspace):
                    results.cell(tree, capture_of(1), guest.name).wrong = f"{lost} not recorded"
        elif isinstance(who, Scanning):
            alone.scan_memory(results, tree, who.root, who.store)


def measure_commands(results: Results, scale: Scale, scratch: Path) -> None:
    """Runs a smaller contest between whole processes, with those tools that can be installed."""
    tree = results.facts["tree of the commands"] = "7k"
    trees.make(tree, scratch / "source")
    taking_part: list[Contestant] = []
    for number, kind in enumerate((*scale.commands, Stepwell)):
        trees.copy(scratch / "source", scratch / f"tree{number}")
        try:
            taking_part.append(kind(scratch / f"tree{number}", scratch / f"home{number}"))
        except NotInstalled as error:
            say(f"left out: {error}")
    contest = Contest(results, report.COMMANDS, taking_part)
    contest.first(1)
    contest.warm_up()
    contest.captures(1, scale.rounds)
    for count in (1, 10):
        contest.restores(count, scale.rounds, everything=False)


def measure_long(results: Results, scale: Scale, scratch: Path) -> None:
    """Measures what depends on the length of the history: the log and the screen."""
    say(f"making a history of {scale.steps:,} steps")
    root, home = synthetic.make(scratch / "long", scale.steps)
    results.facts["steps"] = f"{scale.steps:,}"
    alone.log(results, root, home, 4 * scale.rounds)

    def tell(name: str, times: list[float]) -> None:
        results.cell("", alone.screen_measure(name), "Stepwell").times += times

    say("the HTTP server")
    served.measure(
        root, home, 400 * scale.rounds, lambda name, times: _own(results, name).extend(times)
    )
    say("the screen")
    screen.measure_start(root, home, scale.rounds, tell)
    screen.measure_keys(root, home, scale.keys, tell)
    if scale.large_diff:
        say("the screen with a diff of 50 MB")
        large = synthetic.make_large(scratch / "large")
        resident = screen.measure_diff(*large, scale.keys, scale.rounds, tell)
        results.facts["memory 50-MB-diff Stepwell, screen"] = str(resident)


def _own(results: Results, name: str) -> list[float]:
    return results.cell("", name, "Stepwell").times


if __name__ == "__main__":
    main()
