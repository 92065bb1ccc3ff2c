"""Line differences of two texts, by libgit2."""

from __future__ import annotations

from typing import Any, NamedTuple

from stepwell.store.model.changes import Hunk, hunk_id
from stepwell.store.model.ids import Oid

NO_NEWLINE = b"\\ No newline at end of file"

_SIGNS = {" ": b" ", "+": b"+", "-": b"-"}


class Side(NamedTuple):
    """One side of a comparison; no blob, and no content, where nothing is."""

    blob: Oid | None
    content: bytes


class Compared(NamedTuple):
    """Lines added and deleted, and the hunks in order when they were asked for."""

    added: int
    deleted: int
    hunks: tuple[Hunk, ...]


def count_lines(text: bytes) -> int:
    """Returns the number of lines, a last one without a line feed included."""
    return text.count(b"\n") + (not text.endswith(b"\n") and text != b"")


def compare(path: bytes, old: Side, new: Side, *, hunks: bool, context: int) -> Compared:
    """Compares two texts line by line; `path` only goes into the hunks' ids."""
    if not hunks and not (old.content and new.content):
        return Compared(count_lines(new.content), count_lines(old.content), ())
    patch = _patch(old.content, new.content, context if hunks else 0)
    _, added, deleted = patch.line_stats
    found = [_hunk(path, old.blob, new.blob, hunk) for hunk in patch.hunks] if hunks else []
    return Compared(added, deleted, tuple(found))


def _patch(old: bytes, new: bytes, context: int) -> Any:
    import pygit2
    from pygit2.enums import DiffOption

    # The caller has decided what is text; libgit2's own guess would hide some of it.
    return pygit2.Patch.create_from(
        old, new, flag=DiffOption.FORCE_TEXT, context_lines=context, interhunk_lines=0
    )


def _hunk(path: bytes, old: Oid | None, new: Oid | None, hunk: Any) -> Hunk:
    ranges = (hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines)
    lines = tuple(
        _SIGNS[line.origin] + line.raw_content if line.origin in _SIGNS else NO_NEWLINE
        for line in hunk.lines
    )
    return Hunk(hunk_id(path, old, new, ranges), *ranges, lines)
