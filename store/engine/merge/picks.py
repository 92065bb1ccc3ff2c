"""The plan of what is picked of several candidates: paths and hunks of each, merged into the disk.

Each candidate's picks are one change of the base; they come one candidate after the other, so that
two that clash are found like a clash with later work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from stepwell.store.engine.diff import changes
from stepwell.store.engine.merge.conflicts import Side
from stepwell.store.engine.objects import BLOB, LayeredObjects
from stepwell.store.engine.partial import (
    Draft,
    Part,
    Scene,
    lines_meant,
    names_since,
    narrowed,
    with_chosen,
    with_conflicts,
)
from stepwell.store.engine.pathmerge import OneChange, PathMerge, one_by_one
from stepwell.store.engine.snapshots import Difference
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.hunknames import Lines, read_hunk_names
from stepwell.store.model.paths import TrackedPath, escape, is_under, parent
from stepwell.store.model.plans import PathState, Plan
from stepwell.store.model.steps import Snapshot, Step


@dataclass(frozen=True, slots=True)
class Picked:
    """A candidate, and which of its paths are taken whole, each with all below it."""

    branch: str
    tip: Step
    paths: tuple[TrackedPath, ...] = ()


@dataclass(frozen=True, slots=True)
class PicksRequest:
    """What is asked for of siblings that began at one step."""

    base: Step
    picked: tuple[Picked, ...]
    hunks: tuple[str, ...] = ()
    """Ids, as the differences from the base to the candidates have them."""
    prefer: Side | None = None
    """Who wins where picks clash with the disk and what was picked before (ours); None: nobody."""


def plan_picks(scene: Scene, request: PicksRequest, draft: Draft) -> Plan:
    """Returns the plan that merges the picks into the disk; its conflicts cannot be applied.

    Raises:
        NotFoundError: a candidate changed nothing at a path, or no hunk has such an id.
        UsageError: a hunk of something that is no text on both sides.
    """
    before: dict[TrackedPath, Difference] = {}

    def state(path: TrackedPath) -> PathState | None:
        if path not in before:
            return scene.state(path)
        entry = before[path][1]
        return None if entry is None else PathState(entry.mode, entry.oid)

    merge = PathMerge(
        scene.reader,
        scene.disk,
        state,
        lambda: names_since(scene, request.base),
        request.prefer,
    )
    choice = read_hunk_names(request.hunks)
    left, contents, used = set(choice), list[bytes](), list[Picked]()
    for one in request.picked:
        named = {hunk: choice[hunk] for hunk in left}
        chosen = _chosen(scene.reader, request.base.snapshot, one, named)
        left -= chosen.hunks
        contents += chosen.contents
        if chosen.changes:
            used.append(one)
        merge.bring(chosen.changes, one.tip.snapshot)
        before.update(merge.pairs)
    if left:
        raise _no_hunk(min(left))
    part = Part(tuple(path for one in request.picked for path in one.paths))
    contents += merge.contents.values()
    plan = narrowed(scene, part, merge.pairs, (), tuple(contents), draft)
    plan = replace(
        plan,
        target=used[0].tip,
        hunks=request.hunks,
        merged=", ".join(one.branch for one in used),
    )
    return with_conflicts(plan, merge.conflicts)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is picked of one candidate."""

    changes: list[OneChange]
    hunks: set[str]
    contents: list[bytes]


def _chosen(
    reader: LayeredObjects, base: Snapshot, one: Picked, hunks: Mapping[str, Lines | None]
) -> _Chosen:
    found = one_by_one(reader, base, one.tip.snapshot)
    whole, parts, ids, contents = set(one.paths), list[OneChange](), set[str](), list[bytes]()
    for path in one.paths:
        if not any(is_under(name, path) for own in found for name in own.names()):
            raise _nothing_at(path, one)
    for change in changes(reader, base, one.tip.snapshot, hunks=True) if hunks else ():
        picked = {hunk.id: lines_meant(hunk, hunks) for hunk in change.hunks if hunk.id in hunks}
        ids |= picked.keys()
        if picked and len(picked) == len(change.hunks) and not any(picked.values()):
            whole.add(change.path)
        elif picked and not any(is_under(change.path, path) for path in whole):
            contents.append(_content(reader, change, picked))
            parts.append(_in_part(reader, change, contents[-1]))
    taken = [own for own in found if _is_taken(own, whole)]
    return _Chosen([*taken, *parts], ids, contents)


def _is_taken(own: OneChange, whole: Collection[TrackedPath]) -> bool:
    """Tells whether a change is picked; a folder goes with what lay in it, if nothing else does."""
    if any(is_under(name, path) for name in own.names() for path in whole):
        return True
    if own.base is None or own.base.blob is not None or own.theirs is not None:
        return False
    return any(parent(path) == own.base_path for path in whole)


def _content(reader: LayeredObjects, change: Change, picked: Mapping[str, Lines | None]) -> bytes:
    if change.status != "M" or change.old_blob is None or change.new_blob is None:
        raise UsageError(
            f"{escape(change.path)} cannot be picked in part: it is not a text on both sides",
            hint="pick all its hunks, or its path",
            path=escape(change.path),
        )
    old, new = (reader.read(blob)[1] for blob in (change.old_blob, change.new_blob))
    return with_chosen(old, new, change, picked)


def _in_part(reader: LayeredObjects, change: Change, content: bytes) -> OneChange:
    assert change.old_mode is not None, "it is on both sides"
    was = PathState(change.old_mode, change.old_blob)
    now = PathState(change.old_mode, reader.add(BLOB, content))
    return OneChange(change.path, was, change.path, now)


def _nothing_at(path: TrackedPath, one: Picked) -> NotFoundError:
    return NotFoundError(
        f"{one.branch} changes nothing at {escape(path)}",
        hint=f"stepwell diff BASE {one.branch} --stat lists what it changes",
        path=escape(path),
    )


def _no_hunk(missing: str) -> NotFoundError:
    return NotFoundError(
        f"no hunk of the candidates has the id {missing}",
        hint="the ids are those of stepwell diff BASE NAME/LABEL --json",
        hunk=missing,
    )
