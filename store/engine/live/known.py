"""All that is known of a workspace: its folders, their watches, and what changed since it was kept.

"Kept" means that the store holds the snapshot. Whatever was looked at since is remembered as
touched, and each next look looks at it again and offers it again, until that look is kept.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import NamedTuple

from stepwell.store.engine.files import Seen
from stepwell.store.engine.live.folders import (
    NO_WATCH,
    Folder,
    inode_of,
    mode_and_oid,
    says_the_same,
    unpack_file,
)
from stepwell.store.engine.live.sums import Sums
from stepwell.store.engine.snapshots import Difference, Entry
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Reason


class Was(NamedTuple):
    """What was known of a name before it is looked at."""

    record: bytes | None = None
    folder: Folder | None = None
    odd: Reason | None = None


@dataclass(slots=True)
class Known:
    """Living folders and what is to be done about them."""

    root: Folder
    sums: Sums = field(default_factory=Sums)
    watched: dict[int, Folder] = field(default_factory=dict)
    """Watch -> folder."""
    touched: dict[Folder, set[bytes]] = field(default_factory=dict)
    """Names to be looked at: an event spoke of them, or what was found is not kept."""
    written: set[tuple[Folder, bytes]] = field(default_factory=set)
    """Of what is touched, the names at which something was written since it was kept last."""
    unlisted: set[Folder] = field(default_factory=set)
    """Folders to be listed anew, with everything below them that moved."""
    stale: dict[Folder, set[bytes]] = field(default_factory=dict)
    """Folders whose trees are to be built and offered, and the names that changed in them."""
    doubted: dict[Folder, set[bytes]] = field(default_factory=dict)
    """What was touched of folders that were forgotten in this round."""
    linked: set[int] = field(default_factory=set)
    """Inodes whose every name is known to be one of several."""
    before: dict[TrackedPath, Entry | None] | None = field(default_factory=dict)
    """What a changed path was when kept last; None when more changed than files."""

    def touch(self, folder: Folder, name: bytes) -> None:
        """Marks a name to be looked at."""
        names = self.touched.get(folder)
        if names is None:
            self.touched[folder] = {name}
        else:
            names.add(name)

    def touch_itself(self, folder: Folder) -> None:
        """Marks a folder to be looked at in the folder that holds it."""
        if folder.parent is not None:
            self.touch(folder.parent, folder.name)

    def take_out(self, folder: Folder, name: bytes) -> Was:
        """Forgets what is known of a name, and returns it; a folder may yet be put back."""
        record = folder.files.pop(name, None)
        if record is not None:
            self.sums.file_went(folder, name, record)
            if folder.refused:
                folder.refused.discard(name)
        if folder.forced and name in folder.forced:
            folder.forced.discard(name)
            self.sums.forced_moved(folder)
        odd = folder.odd.pop(name, None) if folder.odd else None
        return Was(record, folder.folders.pop(name, None), odd)

    def enter(
        self, folder: Folder, name: bytes, record: bytes, *, shared: bool, refused: bool
    ) -> None:
        """Enters a file or link at a name that has nothing."""
        folder.files[name] = record
        if refused:
            folder.refused = folder.refused or set()
            folder.refused.add(name)
        self.sums.file_came(folder, name, record, shared=shared)

    def exchange(self, folder: Folder, name: bytes, record: bytes) -> bool:
        """Enters another record of a file; it does what to take out, enter and compare would do.

        Returns False, nothing done, where more than its content and times may be another: where
        nothing or no plain file of that mode is known there, or one is that is stored as an exception.
        """
        was = folder.files.get(name)
        if (
            was is None
            or was[:4] != record[:4]
            or (folder.odd and name in folder.odd)
            or (folder.forced and name in folder.forced)
            or (folder.refused and name in folder.refused)
            or (folder, name) in self.sums.shared
        ):
            return False
        folder.files[name] = record
        self._compare_files(folder, name, was, record)
        return True

    def compare(self, folder: Folder, name: bytes, was: Was) -> None:
        """Notes what became of a name, now that it was looked at."""
        odd = folder.odd.get(name) if folder.odd else None
        if odd != was.odd:
            self.sums.odd_moved(folder)
        is_folder = name in folder.folders
        if is_folder or was.folder is not None:
            if folder.folders.get(name) is not was.folder:
                self.changed_more(folder, name)
            return
        self._compare_files(folder, name, was.record, folder.files.get(name))

    def _compare_files(
        self, folder: Folder, name: bytes, was: bytes | None, record: bytes | None
    ) -> None:
        if says_the_same(was, record):
            return
        self._changed(folder, name)
        if self.before is not None:
            path = TrackedPath(folder.path_of(name))
            self.before.setdefault(path, _entry(path, was))

    def _changed(self, folder: Folder, name: bytes) -> None:
        self.stale.setdefault(folder, set()).add(name)

    def changed_more(self, folder: Folder, name: bytes) -> None:
        """Notes that a name changed in a way that file by file cannot tell."""
        self._changed(folder, name)
        self.before = None

    def share(self, inodes: set[int]) -> bool:
        """Takes note that inodes have other names; touches files that were not known to be so.

        To link a file makes no event at the name that it had.
        """
        inodes = inodes - self.linked
        if not inodes:
            return False
        self.linked |= inodes
        found = False
        for folder in self.root.below():
            for name, record in folder.files.items():
                if inode_of(record) in inodes and (folder, name) not in self.sums.shared:
                    self.sums.shared.add((folder, name))
                    self.touch(folder, name)
                    found = True
        return found

    def attach(self, folder: Folder) -> None:
        """Enters a folder, new and still empty, where its parent and name say."""
        if folder.parent is None:
            self.root = folder
        else:
            folder.parent.folders[folder.name] = folder
        if folder.wd != NO_WATCH:
            self.watched[folder.wd] = folder
        self.sums.folder_came(folder)

    def forget(self, folder: Folder) -> list[Folder]:
        """Ends a folder that was taken out, with all below it; returns them, records and all."""
        gone = list(folder.below())
        for one in gone:
            one.alive = False
            self.sums.folder_went(one)
            self.doubted[one] = self.touched.pop(one, set())
            self.stale.pop(one, None)
            self.unlisted.discard(one)
        return gone

    def doubted_names(self, folder: Folder) -> set[bytes]:
        """Returns the names of a folder, living or forgotten, whose records are not to be believed."""
        return self.doubted.get(folder) or self.touched.get(folder) or set()

    def kept(self) -> None:
        """The store holds what was found.

        A file that was fresh when it was read is not looked at again, as a scan would: a later
        write makes an event.
        """
        self.stale.clear()
        self.touched.clear()
        self.written.clear()
        self.before = {}

    def differences(self) -> tuple[Difference, ...] | None:
        """Returns (when kept, now) of each path that changed, in path order; None: not known."""
        if self.before is None:
            return None
        pairs = ((was, self._now(path)) for path, was in sorted(self.before.items()))
        return tuple((was, now) for was, now in pairs if was != now)

    def _now(self, path: TrackedPath) -> Entry | None:
        folder, name = self._place(path)
        return _entry(path, folder.files.get(name)) if folder else None

    def seen_at(self, path: bytes) -> Seen | None:
        """Returns how the file looked there; None where none is known, or is to be looked at."""
        folder, name = self._place(path)
        record = folder.files.get(name) if folder else None
        if record is None or (folder in self.touched and name in self.touched[folder]):
            return None
        row = unpack_file(record)
        return Seen(row.size, row.times[0], row.inode)

    def _place(self, path: bytes) -> tuple[Folder | None, bytes]:
        above, _, name = path.rpartition(b"/")
        folder: Folder | None = self.root
        for part in above.split(b"/") if above else ():
            folder = folder.folders.get(part) if folder else None
        return folder, name


def _entry(path: TrackedPath, record: bytes | None) -> Entry | None:
    if record is None:
        return None
    mode, oid = mode_and_oid(record)
    return Entry(path, stat.S_IFLNK | 0o777 if stat.S_ISLNK(mode) else mode, oid)
