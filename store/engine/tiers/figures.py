"""The tiers in figures: what is where, what it takes, how long it takes to look at."""

from __future__ import annotations

from typing import TypedDict

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.tiers.tiers import AHEAD, AT_HAND, LOOKS, Tiers
from stepwell.store.model.reports import Timing
from stepwell.store.model.tiering import Memory, Tier, TierReport


class _Looks(TypedDict):
    looks: int
    p50_ms: float | None
    p99_ms: float | None


def report(journal: Journal, tiers: Tiers) -> TierReport:
    """Returns the figures of all three; of what is in memory, that of this process."""
    times = {one.name: one for one in tiers.meters.timings()}
    found = (
        _first(tiers, times.get("L1")),
        _second(journal, tiers, times.get("L2")),
        _third(journal, times.get("L3")),
    )
    return TierReport(found, _memory(tiers))


def _first(tiers: Tiers, timing: Timing | None) -> Tier:
    recent = tiers.recent
    return Tier(
        "L1",
        steps=len(recent),
        bytes=recent.bytes,
        ratio=_ratio(recent.raw_bytes, recent.bytes),
        ready=len(recent),
        ready_bytes=recent.bytes,
        promoted=0,
        **_looks(timing),
    )


def _second(journal: Journal, tiers: Tiers, timing: Timing | None) -> Tier:
    view, sealed = journal.view(), journal.sealed
    count = view.step_count - (sealed.index.step_count if sealed.last else 0)
    return Tier(
        "L2",
        steps=max(0, count),
        bytes=sum(segment.size() for segment in journal.segments()),
        ratio=_ratio(view.raw_bytes, view.stored_bytes) if count > 0 else None,
        ready=len(tiers.warm),
        ready_bytes=tiers.warm.bytes,
        promoted=tiers.meters.counted("L1 to L2"),
        **_looks(timing),
    )


def _third(journal: Journal, timing: Timing | None) -> Tier:
    sealed = journal.sealed
    size = sealed.packs.file_bytes() if sealed.last else 0
    marks = journal.view().marks.values()
    return Tier(
        "L3",
        steps=sealed.index.step_count if sealed.last else 0,
        bytes=size,
        ratio=_ratio(sealed.index.raw_bytes, size) if sealed.last else None,
        ready=0,
        ready_bytes=0,
        promoted=sealed.index.step_count if sealed.last else 0,
        **_looks(timing),
        milestones=sum(mark.milestone is not None for mark in marks),
    )


def _looks(timing: Timing | None) -> _Looks:
    if timing is None:
        return {"looks": 0, "p50_ms": None, "p99_ms": None}
    return {"looks": timing.count, "p50_ms": timing.p50_ms, "p99_ms": timing.p99_ms}


def _memory(tiers: Tiers) -> Memory:
    meters, thresholds = tiers.meters, tiers.thresholds
    return Memory(
        tiers.bytes,
        tiers.level,
        (thresholds.normal, thresholds.aggressive, thresholds.emergency),
        meters.counted("memory cleanup"),
        meters.counted(LOOKS),
        meters.counted(AT_HAND),
        meters.counted(AHEAD),
    )


def _ratio(raw: int, stored: int) -> float | None:
    return round(raw / stored, 2) if raw and stored else None
