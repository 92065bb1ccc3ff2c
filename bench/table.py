"""What was measured: series of times by tree, measure and contestant, and how they are printed."""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

CAP_S = 60.0
"""A rival's run is stopped after this."""


class Stopped(Exception):
    """A run was stopped at the cap."""


@dataclass
class Cell:
    """One contestant's runs of one measure, in milliseconds."""

    times: list[float] = field(default_factory=list)
    stopped: bool = False
    """The last run reached the cap; there are no times after it."""
    wrong: str = ""
    """What was found not as it should be; empty when every check held."""

    @property
    def median(self) -> float:
        """Infinite when runs at the cap make up half or more."""
        times = [*self.times, math.inf] if self.stopped else self.times
        return statistics.median(times) if times else math.nan

    def percentile(self, share: float) -> float:
        """The nearest rank; with few runs that is the slowest."""
        if self.stopped:
            return math.inf
        ordered = sorted(self.times)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


Key = tuple[str, str, str]
"""(tree, measure, contestant)"""


@dataclass
class Results:
    """Everything that a run found out."""

    cells: dict[Key, Cell] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    """What is no series of times: sizes, memory, versions."""

    def cell(self, tree: str, measure: str, who: str) -> Cell:
        return self.cells.setdefault((tree, measure, who), Cell())

    def look(self, tree: str, measure: str, who: str) -> Cell:
        """As `cell`, and leaves no trace of what was not measured."""
        return self.cells.get((tree, measure, who), Cell())

    def save(self, path: Path) -> None:
        """Writes everything to a file, so that `load` gives it back."""
        cells = [[*key, asdict(cell)] for key, cell in self.cells.items()]
        path.write_text(json.dumps({"cells": cells, "facts": self.facts}))

    @classmethod
    def load(cls, path: Path) -> Results:
        form = json.loads(path.read_text())
        cells = {(tree, what, who): Cell(**cell) for tree, what, who, cell in form["cells"]}
        return cls(cells, form["facts"])

    @contextmanager
    def timed(self, tree: str, measure: str, who: str) -> Iterator[None]:
        """Times the block into the cell; a stopped one is noted there and not raised."""
        cell = self.cell(tree, measure, who)
        begin = time.perf_counter()
        try:
            yield
        except Stopped:
            cell.stopped = True
            return
        cell.times.append((time.perf_counter() - begin) * 1000)


def milliseconds(value: float) -> str:
    """Three digits at most; a time at the cap as `> 60 s`."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return f"> {CAP_S:.0f} s"
    if value >= 10_000:
        return f"{value / 1000:,.0f} s"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def ratio(slow: float, fast: float) -> str:
    """How many times `fast` goes into `slow`; below 1 the first of the two is the quicker."""
    if math.isnan(slow) or math.isnan(fast) or math.isinf(fast) or not fast:
        return "–"
    if math.isinf(slow):
        return f"> {CAP_S * 1000 / fast:,.0f}x"
    value = slow / fast
    return f"{value:,.0f}x" if value >= 20 else f"{value:.1f}x" if value >= 2 else f"{value:.2f}x"


def shown(cell: Cell, *, tail: bool) -> str:
    """One cell of a table: median, the 99th percentile if asked for, and what was wrong."""
    if not cell.times and not cell.stopped:
        return "–"
    text = milliseconds(cell.median)
    if tail and not cell.stopped and len(cell.times) > 1:
        text += f" ({milliseconds(cell.percentile(0.99))})"
    return f"{text} **{cell.wrong}**" if cell.wrong else text


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table with aligned columns, so that it reads as plain text too."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    lines = [head, rule, *rows]
    return "\n".join(
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def say(text: str) -> None:
    """Tells on stderr how far the run is."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
