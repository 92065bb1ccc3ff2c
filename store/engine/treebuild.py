"""Building a snapshot's tree objects and Extras from what a scan saw."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from stepwell.store.engine.extras import Extras
from stepwell.store.engine.files import LINK_MODE
from stepwell.store.engine.objects import (
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    MODE_TREE,
    ObjectReader,
    refuses_entry,
)
from stepwell.store.engine.stattable import StatTable
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath

_READABLE = 100 << 20


def git_mode(mode: int) -> int:
    """Returns the mode that a git tree has for a file or link with that st_mode."""
    if stat.S_ISLNK(mode):
        return MODE_LINK
    return MODE_EXEC if mode & stat.S_IXUSR else MODE_FILE


def refused_folder(name: bytes) -> bool:
    """Tells whether nothing below a folder of that name can stand in a git tree."""
    return refuses_entry(name, MODE_TREE, None)


def refused_file(reader: ObjectReader, name: bytes, mode: int, oid: Oid, size: int) -> bool:
    """Tells whether a file or link cannot stand in a git tree; its content is read if it matters."""
    kind = git_mode(mode)
    if not refuses_entry(name, kind, None):
        return False
    if refuses_entry(name, kind, b""):
        return True
    return refuses_entry(name, kind, reader.read(oid)[1] if size <= _READABLE else None)


class UsualModes(NamedTuple):
    """Permission bits that most entries of a kind have."""

    file: int
    executable: int
    folder: int

    def of_files(self) -> set[int]:
        """Returns the full modes of files and links that are no exception."""
        return {stat.S_IFREG | self.file, stat.S_IFREG | self.executable, LINK_MODE}

    def of_folders(self) -> set[int]:
        """Returns the full modes of folders that are no exception."""
        return {stat.S_IFDIR | self.folder}


def usual_modes(files: Counter[int], folders: Counter[int]) -> UsualModes:
    """Returns the usual modes, given how many entries have which full mode; the root aside."""
    return UsualModes(
        _most_common(files, MODE_FILE, 0o644),
        _most_common(files, MODE_EXEC, 0o755),
        stat.S_IMODE(_favourite(folders.items(), 0o755)),
    )


def build_extras(table: StatTable) -> Extras:
    """Returns the Extras of all that the table holds: a function of content only."""
    folders, files = table.folders, table.files
    seen, below = Counter(files.mode), Counter(folders.mode[1:])
    usual = usual_modes(seen, below)
    modes = {}
    if seen.keys() - usual.of_files():
        modes = _exceptions(files.paths, files.mode, usual.of_files())
    if below.keys() - usual.of_folders():
        modes |= _exceptions(folders.paths[1:], folders.mode[1:], usual.of_folders())
    return Extras(*usual, modes, _empty_folders(table), _entries(table))


def _exceptions(
    paths: Iterable[bytes], modes: Iterable[int], usual: Collection[int]
) -> dict[TrackedPath, int]:
    return {
        TrackedPath(path): stat.S_IMODE(mode)
        for path, mode in zip(paths, modes, strict=True)
        if mode not in usual
    }


def _most_common(seen: Counter[int], kind: int, otherwise: int) -> int:
    chosen = ((m, n) for m, n in seen.items() if stat.S_ISREG(m) and git_mode(m) == kind)
    return stat.S_IMODE(_favourite(chosen, otherwise))


def _favourite(counted: Iterable[tuple[int, int]], otherwise: int) -> int:
    """Returns the value counted most often; of equals the smallest."""
    return max(counted, key=lambda pair: (pair[1], -pair[0]), default=(otherwise, 0))[0]


def _empty_folders(table: StatTable) -> frozenset[TrackedPath]:
    folders = table.folders
    total = len(folders.paths)
    return frozenset(
        TrackedPath(folders.paths[at])
        for at in range(1, total)
        if folders.end[at] == at + 1 and folders.first[at] == table.first_file(at + 1)
    )


def _entries(table: StatTable) -> dict[TrackedPath, tuple[int, Oid]]:
    found: dict[TrackedPath, tuple[int, Oid]] = {}
    for folder, names in table.refused.items():
        chosen = set(names)
        start = len(table.folders.paths[folder]) + 1 if table.folders.paths[folder] else 0
        for at in table.own_files(folder):
            path = table.files.paths[at]
            if path[start:] in chosen:
                found[TrackedPath(path)] = (
                    git_mode(table.files.mode[at]),
                    Oid(table.files.oids[at]),
                )
    return found
