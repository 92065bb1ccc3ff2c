"""`stats`: what the store holds, what it takes, how quick it is, and what will run short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Output, Styled, padded
from stepwell.store.cli.words import size
from stepwell.store.model.reports import Grown, Stats, Timing
from stepwell.store.model.text import plural
from stepwell.store.model.tiering import Memory, Room, Tier, TierReport

_SPARKS = " ▁▂▃▄▅▆▇█"
_POINTS = 24
"""Moments that the growth is told at."""
_PLACES = "L1: each session's newest, ready in memory; L2: not sealed yet; L3: sealed"


def _stats(call: Call) -> int:
    from stepwell.store.state.meterfile import recall  # asyncio is loaded with it

    with call.open() as workspace:
        stats = workspace.stats()
        as_of = None if workspace.link() else recall(workspace.store, workspace.meters)
        timings, tiers = workspace.timings(), workspace.tiers()
        room, growth = workspace.room(), workspace.graph().growth(_POINTS)
    if call.out.json:
        call.out.document(_form(stats, tiers, timings, room, growth))
        return 0
    _tell_warnings(call.out, room)
    _tell_stats(call.out, stats, room)
    _tell_growth(call.out, growth)
    _tell_tiers(call.out, tiers)
    _tell_memory(call.out, tiers.memory)
    _tell_timings(call.out, timings, as_of)
    return 0


def _form(
    stats: Stats,
    tiers: TierReport,
    timings: tuple[Timing, ...],
    room: Room,
    growth: tuple[Grown, ...],
) -> dict[str, Any]:
    return {
        **asdict(stats),
        "compression_ratio": _ratio(stats),
        "sealed_ratio": _sealed_ratio(stats),
        "tiers": [asdict(one) for one in tiers.tiers],
        "memory": {**asdict(tiers.memory), "hit_rate": tiers.memory.hit_rate},
        "timings": [asdict(one) for one in timings],
        "growth": [asdict(one) for one in growth],
        "room": {**asdict(room), "warnings": list(room.warnings)},
    }


def _ratio(stats: Stats) -> float | None:
    """Returns how many times smaller the objects are in the store; None for an empty one."""
    stored = stats.segment_bytes + stats.sealed_bytes
    return round(stats.raw_bytes / stored, 2) if stats.raw_bytes else None


def _sealed_ratio(stats: Stats) -> float | None:
    """Returns how many times smaller what is sealed is in its packs; None when nothing is."""
    return round(stats.sealed_raw_bytes / stats.sealed_bytes, 2) if stats.sealed_bytes else None


def _tell_warnings(out: Output, room: Room) -> None:
    for warning in room.warnings:
        out.line(Styled("warning", "bad"), f": {warning}")


def _tell_stats(out: Output, stats: Stats, room: Room) -> None:
    history = stats.segment_bytes + stats.sealed_bytes
    limit = f"of {size(room.limit)} that it may take" if room.limit else "no limit is set"
    counts = (
        plural(stats.sessions, "session"),
        "1 branch" if stats.branches == 1 else f"{stats.branches:,} branches",
        plural(stats.checkpoints, "checkpoint"),
    )
    rows = [
        ("steps", f"{stats.steps:,}, of {', '.join(counts)}"),
        ("operations", f"{stats.operations:,}"),
        ("content", f"{size(stats.raw_bytes)}, each version of a file counted once"),
        ("history", f"{size(history)} ({smaller(_ratio(stats))}); {limit}"),
        (
            "whole store",
            f"{size(stats.store_bytes)}, {size(stats.catalogue_bytes)} of it catalogue",
        ),
        ("disk", f"{size(room.free)} free of {size(room.total)}"),
    ]
    for name, value in rows:
        out.line(Styled(padded(name, 12), "dim"), " ", value)


def _tell_growth(out: Output, growth: tuple[Grown, ...]) -> None:
    if growth:
        curve = _curve([one.bytes for one in growth])
        told = f"{curve}  {size(growth[-1].bytes)} written, first step to newest"
        out.line(Styled(padded("growth", 12), "dim"), " ", told)


def _curve(values: Sequence[float]) -> str:
    """Returns a sign a value, as high as its share of the largest; only nothing is empty."""
    top = max(values, default=0) or 1
    return "".join(_SPARKS[math.ceil(value * (len(_SPARKS) - 1) / top)] for value in values)


def smaller(ratio: float | None) -> str:
    """Returns what compression did, in words."""
    if ratio is None:
        return "nothing yet"
    if ratio >= 1.05:
        return f"{ratio:.1f} times smaller than the content"
    if ratio >= 0.95:
        return "as large as the content"
    return "what was done takes more than the content"


def _tell_tiers(out: Output, report: TierReport) -> None:
    out.line()
    head = ("tier", "steps", "size", "ratio", "ready", "reads", "p50", "p99")
    out.line(Styled(_columned(head), "dim"))
    for tier in report.tiers:
        out.line(_columned(_cells(tier)))
    out.line(Styled(_PLACES, "dim"))


def _columned(cells: tuple[str, ...]) -> str:
    first, *rest = cells
    return padded(first, 5) + "".join(f"{cell:>10}" for cell in rest)


def _cells(tier: Tier) -> tuple[str, ...]:
    return (
        tier.name,
        f"{tier.steps:,}",
        size(tier.bytes).replace(" bytes", " B"),
        "-" if tier.ratio is None else f"{tier.ratio:.1f}x",
        f"{tier.ready:,}",
        f"{tier.looks:,}",
        "-" if tier.p50_ms is None else f"{tier.p50_ms:.2f} ms",
        "-" if tier.p99_ms is None else f"{tier.p99_ms:.2f} ms",
    )


def _tell_memory(out: Output, memory: Memory) -> None:
    share = memory.hit_rate
    held = f"{size(memory.bytes)}, {_LEVELS[memory.level]}"
    out.line(Styled(padded("memory", 12), "dim"), " ", held)
    reads = "no step was read"
    if share is not None:
        reads = (
            f"{share:.0%} of {plural(memory.looks, 'read')} of steps found them ready, "
            f"{memory.ahead:,} prepared ahead"
        )
    out.line(Styled(padded("reads", 12), "dim"), " ", reads)


_ELSEWHERE = frozenset({"L1", "L2", "L3", "tiers", "timings"})
"""Told in the table of tiers, or the work of telling."""
_LEVELS = {
    "calm": "well below its limits",
    "normal": "getting full: edits that continue one another are let go",
    "aggressive": "full: what later edits superseded is let go",
    "emergency": "over: only each session's newest steps are kept there",
}


def _tell_timings(out: Output, timings: tuple[Timing, ...], as_of: str | None) -> None:
    shown = [one for one in timings if one.name not in _ELSEWHERE]
    if not shown:
        out.note("how long things take is measured by a daemon, and none has run yet")
        return
    when = f", when it ran last (until {as_of})" if as_of else ""
    out.line()
    out.line(Styled(f"how long the daemon took{when}: p50, p99, how often; the newest", "dim"))
    for one in shown:
        name = padded(one.name.replace("_", " "), 18)
        count = padded(plural(one.count, "time"), 12)
        times = f"{one.p50_ms:>9,.1f} ms {one.p99_ms:>9,.1f} ms  {count}"
        out.line("  ", Styled(name, "dim"), times, Styled(_curve(one.newest_ms[-_POINTS:]), "dim"))


COMMANDS = (
    Command(
        name="stats",
        summary="Show what the store holds and takes, how quick it is, and what runs short.",
        details="Tiers: L1 is each session's newest 50 steps, ready in the daemon's memory; L2 what is\n"
        "not sealed yet, L3 what is sealed. `ready` counts steps whose change is in memory;\n"
        "`ratio` says how many times smaller its objects are than the content; `reads` how\n"
        "often a change was read, half of the times within p50, 99 in 100 within p99.\n"
        "It warns when the history nears `max_size` of [retention], or the disk is nearly full.",
        examples=("stepwell stats", "stepwell stats --json"),
        run=_stats,
    ),
)
