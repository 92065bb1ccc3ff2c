"""The plan of a rollback: what to write, what to delete, what to leave alone and why.

Deleting is the dangerous part. A path is deleted only when the disk's own snapshot holds it, and
the target step really knew that it was absent: not ignored, capped or unreadable then.
"""

from __future__ import annotations

import stat
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.ourhooks import holds_hooks, is_hook_place
from stepwell.store.engine.rollback.looking import SET_ID_BITS
from stepwell.store.engine.snapshots import Difference, Entry, by_path, differing, lookup
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, escape, parent
from stepwell.store.model.plans import (
    HOOKS_STAY,
    Kept,
    OtherSession,
    PathState,
    Plan,
    PlanItem,
    PlanKind,
)
from stepwell.store.model.steps import Covered, Reason, Snapshot, Step

REPOSITORY_NAMES = frozenset({b".git", b".hg", b".jj", b".svn"})

_NOW: Mapping[Reason, str] = {
    "ignored": "ignored now, and its content was not saved",
    "capped": "larger than the limit now: what is on disk is not stored",
    "unreadable": "cannot be read now",
    "special": "a special file is in the way",
    "repository": "another repository's own data is in the way",
    "too_long": "its path is too long",
}
_THEN: Mapping[Reason, str] = {
    "ignored": "ignored at the target step",
    "capped": "not stored at the target step: larger than the limit",
    "unreadable": "not stored at the target step: it could not be read",
    "special": "not stored at the target step: a special file",
    "unstable": "not surely stored at the target step: it was changing",
    "repository": "another repository's own data",
    "too_long": "not stored at the target step: its path is too long",
    "purged": "cannot be restored: its content was purged from the history",
}
_SET_ID = "set-user-id and set-group-id bits of files are never put back"

_POLICY = frozenset({_NOW["capped"], _THEN["ignored"], _THEN["capped"], _SET_ID, HOOKS_STAY})

_SURE: frozenset[Reason] = frozenset({"ignored", "unstable"})
"""Reasons that say nothing against what a tree does hold at or below such a path."""


class Rules(Protocol):
    """The ignore rules of some step."""

    def matches(self, path: bytes, is_folder: bool) -> bool:
        """Tells whether the rules ignore the path."""


def by_policy(kept: Kept) -> bool:
    """Tells whether a path was left alone by the user's own rules or for its hooks: no failure."""
    return kept.reason in _POLICY


def make_plan(
    reader: ObjectReader,
    *,
    kind: PlanKind,
    target: Step,
    side: Literal["before", "after"],
    snapshot: Snapshot,
    head: Step,
    disk: Snapshot,
    disk_covered: Iterable[Covered],
    target_covered: Iterable[Covered],
    rules_then: Rules,
    other_sessions: Iterable[OtherSession],
    uncaptured: Mapping[TrackedPath, PathState],
    plan_id: str,
    operation: int | None = None,
    own: Mapping[TrackedPath, PathState] | None = None,
    pairs: Mapping[TrackedPath, Difference] | None = None,
    whole: bool = True,
    asked: Collection[TrackedPath] = (),
) -> Plan:
    """Returns what would turn the disk, whose content is `disk`, into `snapshot`.

    `reader` holds the objects of `disk`, `snapshot` and the head. `disk` and `disk_covered` are the
    capture of just now, `target_covered` and `rules_then` belong to the capture of `snapshot`;
    `uncaptured` is what lies on disk where `snapshot` (or `own`) has something and `disk` has not.
    `own` is what an operation to be taken back wrote: where that still lies there exactly, no
    ignore rule protects it, because the store has it. `plan_id` is fresh, 8 hex digits or more.
    `pairs`, when given, is all that is to change: (on disk, wanted) by path, instead of whatever
    differs between `disk` and `snapshot`; `uncaptured` then speaks of what is wanted. `whole`: all
    of the target is wanted, so that what was purged of it is named. A file that would be left
    without our hooks stays, but if it is one of `asked`, or what is taken back brought them.

    Raises:
        IntegrityError: an object that the comparison or a write needs is missing or damaged.
    """
    own = own or {}
    planner = _Planner(_reasons(disk_covered), _reasons(target_covered), rules_then, own)
    pairs = by_path(differing(reader, disk, snapshot)) if pairs is None else pairs
    if whole:
        planner.name_purged()
    planner.add_all(pairs, uncaptured)
    planner.keep_hooks(reader, asked)
    planner.settle(reader, disk)
    items = tuple(planner.items[path] for path in sorted(planner.items))
    return Plan(
        id=plan_id,
        kind=kind,
        target=target,
        side=side,
        snapshot=snapshot,
        head=head,
        items=items,
        keep=tuple(Kept(path, reason) for path, reason in sorted(planner.named())),
        drift=tuple(_drift(reader, head, disk, _not_own(items, own), uncaptured)),
        other_sessions=tuple(other_sessions),
        bytes=_bytes(reader, items),
        operation=operation,
        disk=disk,
    )


def _reasons(covered: Iterable[Covered]) -> dict[TrackedPath, Reason]:
    return {c.path: c.reason for c in covered}


def _doubted(reasons: Mapping[TrackedPath, Reason]) -> dict[TrackedPath, Reason]:
    return {path: reason for path, reason in reasons.items() if reason not in _SURE}


@dataclass(slots=True)
class _Planner:
    """Sorts differing paths into items and kept ones."""

    now: Mapping[TrackedPath, Reason]
    then: Mapping[TrackedPath, Reason]
    rules: Rules
    own: Mapping[TrackedPath, PathState]
    items: dict[TrackedPath, PlanItem] = field(default_factory=dict)
    keep: dict[TrackedPath, str] = field(default_factory=dict)
    _stripped: set[TrackedPath] = field(default_factory=set)
    """Items that come back without bits that they had."""
    _before: dict[TrackedPath, PathState | None] = field(default_factory=dict)
    _ignored: dict[TrackedPath, bool] = field(default_factory=dict)
    _doubted_now: Mapping[TrackedPath, Reason] = field(init=False)
    """What of `now` speaks against what a tree holds there: of most workspaces nothing."""
    _doubted_then: Mapping[TrackedPath, Reason] = field(init=False)

    def __post_init__(self) -> None:
        self._doubted_now, self._doubted_then = _doubted(self.now), _doubted(self.then)

    def add_all(
        self,
        pairs: Mapping[TrackedPath, Difference],
        uncaptured: Mapping[TrackedPath, PathState],
    ) -> None:
        """Takes in what differs, and what lies uncaptured where the own writes were."""
        for path, (was, now) in pairs.items():
            self.add(path, was, now, uncaptured)
        for path in self.own.keys() & uncaptured.keys() - pairs.keys():
            self.add(path, None, None, uncaptured)

    def add(
        self,
        path: TrackedPath,
        was: Entry | None,
        now: Entry | None,
        uncaptured: Mapping[TrackedPath, PathState],
    ) -> None:
        """Takes in one differing path."""
        before = _state(was) or uncaptured.get(path)
        after = _state(now)
        wanted = _without_set_id(after)
        if before == after or (was is None and _is_folder(before) and _is_folder(after)):
            return  # the mode of a folder that is not captured now is not ours
        self._before[path] = before
        reason = _SET_ID if before == wanted else self._objection(path, before, wanted)
        foreign = before != self.own.get(path)
        if foreign and was is None and _is_folder(before) and not _is_folder(wanted):
            reason = "a folder that was not captured is in the way"
        if reason is None:
            self.items[path] = PlanItem(path, before, wanted)
            if wanted != after:
                self._stripped.add(path)
        else:
            self.keep[path] = reason

    def _objection(
        self, path: TrackedPath, before: PathState | None, after: PathState | None
    ) -> str | None:
        if not REPOSITORY_NAMES.isdisjoint(path.split(b"/")):
            return _THEN["repository"]
        if before is not None and before == self.own.get(path):
            return None
        covered = next(_along(self._doubted_now, path), None)
        if covered is not None:
            return _NOW[covered]
        if after is None:
            return self._against_deletion(path, before)
        return self._against_writing(path, before)

    def _against_deletion(self, path: TrackedPath, before: PathState | None) -> str | None:
        covered = next(_along(self.then, path), None)
        if covered is not None:
            return _THEN[covered]
        is_folder = before is not None and stat.S_ISDIR(before.mode)
        if self.rules.matches(path, is_folder) or self._in_ignored(parent(path)):
            return _THEN["ignored"]
        return None

    def _in_ignored(self, folder: TrackedPath) -> bool:
        if not folder:
            return False
        if folder not in self._ignored:
            found = self.rules.matches(folder, True) or self._in_ignored(parent(folder))
            self._ignored[folder] = found
        return self._ignored[folder]

    def _against_writing(self, path: TrackedPath, before: PathState | None) -> str | None:
        covered = next(_along(self._doubted_then, path), None)
        if covered is not None:
            return _THEN[covered]
        if before is None:
            return _NOW["ignored"] if self.now.get(path) == "ignored" else None
        kind = _kind(before)
        if kind not in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR):
            return _NOW["special"]
        if before.blob is None and kind != stat.S_IFDIR:
            return "what is on disk could not be saved"
        return None

    def name_purged(self) -> None:
        """Names what was purged of the target, whether or not something lies at its path now."""
        for path, reason in self.then.items():
            if reason == "purged":
                self.keep[path] = _THEN[reason]
                self._before[path] = None

    def named(self) -> Iterator[tuple[TrackedPath, str]]:
        """Yields what is kept with its reason, and what comes back without some of its bits."""
        yield from self.keep.items()
        yield from ((path, _SET_ID) for path in self._stripped & self.items.keys())

    def keep_hooks(self, reader: ObjectReader, asked: Collection[TrackedPath]) -> None:
        """Keeps the files that would be left without hooks of ours, but for those `asked` for."""
        for path in list(filter(is_hook_place, self.items)):
            item = self.items[path]
            loses = _has_hooks(reader, item.before) and not _has_hooks(reader, item.after)
            if loses and path not in asked and not self._came_with_hooks(reader, path):
                self._keep(path, HOOKS_STAY)

    def _came_with_hooks(self, reader: ObjectReader, path: TrackedPath) -> bool:
        own = self.own.get(path)
        is_known = own is not None and own.blob is not None and reader.has(own.blob)
        return is_known and _has_hooks(reader, own)

    def _take_folders_along(self, reader: ObjectReader, disk: Snapshot) -> None:
        """A folder that goes takes those in it along that only hold what goes.

        Merges speak of a folder in it only if it was empty on some side.
        """
        items = self.items.values()
        going = {i.path for i in items if _is_folder(i.before) and not _is_folder(i.after)}
        holding = {folder for path in self.items for folder in _ancestors(path)} if going else set()
        for folder in holding - self.items.keys() - self.keep.keys():
            entry = lookup(reader, disk, folder)
            if entry and _is_folder(_state(entry)) and not going.isdisjoint(_ancestors(folder)):
                self._before[folder] = _state(entry)
                self.items[folder] = PlanItem(folder, _state(entry), None)

    def settle(self, reader: ObjectReader, disk: Snapshot) -> None:
        """Adds what goes with something else; keeps what cannot, because of something that stays."""
        self._take_folders_along(reader, disk)
        self._keep_full_folders()
        for path in sorted(self.items) if self.keep else ():
            blocker = next((p for p in _ancestors(path) if self._blocks(p)), None)
            if blocker is not None:
                self._keep(path, f"{escape(blocker)} is in the way and stays")
        self._drop_full_folders()

    def _blocks(self, path: TrackedPath) -> bool:
        return path in self.keep and not _is_folder(self._before[path])

    def _keep(self, path: TrackedPath, reason: str) -> None:
        del self.items[path]
        self.keep[path] = reason

    def _keep_full_folders(self) -> None:
        """A folder gives way to a file only when everything in it is stored and goes."""
        staying = self._staying()
        replaced = [i.path for i in self.items.values() if _gives_way(i)]
        for path in replaced:
            left = _first_under(staying, path)
            if left is None:
                continue
            self._keep(path, f"the folder there holds {escape(left)}, which stays")
            for below in [p for p in self.items if p.startswith(path + b"/")]:
                self._keep(below, f"stays with the folder {escape(path)}")

    def _drop_full_folders(self) -> None:
        """A folder that the target lacks stays as long as something stays in it."""
        staying = self._staying()
        gone = [i for i in self.items.values() if i.after is None and _is_folder(i.before)]
        for item in gone:
            if _first_under(staying, item.path) is not None:
                del self.items[item.path]

    def _staying(self) -> list[TrackedPath]:
        held = (p for p in self.keep if self._before[p] is not None)
        return sorted({*held, *(p for p, reason in self.now.items() if reason != "unstable")})


def _state(entry: Entry | None) -> PathState | None:
    return None if entry is None else PathState(entry.mode, entry.oid)


def _without_set_id(state: PathState | None) -> PathState | None:
    if state is None or not stat.S_ISREG(state.mode) or not state.mode & SET_ID_BITS:
        return state
    return PathState(state.mode & ~SET_ID_BITS, state.blob)


def _kind(state: PathState) -> int:
    return stat.S_IFMT(state.mode)


def _has_hooks(reader: ObjectReader, state: PathState | None) -> bool:
    if state is None or state.blob is None or not stat.S_ISREG(state.mode):
        return False
    return holds_hooks(reader.read(state.blob)[1])


def _is_folder(state: PathState | None) -> bool:
    return state is not None and stat.S_ISDIR(state.mode)


def _gives_way(item: PlanItem) -> bool:
    return _is_folder(item.before) and item.after is not None and not _is_folder(item.after)


def _ancestors(path: TrackedPath) -> Iterator[TrackedPath]:
    while path := parent(path):
        yield path


def _along(reasons: Mapping[TrackedPath, Reason], path: TrackedPath) -> Iterator[Reason]:
    """Yields the coverage reasons of the path and of the folders that hold it."""
    end = len(path) if reasons else 0
    while end > 0:
        reason = reasons.get(TrackedPath(path[:end]))
        if reason is not None:
            yield reason
        end = path.rfind(b"/", 0, end)


def _first_under(ordered: list[TrackedPath], folder: TrackedPath) -> TrackedPath | None:
    inside = folder + b"/"
    at = bisect_left(ordered, inside)
    return ordered[at] if at < len(ordered) and ordered[at].startswith(inside) else None


def _not_own(items: Iterable[PlanItem], own: Mapping[TrackedPath, PathState]) -> Iterator[PlanItem]:
    return (i for i in items if i.before is None or own.get(i.path) != i.before)


def _drift(
    reader: ObjectReader,
    head: Step,
    disk: Snapshot,
    items: Iterable[PlanItem],
    uncaptured: Mapping[TrackedPath, PathState],
) -> Iterator[Kept]:
    """Yields the paths whose content on disk is not the head's, and so may be in no step."""
    moved = {p: _state(a) for p, (a, _) in by_path(differing(reader, head.snapshot, disk)).items()}
    for item in items:
        if item.before is None:
            continue
        known = moved.get(item.path, item.before)
        outside = item.path in uncaptured
        if outside:
            known = _state(lookup(reader, head.snapshot, item.path))
        if known != item.before and not (known is None and _is_folder(item.before)):
            yield Kept(item.path, _drift_reason(known, item.before, head, outside))


def _drift_reason(known: PathState | None, found: PathState, head: Step, outside: bool) -> str:
    if known is None:
        return "ignored now, in no step" if outside else "new on disk, in no step"
    what = "mode changed" if known.blob == found.blob else "changed"
    return f"{what} on disk since step #{head.seq}"


def writes_content(item: PlanItem) -> bool:
    """Tells whether the item needs its target object, not just a mode or a removal."""
    if item.after is None or item.after.blob is None:
        return False
    if item.before is None or _kind(item.before) != _kind(item.after):
        return True
    return item.before.blob != item.after.blob


def _bytes(reader: ObjectReader, items: Collection[PlanItem]) -> int:
    sizes: dict[Oid, int] = {}
    blobs = [i.after.blob for i in items if i.after and i.after.blob and writes_content(i)]
    for blob in set(blobs):
        sizes[blob] = len(reader.read(blob)[1])
    return sum(sizes[blob] for blob in blobs)
