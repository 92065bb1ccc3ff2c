"""Differences between two snapshots, or between a snapshot and the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath

Status = Literal["A", "M", "D", "R", "T"]
"""Added, modified (content or mode), deleted, renamed, type changed (file, link, folder)."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One region of a text change. Line numbers are 1-based; a start is 0 when its side is empty."""

    id: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: Sequence[bytes]
    """Each begins with b" ", b"-" or b"+" and ends as in the file; a last line without a line
    feed is followed by the entry `b"\\\\ No newline at end of file"`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path's difference. Modes are full (type and permission bits), as `st_mode` has them."""

    path: TrackedPath
    status: Status
    old_path: TrackedPath | None = None
    """Only for R: where the content was."""
    old_mode: int | None = None
    """None for an added path."""
    new_mode: int | None = None
    """None for a deleted path."""
    old_blob: Oid | None = None
    """None for an added path and for folders."""
    new_blob: Oid | None = None
    binary: bool = False
    too_large: bool = False
    """The sides are beyond the size up to which lines are compared; no hunks, no counts."""
    added: int = 0
    deleted: int = 0
    hunks: tuple[Hunk, ...] = ()


def hunk_id(
    path: bytes, old: Oid | None, new: Oid | None, ranges: tuple[int, int, int, int]
) -> str:
    """Returns an id that is stable for one plan or diff: from path, both blobs and ranges."""
    text = b"\0".join((path, old or b"", new or b"", repr(ranges).encode()))
    return hashlib.sha256(text).hexdigest()[:12]
