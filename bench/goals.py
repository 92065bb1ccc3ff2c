"""The figures that the project holds itself to, each beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import served
from alone import LOG, MERGE, screen_measure
from contest import FLOOR, capture_of, restore_of
from ours import DAEMON, HOOK, INSIDE, SCAN, Disk
from rivals import OpenCode, TunedGit
from table import Results, markdown, milliseconds

Measured = Callable[[Results], float]


@dataclass(frozen=True)
class Goal:
    """One figure with its bounds; `more` is better, or less."""

    what: str
    must: float | None
    aim: float | None
    """None: told, and nobody promised anything."""
    unit: str
    measured: Measured
    floor: Measured | None = None
    """The same figure of a bare append and sync in the same rounds."""
    more: bool = False

    def line(self, results: Results) -> list[str]:
        value = self.measured(results)
        sign = "≥" if self.more else "≤"
        bounds = ["–" if b is None else f"{sign} {b:g} {self.unit}" for b in (self.must, self.aim)]
        floor = self._text(self.floor(results)) if self.floor else ""
        return [self.what, *bounds, self._text(value), self._verdict(value), floor]

    def _text(self, value: float) -> str:
        if math.isnan(value):
            return "not measured"
        return milliseconds(value) if self.unit == "ms" else f"{value:.3g} {self.unit}"

    def _verdict(self, value: float) -> str:
        if math.isnan(value) or self.must is None or self.aim is None:
            return "–"
        sign = 1 if self.more else -1
        if sign * value >= sign * self.aim:
            return "aim"
        return "must" if sign * value >= sign * self.must else "**missed**"


def _median(tree: str, measure: str, who: str) -> Measured:
    return lambda results: results.look(tree, measure, who).median


def _tail(tree: str, measure: str, who: str, share: float) -> Measured:
    return lambda results: results.look(tree, measure, who).percentile(share)


def _times(tree: str, slow: str, fast: str) -> Measured:
    """How many times quicker `fast` is than `slow` at one changed file."""
    a, b = _median(tree, capture_of(1), slow), _median(tree, capture_of(1), fast)
    return lambda results: a(results) / b(results)


def _fact(name: str) -> Measured:
    return lambda results: float(results.facts.get(name, "nan"))


def _saved(results: Results) -> float:
    raw = _fact("raw bytes")(results)
    return 100 * (1 - _fact("sealed bytes")(results) / raw)


def goals() -> Iterator[Goal]:
    for tree in ("7k", "100k"):
        what, one = f"capture in the daemon, 1 file, {tree}", capture_of(1)
        floor = _median(tree, FLOOR, Disk.name)
        yield Goal(f"{what}, median", 10, 1, "ms", _median(tree, one, INSIDE), floor)
        floor = _tail(tree, FLOOR, Disk.name, 0.99)
        yield Goal(f"{what}, p99", 10, 3.5, "ms", _tail(tree, one, INSIDE, 0.99), floor)
    for tree, must, aim in (("7k", 20, 80), ("100k", 50, 300)):
        faster = _times(tree, OpenCode.name, INSIDE)
        yield Goal(f"capture, OpenCode / in the daemon, {tree}", must, aim, "x", faster, more=True)
        faster = _times(tree, OpenCode.name, HOOK)
        yield Goal(
            f"capture, OpenCode / with the hook's process, {tree}",
            None,
            None,
            "x",
            faster,
            more=True,
        )
    yield Goal("hook, process start to exit, 7k", 25, 10, "ms", _median("7k", capture_of(1), HOOK))
    for tree, must, aim in (("7k", 1.2, 0.6), ("100k", 1.7, 1.0)):
        share = _times(tree, SCAN, TunedGit.name)
        yield Goal(f"capture without a daemon / tuned git, {tree}", must, aim, "x", share)
    for count, must, aim in ((1, 10, 2), (10, 20, 8), (200, 100, 50)):
        files = restore_of(count).removeprefix("restore, ")
        spent = _median("100k", restore_of(count), INSIDE)
        floor = _median("100k", FLOOR, Disk.name)
        yield Goal(f"rollback of {files}, 100k", must, aim, "ms", spent, floor)
    yield Goal(
        "store after many captures, sealed, under raw copies", 70, 94, "%", _saved, more=True
    )
    for tree, must, aim in (("7k", 100, 50), ("100k", 200, 100)):
        yield Goal(
            f"memory of the daemon, {tree}", must, aim, "MB", _fact(f"memory {tree} {DAEMON}")
        )
    for what, must, aim, name, share in (
        ("first frame with steps, long history", 500, 450, "first frame with steps", 0.5),
        ("key to frame, long history, p95", 16, 8, "key j", 0.95),
        ("a diff of 50 MB, key to its lines", 500, 200, "50 MB: key to its lines", 0.5),
        ("a key in it, p95", 33, 16, "50 MB: key j", 0.95),
    ):
        measured = _tail("", screen_measure(name), "Stepwell", share)
        yield Goal(f"screen: {what}", must, aim, "ms", measured)
    for way, must, aim in ((served.RANDOM, 20, 12), (served.IN_TURN, 20, 12)):
        name = served.name_of(served.CLIENTS, way)
        yield Goal(f"{name}, p99", must, aim, "ms", _tail("", name, "Stepwell", 0.99))
    yield Goal("merge of 10 files, 7k", 50, 15, "ms", _median("", MERGE, "Stepwell"))
    yield Goal("`stepwell log -n 50`, whole process", 250, 120, "ms", _median("", LOG, "Stepwell"))


def table(results: Results) -> str:
    head = ["what", "must", "aim", "measured", "reached", "a bare `fdatasync` then"]
    return markdown(head, [goal.line(results) for goal in goals()])


def rates(results: Results) -> str:
    """How many of the runs kept within a limit, for limits that are to hold nearly always."""
    rows = []
    for tree in ("1k", "7k", "100k"):
        for measure, limit in ((capture_of(1), 10), (restore_of(1), 50), (restore_of(10), 50)):
            times = results.look(tree, measure, INSIDE).times
            if times:
                within = 100 * sum(t < limit for t in times) / len(times)
                row = [tree, measure, f"< {limit} ms", "99.9 %", f"{within:.1f} %", str(len(times))]
                rows.append(row)
    return markdown(["tree", "in the daemon", "limit", "wanted", "within", "n"], rows)


def per_file(results: Results, tree: str, few: int, many: int) -> str:
    """What each further file of a rollback costs."""
    cost = _median(tree, restore_of(many), INSIDE)(results)
    cost -= _median(tree, restore_of(few), INSIDE)(results)
    return f"{cost / (many - few):.2f} ms"
