"""Entries of the parent snapshot that stand in for what cannot be read now."""

from __future__ import annotations

import stat

from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.snapshots import Entry, entries
from stepwell.store.model.paths import parent as folder_of
from stepwell.store.model.steps import Snapshot


class KeptEntries:
    """The parent snapshot by path; read when it is first needed, which is rare."""

    def __init__(self, reader: ObjectReader, snapshot: Snapshot | None) -> None:
        self._reader = reader
        self._snapshot = snapshot
        self._by_path: dict[bytes, Entry] | None = None
        self._by_folder: dict[bytes, list[Entry]] = {}

    def get(self, path: bytes) -> Entry | None:
        """Returns the parent's entry at the path (a folder too), or None."""
        return self._all().get(path)

    def children(self, folder: bytes) -> list[Entry]:
        """Returns the parent's entries directly in a folder, by name."""
        self._all()
        return self._by_folder.get(folder, [])

    def is_file(self, path: bytes) -> bool:
        """Tells whether the parent has a regular file at the path."""
        entry = self.get(path)
        return entry is not None and stat.S_ISREG(entry.mode)

    def _all(self) -> dict[bytes, Entry]:
        if self._by_path is None:
            found = entries(self._reader, self._snapshot, folders=True) if self._snapshot else []
            self._by_path = {entry.path: entry for entry in found}
            for entry in found:
                self._by_folder.setdefault(folder_of(entry.path), []).append(entry)
        return self._by_path
