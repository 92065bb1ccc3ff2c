"""Finishing, or taking back, a plan whose execution was interrupted.

Nothing is remembered about how far it came: what is on disk says it. Each place holds the state
after (done), the state before (to be done), a state that only the execution itself leaves for a
moment (to be done), or something else, which somebody wrote since: that is kept and listed. So a
second interruption is recovered in the same way.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from stepwell.store.engine.objects import FileMovedError, ObjectReader
from stepwell.store.engine.rollback.apply import (
    Contents,
    Numbered,
    Progress,
    execute,
    needed_blobs,
    numbered,
    open_places,
    stranded,
)
from stepwell.store.engine.rollback.looking import same
from stepwell.store.engine.rollback.places import Places, words
from stepwell.store.engine.rollback.staging import unjudged
from stepwell.store.engine.rollback.swaps import StrandedError
from stepwell.store.engine.snapshots import lookup
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.paths import ROOT, TrackedPath, escape, parent
from stepwell.store.model.plans import Kept, PathState, Plan, PlanItem

FOREIGN = "neither as before nor as after the rollback: somebody changed it since"

_DAMAGED = "its stored content is damaged"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What recovery led to."""

    finished: bool
    """True: the plan is carried out. False: everything was put back as it was before."""
    kept: tuple[Kept, ...]
    changed: int
    """Number of paths that recovery itself had to write or delete."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """How far an interrupted plan came."""

    done: tuple[TrackedPath, ...]
    pending: tuple[TrackedPath, ...]
    foreign: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class _Sorted:
    done: list[Numbered]
    pending: list[Numbered]
    """With `before` as found on disk."""
    kept: list[Kept]


def inspect_plan(root: bytes, plan: Plan) -> Inspection:
    """Reports how far an interrupted plan came; changes nothing.

    Raises:
        FailedError: the workspace cannot be opened.
    """
    places = open_places(root, plan.id)
    try:
        found = _sort(places, numbered(plan))
    finally:
        places.close()
    done, pending = (tuple(n.item.path for n in part) for part in (found.done, found.pending))
    return Inspection(done, pending, tuple(found.kept))


def recover_plan(
    root: bytes,
    plan: Plan,
    reader: ObjectReader,
    *,
    store: Path | None = None,
    progress: Progress | None = None,
) -> Recovered:
    """Finishes an interrupted plan; puts everything back when a target object is damaged.

    When objects of both sides are damaged it finishes what can be read and lists the rest. `store`
    as in `apply_plan`; nothing is made there.

    Raises:
        NoSpaceError, FailedError: nothing was changed; recovery can be tried again.
    """
    items = numbered(plan)
    contents = Contents(reader)
    left = [*_clear_apart(root, plan, store), *_clear(root, plan, reader)]
    found = _look(root, plan, items, left)
    bad = _damaged(contents, found.pending)
    if not bad:
        return _carry_out(root, plan, contents, found, True, progress)
    back = _look(root, plan, [_inverse(n) for n in items], left)
    if not _damaged(contents, back.pending):
        return _carry_out(root, plan, contents, back, False, progress)
    rest = [n for n in found.pending if n.item.path not in bad]
    kept = [*found.kept, *(Kept(path, _DAMAGED) for path in sorted(bad))]
    return _carry_out(root, plan, contents, _Sorted(found.done, rest, kept), True, progress)


def _carry_out(
    root: bytes,
    plan: Plan,
    contents: Contents,
    found: _Sorted,
    finished: bool,
    progress: Progress | None,
) -> Recovered:
    outcome = execute(root, plan.id, found.pending, contents, progress).settle()
    kept = {k.path: k for k in (*found.kept, *outcome.kept)}
    ordered = tuple(kept[path] for path in sorted(kept))
    return Recovered(finished, ordered, outcome.written + outcome.deleted)


def _inverse(one: Numbered) -> Numbered:
    item = one.item
    return Numbered(one.number, PlanItem(item.path, item.after, item.before))


def _damaged(contents: Contents, pending: Iterable[Numbered]) -> set[TrackedPath]:
    bad = set()
    for _, item in pending:
        try:
            for blob in needed_blobs([item]):
                contents.of(blob)
        except IntegrityError:
            bad.add(item.path)
    return bad


def _look(root: bytes, plan: Plan, items: list[Numbered], left: list[Kept]) -> _Sorted:
    """Sorts the items; those in `left` are kept for the reason there."""
    places = open_places(root, plan.id)
    try:
        settled = {kept.path for kept in left}
        found = _sort(places, [one for one in items if one.item.path not in settled])
        found.kept.extend(left)
        return found
    finally:
        places.close()


def _sort(places: Places, items: list[Numbered]) -> _Sorted:
    found = _Sorted([], [], [])
    for one in items:
        try:
            _place(found, one, places.state(one.item.path))
        except FileMovedError:
            found.kept.append(Kept(one.item.path, "it is being changed right now"))
        except OSError as error:
            found.kept.append(Kept(one.item.path, f"could not be read: {words(error)}"))
        finally:
            places.release()
    return found


def _place(found: _Sorted, one: Numbered, state: PathState | None) -> None:
    item = one.item
    if same(state, item.after):
        found.done.append(one)
    elif state == item.before or _passing(state, item):
        found.pending.append(Numbered(one.number, replace(item, before=state)))
    else:
        found.kept.append(Kept(item.path, FOREIGN))


def _passing(state: PathState | None, item: PlanItem) -> bool:
    """Tells whether the execution itself leaves this for a moment; nothing in it can be lost."""
    if state is None:
        return item.before is not None and item.after is not None
    if not stat.S_ISDIR(state.mode):
        return False
    modes = {s.mode for s in (item.before, item.after) if s and stat.S_ISDIR(s.mode)}
    passing = {mode | stat.S_IRWXU for mode in modes} | {stat.S_IFDIR | stat.S_IRWXU}
    return bool(modes) and state.mode & ~stat.S_ISGID in {m & ~stat.S_ISGID for m in passing}


def _clear(root: bytes, plan: Plan, reader: ObjectReader) -> list[Kept]:
    """Ends what lies under private names and narrows folders that the interrupted run had widened.

    Returns the paths where content that is in no step had to stay under such a name.
    """
    left = []
    places = open_places(root, plan.id)
    try:
        for number, item in numbered(plan):
            try:
                places.clear(item.path, number, (item.before, item.after))
            except StrandedError as error:
                left.append(Kept(item.path, stranded(places, number, item.path, error)))
            except OSError:
                # Then its folder is gone too, or not writable, which the item itself will report.
                continue
            finally:
                places.release()
        _narrow(places, plan, reader)
    finally:
        places.settle()
        places.close()
    return left


def _clear_apart(root: bytes, plan: Plan, store: Path | None) -> list[Kept]:
    """Ends what lies in the store for the plan's places; returns as `_clear`."""
    left: list[Kept] = []
    if store is None:
        return left
    places = open_places(root, plan.id)
    try:
        with unjudged(store, plan.id) as (found, unread):
            left += [Kept(ROOT, _unread(where, error)) for where, error in unread]
            for index, folder, where in found:
                if index < len(plan.items):
                    left += _clear_one(places, plan.items[index], index, folder, where)
    finally:
        places.settle()
        places.close()
    return left


def _unread(where: bytes, error: OSError) -> str:
    return (
        f"what may have been saved in the moment of a change is in {escape(where)}: {words(error)}"
    )


def _clear_one(
    places: Places, item: PlanItem, index: int, folder: int, where: bytes
) -> Iterator[Kept]:
    try:
        places.clear_apart(item.path, index, folder, (item.before, item.after))
    except StrandedError as error:
        yield Kept(item.path, stranded(places, index, item.path, error))
    except OSError as error:
        saved = f"somebody saved it meanwhile, and that could not be put back: {words(error)}"
        yield Kept(item.path, f"{saved}; it is in {escape(where)}")
    finally:
        places.release()


def _narrow(places: Places, plan: Plan, reader: ObjectReader) -> None:
    """Folders that are no items have the target's mode, before and after."""
    items = {item.path for item in plan.items}
    folders = {path for item in plan.items for path in _above(item.path)} - items
    for path in sorted(folders, reverse=True):
        try:
            _narrow_one(places, plan, reader, path)
        except (OSError, IntegrityError):
            continue


def _narrow_one(places: Places, plan: Plan, reader: ObjectReader, path: TrackedPath) -> None:
    status = places.look(path)
    entry = lookup(reader, plan.snapshot, path)
    if status is None or entry is None or status.st_mode == entry.mode:
        return
    if status.st_mode == entry.mode | stat.S_IRWXU:
        places.set_folder_mode(path, entry.mode)


def _above(path: TrackedPath) -> list[TrackedPath]:
    found = []
    while path := parent(path):
        found.append(path)
    return found
