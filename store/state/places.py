"""Which storage a configuration asks for."""

from __future__ import annotations

from pathlib import Path

from stepwell.store.model.errors import UsageError
from stepwell.store.model.ids import Clock
from stepwell.store.state.disk import DiskStorage
from stepwell.store.state.storage import HybridStorage, MemoryStorage, StateStorage
from stepwell.store.state.values import StateConfig


def storage_for(config: StateConfig, folder: Path | None, clock: Clock) -> StateStorage:
    """Returns the storage, made when it is new.

    Raises:
        UsageError: it is to survive, and there is no folder.
        FailedError: the folder cannot be made or read.
    """
    if config.storage_type == "memory" or not config.persistence_enabled:
        return MemoryStorage()
    if folder is None:
        raise UsageError(
            f"{config.storage_type} storage needs a folder",
            hint="name one, or use StateConfig(storage_type='memory')",
        )
    disk = DiskStorage(folder, clock=clock)
    return disk if config.storage_type == "disk" else HybridStorage(disk)
