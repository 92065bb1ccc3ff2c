"""What processes left in a store that were killed: for whoever has the writer lock next."""

from __future__ import annotations

from pathlib import Path

from stepwell.store.engine.merge import workbench
from stepwell.store.engine.rollback import staging
from stepwell.store.engine.scratch import sweep


def clear_leftovers(store: Path) -> None:
    """Ends the processes and removes the files of experiments, merges and rollbacks that were killed.

    It costs three looks when there is nothing, and what cannot be removed is left to the next time.
    """
    sweep(store)
    workbench.tidy(store)
    staging.sweep(store)
