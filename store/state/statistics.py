"""Statistics over what a storage holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from stepwell.store.state.values import DamagedSnapshot, StateSnapshot, StateStatistics


def statistics_of(
    snapshots: Iterable[StateSnapshot],
    bases: Iterable[StateSnapshot],
    damaged: Sequence[DamagedSnapshot],
) -> StateStatistics:
    """Returns the figures."""
    all_of_them = list(snapshots)
    times = [one.time_ns for one in all_of_them]
    full = sum(one.type == "full" for one in all_of_them)
    return StateStatistics(
        total=len(all_of_them),
        full=full,
        incremental=len(all_of_them) - full,
        automatic=sum(one.automatic for one in all_of_them),
        tagged=sum(bool(one.tags) for one in all_of_them),
        sessions=dict(sorted(Counter(one.session for one in all_of_them).items())),
        total_size=sum(one.size for one in all_of_them),
        stored_bytes=sum(one.stored_bytes for one in (*all_of_them, *bases)),
        damaged=tuple(damaged),
        oldest_ns=min(times, default=None),
        newest_ns=max(times, default=None),
    )
