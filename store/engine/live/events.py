"""From events, and from what no event tells, to the names that must be looked at."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from stepwell.store.engine.live.folders import NO_WATCH, Folder, is_unsure, unpack_file
from stepwell.store.engine.live.inotify import ATTRIB, IGNORED, WRITES, Event
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.live.update import agrees
from stepwell.store.engine.live.watcher import Watcher
from stepwell.store.engine.userindex import Wanted


def touch_events(known: Known, watcher: Watcher, events: Iterable[Event]) -> bool:
    """Touches the names that events speak of; returns False when the root itself is concerned."""
    for wd, mask, name in events:
        folder = known.watched.get(wd)
        if folder is None:
            continue
        if name:
            known.touch(folder, name)
            if mask & WRITES:
                known.written.add((folder, name))
            continue
        if mask & IGNORED:
            del known.watched[wd]
            folder.wd = NO_WATCH
            watcher.ended(wd)
        if folder.parent is None and mask & ~ATTRIB:
            return False
        known.touch_itself(folder)
    return True


def touch_shared(known: Known, root_fd: int) -> None:
    """Touches the files with other names whose stat moved: no event need have told of it."""
    for folder, name in known.sums.shared:
        try:
            found = os.lstat(folder.path_of(name), dir_fd=root_fd)
        except OSError:
            known.touch(folder, name)
            continue
        if not agrees(folder.files[name], found):
            known.touch(folder, name)


def touch_again(known: Known) -> None:
    """Touches the names whose reason for not being stored may be gone without an event."""
    for folder, name in known.sums.again():
        known.touch(folder, name)


def touch_tracked(known: Known, wanted: Wanted) -> None:
    """Touches what another index of the repository brings in or no longer does."""
    for folder in known.sums.with_odd:
        for name, reason in (folder.odd or {}).items():
            if reason == "ignored" and _covers(wanted, folder.path_of(name)):
                known.touch(folder, name)
    for folder in known.sums.with_forced:
        for name in folder.forced or ():
            if not _covers(wanted, folder.path_of(name)):
                known.touch(folder, name)


def _covers(wanted: Wanted, path: bytes) -> bool:
    return wanted.covers(path, True) or wanted.covers(path, False)


def touch_paths(known: Known, paths: Collection[bytes], cap_bytes: int) -> None:
    """Touches paths that are asked for, or no longer are, where that makes a difference."""
    for path in paths:
        folder, name = _decided_at(known, path)
        record = folder.files.get(name)
        forced = folder.forced is not None and name in folder.forced
        if record is None or forced or unpack_file(record).size > cap_bytes:
            known.touch(folder, name)


def _decided_at(known: Known, path: bytes) -> tuple[Folder, bytes]:
    """Returns the first part of a path that rules decide on: a forced one, or the last one known."""
    folder = known.root
    *above, last = path.split(b"/")
    for part in above:
        below = folder.folders.get(part)
        if below is None or (folder.forced and part in folder.forced):
            return folder, part
        folder = below
    return folder, last


def touch_drift(known: Known, folder: Folder, absolute: bytes) -> int:
    """Compares a folder's names and files with the disk; touches what differs and counts it.

    What was fresh when it was read is touched, too, without being counted: its stat tells nothing.
    """
    touched = known.touched.get(folder, set())
    try:
        names = set(os.listdir(absolute))
    except OSError:
        known.touch_itself(folder)
        return 1
    told = {*folder.files, *folder.folders, *(folder.odd or ())}
    moved = names ^ told
    for name in folder.files.keys() & names - touched:
        try:
            found = os.lstat(absolute + b"/" + name)
        except OSError:
            moved.add(name)
            continue
        record = folder.files[name]
        if is_unsure(record):
            known.touch(folder, name)
        elif not agrees(record, found):
            moved.add(name)
    moved -= touched
    for name in moved:
        known.touch(folder, name)
    return len(moved)
