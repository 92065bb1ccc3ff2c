"""Which snapshots of a session are not kept any longer. Pure: time is passed in."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.store.state.values import MILLISECOND, StateConfig, StateSnapshot

DOUBT_NS = 30 * 86_400_000 * MILLISECOND
"""After this long without a snapshot the clock may be wrong, and age counts from the next one on."""


def in_order(snapshots: Iterable[StateSnapshot]) -> list[StateSnapshot]:
    """Returns snapshots from the oldest to the newest."""
    return sorted(snapshots, key=lambda one: (one.time_ns, one.number))


def expired(
    snapshots: Iterable[StateSnapshot], config: StateConfig, now_ns: int
) -> list[StateSnapshot]:
    """Returns what is not to be kept of one session, oldest first; never its newest snapshot."""
    older = in_order(snapshots)
    if len(older) < 2:
        return []
    newest = older.pop()
    before = older[-1] if newest.time_ns >= now_ns else newest
    trusted = now_ns - before.time_ns <= DOUBT_NS
    oldest_ns = now_ns - config.max_retention_ms * MILLISECOND if trusted else 0
    kept = [
        one
        for one in older
        if one.time_ns >= oldest_ns and (one.tags or not config.tagged_snapshots_only)
    ]
    kept = kept[max(0, len(kept) + 1 - config.max_snapshots) :]
    keeping = {one.id for one in kept}
    return [one for one in older if one.id not in keeping]
