"""From a saved stat table to folders in memory, and back."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.store.engine.live.folders import (
    NO_WATCH,
    Folder,
    is_within,
    pack_file,
    pack_record,
    unpack_file,
)
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.stattable import UNSURE, StatTable
from stepwell.store.engine.treebuild import refused_folder


def known_of(table: StatTable, watches: Mapping[bytes, int]) -> Known:
    """Returns what a table knows, with the watch of each path.

    Folders without a watch are unlisted, so that the next look watches and lists them. Files that
    were fresh when they were read need no second look: a later write made an event.
    """
    by_path: dict[bytes, Folder] = {}
    for index, path in enumerate(table.folders.paths):
        above, _, name = path.rpartition(b"/")
        folder = _folder(table, index, name, by_path[above] if index else None)
        folder.wd = watches.get(path, NO_WATCH)
        by_path[path] = folder
    known = Known(by_path[b""])
    known.sums.load(table)
    for folder in by_path.values():
        if folder.wd != NO_WATCH:
            known.watched[folder.wd] = folder
        elif not folder.kept:
            known.unlisted.add(folder)
        known.sums.note_names(folder)
    for path in table.shared:
        _share(known, by_path, path)
    return known


def _folder(table: StatTable, index: int, name: bytes, parent: Folder | None) -> Folder:
    rows = table.folders
    folder = Folder(
        rows.paths[index],
        name,
        parent,
        within=parent is not None and is_within(parent, name),
        shut=parent is not None and (parent.shut or refused_folder(name)),
        kept=rows.ctime[index] == UNSURE and rows.inode[index] == 0,
    )
    if parent is not None:
        parent.folders[name] = folder
    folder.set_stat(rows.mode[index], (rows.mtime[index], rows.ctime[index]), rows.inode[index])
    folder.tree = rows.tree[index]
    folder.files = _records(table, index, len(folder.path) + 1 if folder.path else 0)
    folder.odd = dict(table.odd[index]) if index in table.odd else None
    folder.forced = set(table.forced[index]) if index in table.forced else None
    folder.refused = set(table.refused[index]) if index in table.refused else None
    if index in table.rules:
        folder.set_rules(table.rules[index])
    return folder


def _records(table: StatTable, index: int, start: int) -> dict[bytes, bytes]:
    files, pack = table.files, pack_record
    mode, mtime, ctime = files.mode, files.mtime, files.ctime
    size, inode, oids, paths = files.size, files.inode, files.oids, files.paths
    return {
        paths[n][start:]: pack(mode[n], mtime[n], ctime[n], size[n], inode[n], False, oids[n])
        for n in table.own_files(index)
    }


def _share(known: Known, by_path: Mapping[bytes, Folder], path: bytes) -> None:
    above, _, name = path.rpartition(b"/")
    folder = by_path.get(above)
    record = folder.files.get(name) if folder else None
    if folder is None or record is None:
        return
    row = unpack_file(record)
    folder.files[name] = pack_file(row._replace(shared=True))
    known.sums.shared.add((folder, name))
    known.linked.add(row.inode)


def table_of(known: Known, empty: StatTable) -> StatTable:
    """Returns what a scan would have saved; fills `empty`, which brings all but folders and files.

    What is touched is not believed by the next scan, so that it is read and offered again.
    """
    table = empty
    open_folders: list[tuple[Folder, int]] = []
    for folder in known.root.below():
        while open_folders and folder.parent is not open_folders[-1][0]:
            _close(table, open_folders.pop()[1])
        index = _add(table, folder, known)
        open_folders.append((folder, index))
    while open_folders:
        _close(table, open_folders.pop()[1])
    return table


def _close(table: StatTable, index: int) -> None:
    table.folders.end[index] = len(table.folders.paths)


def _add(table: StatTable, folder: Folder, known: Known) -> int:
    mode, times, inode = folder.get_stat()
    if folder in known.stale or folder in known.unlisted:
        times = times[0], UNSURE
    index = table.add_folder(folder.path, mode, times, inode)
    table.folders.tree[index] = folder.tree
    touched = known.touched.get(folder, ())
    for name in sorted(folder.files):
        row = unpack_file(folder.files[name])
        times = (row.times[0], UNSURE) if name in touched else row.times
        table.add_file(folder.path_of(name), row.mode, times, row.size, row.inode, row.oid)
    if folder.odd:
        table.odd[index] = sorted(folder.odd.items())
    if folder.forced:
        table.forced[index] = sorted(folder.forced)
    if folder.refused:
        table.refused[index] = sorted(folder.refused)
    if folder.rules:
        table.rules[index] = dict(folder.rules)
    return index
