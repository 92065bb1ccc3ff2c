"""Changed files as rows: one a file, or as a tree with a row for each folder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

DEEPEST = 40
"""Folders within one another that have rows of their own; what lies deeper keeps them in its name."""


class FileRow(NamedTuple):
    """One row of the list of files."""

    change: int
    """Which change; of a folder, the first one below it."""
    name: bytes
    """What is shown: the whole path, or in a tree what its folder does not say."""
    depth: int = 0
    below: tuple[int, ...] = ()
    """Of a folder, the changes below it; of a file, nothing."""


def flat_rows(paths: Sequence[bytes]) -> list[FileRow]:
    """Returns a row for each path."""
    return [FileRow(index, path) for index, path in enumerate(paths)]


def tree_rows(paths: Sequence[bytes]) -> list[FileRow]:
    """Returns folders and files, a folder that only leads to another one joined with it."""
    root: _Folder = {}
    for index, path in enumerate(paths):
        *folders, name = path.split(b"/", DEEPEST)
        at = root
        for folder in folders:
            inner = at.setdefault(folder + b"/", {})
            assert isinstance(inner, dict)
            at = inner
        at[name] = index
    return list(_rows(root, 0))


_Folder = dict[bytes, "_Folder | int"]


def _rows(folder: _Folder, depth: int) -> list[FileRow]:
    found: list[FileRow] = []
    for name, inner in sorted(folder.items(), key=lambda item: (isinstance(item[1], int), item[0])):
        if isinstance(inner, int):
            found.append(FileRow(inner, name, depth))
            continue
        while len(inner) == 1 and isinstance(only := next(iter(inner.values())), dict):
            name, inner = name + next(iter(inner)), only
        below = _rows(inner, depth + 1)
        files = tuple(row.change for row in below if not row.below)
        found += [FileRow(files[0], name, depth, files), *below]
    return found
