"""Many hours' operations in some minutes: the daemon neither grows nor slows down."""

from __future__ import annotations

import logging
import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.claude import Claude
from support.daemons import daemon_process
from support.processes import Sample, most, sample

from stepwell.store import Workspace
from stepwell.store.link import wire
from stepwell.store.link.client import connect
from stepwell.store.model.version import VERSION

SECONDS = float(os.environ.get("STEPWELL_SOAK_SECONDS", "1200"))
AN_HOUR = 10_000
"""Operations at least; as many more as the machine manages in half the time."""
_OF_A_SEGMENT = 5
"""Descriptors: reader and writer have it open and its index mapped; one is also appended to."""


def tell(ws: Workspace, told: tuple[str, bytes]) -> float:
    """Hands an event to the daemon as the hook client does; returns the seconds that it took."""
    event, payload = told
    started = time.perf_counter()
    connection = connect(ws.store, VERSION, 20)
    assert connection is not None
    with connection:
        connection.send(wire.Head("hook", len(payload), ("claude", event)), payload)
        head, _ = connection.receive()
    assert head.kind == "done"
    return time.perf_counter() - started


def work(ws: Workspace, project: Path) -> Iterator[float]:
    """Yields the seconds of each capture: calls, and now and then what a person does."""
    chance = random.Random(1)
    claude = Claude(project)
    number = 0
    while True:
        number += 1
        if number % 20 == 1:
            tell(ws, claude.prompt(f"prompt {number}"))
        path = project / "src" / f"f{chance.randrange(300)}.py"
        tell(ws, claude.before("Write", file_path=str(path)))
        path.write_text("".join(f"{chance.random()}\n" for _ in range(chance.randrange(200))))
        yield tell(ws, claude.after("Write", {}, file_path=str(path)))
        if number % 50 == 0:
            ws.status()
            ws.mark(ws.get_step("@"), tags=(f"t{number % 7}",))
        if number % 200 == 0:
            ws.apply(ws.plan_rollback("@~5"), force=True)
            ws.undo(force=True)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_twenty_minutes_of_work_leave_the_daemon_as_it_was(
    ws: Workspace, project: Path, home: Path
) -> None:
    """Memory, descriptors, threads and the slowest twentieth stay flat; STEPWELL_SOAK_SECONDS sets the time."""
    process = daemon_process(project, home)
    took: list[float] = []
    samples: list[Sample] = []
    segments: list[int] = []
    begun = time.monotonic()
    try:
        for seconds in work(ws, project):
            took.append(seconds)
            if len(took) % 100 == 0:
                samples.append(sample(process.pid))
                segments.append(len(list((ws.store / "journal").glob("*.segment"))))
            elapsed = time.monotonic() - begun
            if elapsed > SECONDS:
                break
            # Three operations a round; half of the time is left to others.
            time.sleep(max(0.0, len(took) * 3 * 3_600 / (2 * AN_HOUR) - elapsed))
    finally:
        process.terminate()
        assert process.wait(60) == 0
    hourly = len(took) * 3 * 3_600 / SECONDS
    # The caches, which have bounds of their own, fill in the first half.
    quarter = len(samples) // 4
    early, late = most(samples[2 * quarter : 3 * quarter]), most(samples[3 * quarter :])
    ends = [sorted(part)[int(len(part) * 0.95)] for part in (took[100:600], took[-500:])]
    figures = {
        "operations an hour": round(hourly),
        "p50 ms": round(statistics.median(took) * 1e3, 2),
        "p95 ms, early and late": [round(seconds * 1e3, 2) for seconds in ends],
        "early": early,
        "late": late,
        "memory over time": [one.rss_kb for one in samples[:: max(1, len(samples) // 20)]],
    }
    logging.getLogger(__name__).warning("%s", figures)
    assert hourly > AN_HOUR
    assert late.rss_kb < early.rss_kb * 1.1
    new = segments[-1] - segments[2 * quarter]
    assert late.descriptors <= early.descriptors + _OF_A_SEGMENT * (new + 1)
    assert late.threads == early.threads
    assert ends[1] < 2 * ends[0]
    ws.refresh()
    assert ws.verify(full=True).ok
