"""A process to be killed: stores states in a loop, saying what was acknowledged.

Run as `python state_victim.py FOLDER`. State number N is `{"n": N, ...}`, in the session `s`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import StateConfig


def main(folder: str) -> None:
    """Works until it is killed."""
    with StateSnapshots(folder, StateConfig(max_snapshots=6, full_every=3)) as snapshots:
        newest = snapshots.search(limit=1)
        number = snapshots.reconstruct_state(newest[0])["n"] if newest else 0
        while True:
            number += 1
            made = snapshots.create("s", {"n": number, "text": "x" * 5000})
            snapshots.record_event("s", "merge", {"seen": number})
            sys.stdout.write(f"{made.id} {number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
