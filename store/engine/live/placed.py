"""Files that a rollback put in place, told from what somebody has written there since."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.store.engine.files import Placed
from stepwell.store.engine.live.folders import Folder, pack_file
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.looker import FileRow
from stepwell.store.engine.moved import sure_times
from stepwell.store.engine.objects import ObjectSink, refuses_entry
from stepwell.store.engine.treebuild import git_mode, refused_file
from stepwell.store.model.ids import Oid


@dataclass(frozen=True, slots=True)
class PlacedFiles:
    """What is believed of `placed` without reading it, in one round of looking."""

    placed: Mapping[bytes, Placed]
    stored: Mapping[bytes, Oid]
    """Contents by path that the parent snapshot has; of others the store is asked."""
    known: Known
    root_fd: int
    sink: ObjectSink
    fresh_from: int

    def row(self, folder: Folder, name: bytes) -> FileRow | None:
        """Returns what is known of a file that is as it was put in place; None: it has to be read.

        Its ctime may be that of a later write, too; but a write makes an event of another kind than
        coming into place does.
        """
        if not self.placed:
            return None
        path = folder.path_of(name)
        placed = self.placed.get(path)
        if placed is None or (folder, name) in self.known.written:
            return None
        try:
            # By its path, although that follows links: what agrees is that file, however reached.
            found = os.lstat(path, dir_fd=self.root_fd)
        except OSError:
            return None
        if not placed.agrees(found):
            return None
        # Of some names the content says whether they can stand in a tree.
        is_read = refuses_entry(name, git_mode(found.st_mode), None)
        if (is_read or self.stored.get(path) != placed.oid) and not self.sink.has(placed.oid):
            return None
        times = sure_times(found, self.fresh_from)
        return FileRow(found.st_mode, times, found.st_size, found.st_ino, placed.oid)

    def exchange(self, folder: Folder, name: bytes, row: FileRow) -> bool:
        """Enters a row where a plain file stays one: then the rules say of it what they did.

        Returns False, nothing done, where it has to be looked at as any other name.
        """
        if refused_file(self.sink, name, row.mode, row.oid, row.size):
            return False
        return self.known.exchange(folder, name, pack_file(row))
