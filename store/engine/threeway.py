"""Three-way merge of texts and of the states of a path. Pure, without drivers and filters.

Lines are merged as git does: what only one side changed is taken, what both changed alike is taken
once, and changes that overlap or touch are a conflict.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Literal, TypeVar

from stepwell.store.engine.diff import TOO_LARGE, is_binary
from stepwell.store.engine.lines import Region, regions, split_lines
from stepwell.store.model.ids import Oid
from stepwell.store.model.plans import ConflictKind, PathState

T = TypeVar("T")


class Clash(Exception):
    """Two sides do not go together; carries the kind of the conflict."""

    def __init__(self, kind: ConflictKind) -> None:
        super().__init__(kind)
        self.kind = kind


def merge_texts(
    base: bytes, ours: bytes, theirs: bytes, *, favour: Literal["ours", "theirs"] | None = None
) -> bytes:
    """Returns `ours` with what leads from `base` to `theirs`.

    Where both changed the same place, the side to favour has its way.

    Raises:
        Clash: both changed the same place and no side is favoured; or a side is binary or too
            large to compare.
    """
    if any(is_binary(side) or len(side) > TOO_LARGE for side in (base, ours, theirs)):
        raise Clash("binary")
    mine, other = split_lines(ours), split_lines(theirs)
    merged: list[bytes] = []
    at = shift = 0  # in `ours`; from `base` to `ours`
    for left, right in _groups(regions(base, ours), regions(base, theirs)):
        if left:
            if right and (theirs_now := other[_span(right, left)]) != mine[_span(left, right)]:
                if favour is None:
                    raise Clash("content")
                if favour == "theirs":
                    place = _span(left, right)
                    merged += mine[at : place.start] + theirs_now
                    at = place.stop
            shift = left[-1].new_end - left[-1].end
            continue
        for region in right:
            merged += mine[at : region.start + shift] + other[region.new_start : region.new_end]
            at = region.end + shift
    return b"".join(merged + mine[at:])


def _groups(left: list[Region], right: list[Region]) -> list[tuple[list[Region], list[Region]]]:
    """Returns the regions of both sides in order, those together that overlap or touch."""
    groups: list[tuple[list[Region], list[Region]]] = []
    end = -1
    for region, is_right in sorted([(r, False) for r in left] + [(r, True) for r in right]):
        if region.start > end:
            groups.append(([], []))
        groups[-1][is_right].append(region)
        end = max(end, region.end)
    return groups


def _span(own: list[Region], other: list[Region]) -> slice:
    """Returns which lines a side has in place of the base's lines that the group speaks of."""
    start, end = min(own[0].start, other[0].start), max(own[-1].end, other[-1].end)
    first, last = own[0], own[-1]
    return slice(first.new_start - (first.start - start), last.new_end + (end - last.end))


def merge_states(
    base: PathState | None,
    ours: PathState | None,
    theirs: PathState | None,
    merge_blobs: Callable[[Oid, Oid, Oid], Oid],
) -> PathState | None:
    """Returns what a path is to be; `merge_blobs` merges contents when all three differ.

    Raises:
        Clash: the sides do not go together.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    present = [state for state in (base, ours, theirs) if state is not None]
    folders = [stat.S_ISDIR(state.mode) for state in present]
    if all(folders):
        return ours  # a folder that is, or has a mode of, later work
    if any(folders):
        raise Clash("file/directory")
    if base is None:
        raise Clash("add/add")
    if ours is None or theirs is None:
        raise Clash("modify/delete")
    return _merge_files(base, ours, theirs, merge_blobs)


def _merge_files(
    base: PathState,
    ours: PathState,
    theirs: PathState,
    merge_blobs: Callable[[Oid, Oid, Oid], Oid],
) -> PathState:
    regular = all(stat.S_ISREG(state.mode) for state in (base, ours, theirs))
    if not regular or base.blob is None or ours.blob is None or theirs.blob is None:
        raise Clash("content")
    mode = _picked(base.mode, ours.mode, theirs.mode)
    if mode is None:
        raise Clash("mode")
    blob = _picked(base.blob, ours.blob, theirs.blob)
    return PathState(mode, blob or merge_blobs(base.blob, ours.blob, theirs.blob))


def _picked(base: T, ours: T, theirs: T) -> T | None:
    """Returns the side that changed; None when both did, and differently."""
    if ours in (theirs, base):
        return theirs
    return ours if theirs == base else None
