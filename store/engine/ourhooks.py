"""Which files of a workspace hold Stepwell's own hooks: going back leaves them there unless told.

`stepwell install` notes in the data folder each file that it wrote (agents/installing).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from stepwell.store.model.paths import TrackedPath

MARK = "# stepwell"
"""Ends every command of ours, and begins every file: by it they are known again."""
CODE_MARK = "// stepwell"
"""The same in a file of code."""

_MARKS = (MARK.encode(), CODE_MARK.encode())


def records_folder(home: Path) -> Path:
    """Returns where the records of files that were written lie, one JSON object with `path` each."""
    return home / "installed"


def hooked_paths(home: Path, root: bytes) -> frozenset[TrackedPath]:
    """Returns the workspace paths of the files below `root` that are on record now.

    A record that cannot be read counts for nothing.
    """
    inside = root.rstrip(b"/") + b"/"
    found = map(os.fsencode, _recorded(records_folder(home)))
    return frozenset(TrackedPath(p.removeprefix(inside)) for p in found if p.startswith(inside))


def _recorded(folder: Path) -> Iterator[str]:
    for file in folder.glob("*.json"):
        try:
            yield str(json.loads(file.read_bytes())["path"])
        except (OSError, ValueError, KeyError, TypeError):
            continue


def hooks_in(content: bytes) -> frozenset[bytes]:
    """Returns the hooks of ours that a file holds: the whole of one that is ours, else its lines."""
    lines = [line.strip().rstrip(b",") for line in content.split(b"\n")]
    if any(line in _MARKS for line in lines[:2]):
        return frozenset((content,))
    return frozenset(line for line in lines if any(mark in line for mark in _MARKS))
