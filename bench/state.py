"""Measures snapshots of state: size, and the time to take, read, compare and open them.

    .venv/bin/python bench/state.py                   1,000 snapshots of a state of about 1 MB
    .venv/bin/python bench/state.py --count 100 --kilobytes 200

The state is an agent's: agents, tasks, a window of messages, counters; each step changes a few
things of it. Times are medians and 95th percentiles in milliseconds, and beside them what the
processor was busy for, which a loaded machine does not change. Sizes are compared with the
same snapshots stored full, each compressed, and the form of a patch with a nested one.
"""

from __future__ import annotations

import argparse
import gzip
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.states import AgentState

from stepwell.store import StateConfig, StateSnapshots
from stepwell.store.state.compare import changes_between
from stepwell.store.state.documents import decode, encode
from stepwell.store.state.patches import operations

Rows = list[tuple[str, str]]
Taken = tuple[float, float]
"""Milliseconds on the clock, and of the processor."""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as scratch:
        rows = measured(Path(scratch), options.kilobytes, options.count, options.rounds)
    width = max(len(name) for name, _ in rows)
    for name, figure in rows:
        print(f"{name:<{width}}  {figure}")


def measured(folder: Path, kilobytes: int, count: int, rounds: int) -> Rows:
    agent = AgentState(kilobytes)
    config = StateConfig(max_snapshots=count)
    full_bytes, created, texts = 0, [], []
    with StateSnapshots(folder / "state", config) as snapshots:
        for _ in range(count):
            state = agent.step()
            created.append(_timed(lambda state=state: snapshots.create("s", state)))
            text = encode(state)
            full_bytes += len(gzip.compress(text, 6, mtime=0))
            texts = [*texts[-19:], text]
        stats = snapshots.statistics()
    saved = 1 - stats.stored_bytes / full_bytes
    rows = [
        ("state", f"{len(texts[-1]):,} bytes of JSON, {count:,} snapshots"),
        ("stored", f"{stats.stored_bytes:,} bytes ({stats.full} full)"),
        ("all full, compressed", f"{full_bytes:,} bytes: incrementals save {saved:.1%}"),
        ("all full, as JSON", f"{stats.total_size:,} bytes: {stats.compression_ratio}x smaller"),
        ("create", _times(created)),
    ]
    return rows + _read(folder / "state", config, rounds) + _patch_forms(texts)


def _read(folder: Path, config: StateConfig, rounds: int) -> Rows:
    opened = [_timed(lambda: StateSnapshots(folder, config)) for _ in range(rounds)]
    with StateSnapshots(folder, config) as snapshots:
        known = snapshots.search(direction="asc")
        read = [_timed(lambda one=one: snapshots.reconstruct_state(one)) for one in known]
        chance = random.Random(1)
        pairs = [chance.sample(known, 2) for _ in range(rounds)]
        compared = [_timed(lambda pair=pair: snapshots.compare(*pair)) for pair in pairs]
        states = [[snapshots.reconstruct_state(one) for one in pair] for pair in pairs]
        differed = [_timed(lambda pair=pair: changes_between(*pair)) for pair in states]
        searched = [_timed(lambda: snapshots.nearest("s", known[0].time_ns)) for _ in range(rounds)]
    return [
        ("open the folder", _times(opened)),
        ("reconstruct each", _times(read)),
        ("compare two, read included", _times(compared)),
        ("compare two, in memory", _times(differed)),
        ("nearest", _times(searched)),
    ]


@dataclass(frozen=True)
class Figures:
    """What the page tells of it; times in milliseconds of the processor."""

    reconstructed: list[float]
    compared: list[float]
    saved: float
    """Share of the bytes that incremental snapshots save beyond compression."""


def figures(folder: Path, count: int, kilobytes: int = 1210) -> Figures:
    """Takes so many snapshots of a state that changes a little, and reads each of them."""
    agent, config, full_bytes = AgentState(kilobytes), StateConfig(max_snapshots=count), 0
    with StateSnapshots(folder, config) as snapshots:
        for _ in range(count):
            state = agent.step()
            snapshots.create("s", state)
            full_bytes += len(gzip.compress(encode(state), 6, mtime=0))
        known = snapshots.search(direction="asc")
        read = [_timed(lambda one=one: snapshots.reconstruct_state(one)) for one in known]
        pairs = [random.Random(number).sample(known, 2) for number in range(min(count, 100))]
        compared = [_timed(lambda pair=pair: snapshots.compare(*pair)) for pair in pairs]
        saved = 1 - snapshots.statistics().stored_bytes / full_bytes
    return Figures([busy for _, busy in read], [busy for _, busy in compared], saved)


def _patch_forms(texts: list[bytes]) -> Rows:
    """Compares the size of the patches that we store with the same differences, nested."""
    flat, nested, zipped = 0, 0, [0, 0]
    for old, new in pairwise(texts):
        changes = changes_between(decode(old), decode(new))
        forms = encode(operations(changes)), encode(_nested(changes))
        flat, nested = flat + len(forms[0]), nested + len(forms[1])
        zipped = [
            total + len(gzip.compress(form, 6, mtime=0))
            for total, form in zip(zipped, forms, strict=True)
        ]
    pairs = len(texts) - 1
    return [
        ("RFC 6902 patch", f"{flat // pairs:,} bytes, compressed {zipped[0] // pairs:,}"),
        ("nested difference", f"{nested // pairs:,} bytes, compressed {zipped[1] // pairs:,}"),
    ]


def _nested(changes: Any) -> dict[str, Any]:
    """Returns the changes as objects within objects, paths written once."""
    root: dict[str, Any] = {}
    for number, change in enumerate(changes):
        here, (*way, last) = root, change.path.split("/")[1:]
        for name in way:
            here = here.setdefault(name, {})
        form = [0] if change.op == "remove" else [change.new]
        here[last if change.op == "replace" else f"{change.op[0]}{number}:{last}"] = form
    return root


def _timed(act: Callable[[], object]) -> Taken:
    begun, busy = time.perf_counter(), time.process_time()
    act()
    return (time.perf_counter() - begun) * 1000, (time.process_time() - busy) * 1000


def _times(taken: list[Taken]) -> str:
    wall, busy = (sorted(one[kind] for one in taken) for kind in (0, 1))
    high = wall[min(len(wall) - 1, int(len(wall) * 0.95))]
    return (
        f"{statistics.median(wall):.1f} ms, 95 % below {high:.1f}; of the processor"
        f" {statistics.median(busy):.1f} ms, most {busy[-1]:.1f} (n={len(wall):,})"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kilobytes", type=int, default=1210, help="size of the state, about")
    parser.add_argument("--count", type=int, default=1000, help="snapshots")
    parser.add_argument("--rounds", type=int, default=25, help="rounds of what is timed apart")
    return parser.parse_args()


if __name__ == "__main__":
    main()
