"""Files that a rollback put in place, told from what somebody has written there since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.store.engine.files import OpenFolders, Placed, lstat_at
from stepwell.store.engine.live.folders import Folder, pack_file
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.looker import FileRow
from stepwell.store.engine.moved import sure_times
from stepwell.store.engine.objects import ObjectSink


@dataclass(frozen=True, slots=True)
class PlacedFiles:
    """What is believed of `placed` without reading it, in one round of looking."""

    placed: Mapping[bytes, Placed]
    known: Known
    folders: OpenFolders
    sink: ObjectSink
    fresh_from: int

    def record(self, folder: Folder, name: bytes) -> bytes | None:
        """Returns the record of a file that is as it was put in place; None: it has to be read.

        Its ctime may be that of a later write, too; but a write makes an event of another kind than
        coming into place does.
        """
        placed = self.placed.get(folder.path_of(name)) if self.placed else None
        if placed is None or (folder, name) in self.known.written:
            return None
        try:
            found = lstat_at(self.folders.open(folder.path), name)
        except OSError:
            return None
        if found is None or not placed.agrees(found) or not self.sink.has(placed.oid):
            return None
        times = sure_times(found, self.fresh_from)
        return pack_file(FileRow(found.st_mode, times, found.st_size, found.st_ino, placed.oid))
