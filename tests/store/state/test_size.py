"""What incremental snapshots are for, by its figure."""

from __future__ import annotations

from pathlib import Path

from support.states import AgentState

from stepwell.store import StateConfig, StateSnapshots


def test_incrementals_save_most_of_what_full_ones_take(tmp_path: Path) -> None:
    """Of a state that changes a little each time, beside the same ones compressed and full."""
    stored = {}
    for incremental in (True, False):
        agent = AgentState(60)
        config = StateConfig(incremental_enabled=incremental, storage_type="disk")
        with StateSnapshots(tmp_path / str(incremental), config) as snapshots:
            made = [snapshots.create("s", agent.step()) for _ in range(100)]
            stored[incremental] = sum(
                path.stat().st_size for path in tmp_path.glob(f"{incremental}/snapshots/*")
            )
            assert snapshots.reconstruct_state(made[-1]) == agent.value
    assert stored[True] < 0.3 * stored[False]
