"""From a saved stat table to folders in memory, and back."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.store.engine.coverage import folder_rules
from stepwell.store.engine.live.folders import NO_WATCH, Folder, pack_file, unpack_file
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.looker import FileRow
from stepwell.store.engine.stattable import UNSURE, StatTable
from stepwell.store.engine.treebuild import refused_folder
from stepwell.store.model.ids import Oid


def known_of(table: StatTable, watches: Mapping[bytes, int]) -> Known:
    """Returns what a table knows, with the watch of each path.

    Folders without a watch are unlisted, so that the next look watches and lists them.
    """
    known: Known | None = None
    by_path: dict[bytes, Folder] = {}
    for index, path in enumerate(table.folders.paths):
        above, _, name = path.rpartition(b"/")
        parent = by_path[above] if index else None
        folder = by_path[path] = _folder(table, index, name, parent)
        folder.wd = watches.get(path, NO_WATCH)
        known = known or Known(folder)
        known.attach(folder)
        _enter_files(known, table, index, folder)
        if folder.wd == NO_WATCH and not folder.kept:
            known.unlisted.add(folder)
        known.sums.odd_moved(folder)
        known.sums.forced_moved(folder)
        if folder.rules:
            known.sums.rules_changed(folder)
    assert known is not None
    for folder in by_path.values():
        known.sums.filled(folder)
    return known


def _folder(table: StatTable, index: int, name: bytes, parent: Folder | None) -> Folder:
    rows = table.folders
    forced_above = parent is not None and bool(parent.forced and name in parent.forced)
    folder = Folder(
        rows.paths[index],
        name,
        parent,
        within=parent is not None and (parent.within or forced_above),
        shut=parent is not None and (parent.shut or refused_folder(name)),
        kept=rows.ctime[index] == UNSURE and rows.inode[index] == 0,
    )
    folder.set_stat(rows.mode[index], (rows.mtime[index], rows.ctime[index]), rows.inode[index])
    folder.tree = rows.tree[index]
    folder.odd = dict(table.odd[index]) if index in table.odd else None
    folder.forced = set(table.forced[index]) if index in table.forced else None
    folder.refused = set(table.refused[index]) if index in table.refused else None
    if index in table.rules:
        folder.rules = table.rules[index]
        texts = {rule: text for rule, (_, text) in folder.rules.items()}
        folder.known = folder_rules(folder.path, texts)
    return folder


def _enter_files(known: Known, table: StatTable, index: int, folder: Folder) -> None:
    files = table.files
    start = len(folder.path) + 1 if folder.path else 0
    for at in table.own_files(index):
        name = files.paths[at][start:]
        times = files.mtime[at], files.ctime[at]
        shared = files.paths[at] in table.shared
        row = FileRow(
            files.mode[at], times, files.size[at], files.inode[at], Oid(files.oids[at]), shared
        )
        refused = folder.refused is not None and name in folder.refused
        known.enter(folder, name, pack_file(row), shared=shared, refused=refused)
        if shared:
            known.linked.add(row.inode)
        if times[1] == UNSURE:
            known.touch(folder, name)


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
