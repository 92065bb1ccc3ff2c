"""Partial rollbacks: some paths, some hunks, or one step's own change, out of a whole plan."""

from __future__ import annotations

import stat
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stepwell.store.engine.diff import changes_of_pairs
from stepwell.store.engine.files import state_at
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.lines import changed_lines, with_hunks
from stepwell.store.engine.objects import BLOB, LayeredObjects
from stepwell.store.engine.pathmerge import PathMerge
from stepwell.store.engine.renames import Names, followed, line_between
from stepwell.store.engine.snapshots import Difference, Entry, by_path, differing, lookup
from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.hunknames import Lines, read_hunk_names, without_whole
from stepwell.store.model.ids import object_id
from stepwell.store.model.paths import TrackedPath, escape, is_under, parent
from stepwell.store.model.plans import Conflict, Kept, PathState, Plan
from stepwell.store.model.steps import Snapshot, Step

Pairs = Mapping[TrackedPath, Difference]
"""(on disk, wanted) by path."""

Draft = Callable[[Pairs, Collection[TrackedPath]], Plan]
"""Makes a plan of what is to change; the paths were asked for, each by its own name."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked for of a rollback; nothing at all: every file, but not the branch."""

    paths: tuple[TrackedPath, ...] = ()
    """Each with everything below it. With `hunks` too, files that are taken whole."""
    hunks: tuple[str, ...] = ()
    """Names of hunks, with the ids that the changes of the plan without hunks have."""
    only: bool = False
    """The step's own change is taken back, and the later ones stay."""


def part_of(
    paths: Sequence[bytes],
    hunks: Sequence[str],
    *,
    only: bool,
    files_only: bool,
    side: Literal["before", "after"],
) -> Part | None:
    """Returns the part that is asked for; None: the whole.

    Raises:
        UsageError: what is asked for goes against itself.
    """
    if only and side == "before":
        raise UsageError(
            "--only and --before cannot go together: taking back a step's own change has no side",
            hint="leave one of them out",
        )
    if not (paths or hunks or only or files_only):
        return None
    return Part(tuple(map(TrackedPath, paths)), tuple(hunks), only)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a partial plan is made from."""

    journal: Journal
    reader: LayeredObjects
    root: bytes
    head: Step
    disk: Snapshot
    step: Step
    onto: Step
    """The step whose content is wanted; for `only`, the content before `step`."""

    def state(self, path: TrackedPath) -> PathState | None:
        """Returns what is on disk at a path, captured or not."""
        entry = lookup(self.reader, self.disk, path)
        if entry is not None:
            return PathState(entry.mode, entry.oid)
        return state_at(self.root, path, self.reader)


def plan_part(scene: Scene, part: Part, draft: Draft) -> Plan:
    """Returns the plan of a part; its own content is added to the scene's reader.

    Raises:
        NotFoundError: a path is neither on disk nor in the step, or no hunk has such an id.
        UsageError: a hunk of something that is no text on both sides.
    """
    conflicts: tuple[Conflict, ...] = ()
    contents: tuple[bytes, ...] = ()
    if part.only:
        back, named = _taken_back(scene, part)
        pairs: Pairs = back.pairs
        conflicts, contents = tuple(back.conflicts), tuple(back.contents.values())
    else:
        pairs = by_path(differing(scene.reader, scene.disk, scene.onto.snapshot))
        named = _named(scene, pairs, part.paths)
        if part.paths and not part.hunks:
            pairs = closed_over(pairs, named)
    planned = narrowed(scene, part, pairs, named, contents, draft)
    return planned if part.hunks else with_conflicts(planned, conflicts)


def plan_settled(
    scene: Scene,
    part: Part,
    wanted: Mapping[TrackedPath, PathState | None],
    contents: tuple[bytes, ...],
    draft: Draft,
) -> Plan:
    """Returns the plan that gives paths exactly these states, each for itself.

    `contents` are what they want and no step holds.
    """
    for content in contents:
        scene.reader.add(BLOB, content)
    pairs = {
        path: (lookup(scene.reader, scene.disk, path), _as_entry(path, state))
        for path, state in wanted.items()
    }
    changed = {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}
    return narrowed(scene, part, changed, part.paths, contents, draft)


def _as_entry(path: TrackedPath, state: PathState | None) -> Entry | None:
    return None if state is None else Entry(path, state.mode, state.blob)


def with_conflicts(plan: Plan, conflicts: Iterable[Conflict]) -> Plan:
    """Returns the plan with conflicts, in path order."""
    return replace(plan, conflicts=tuple(sorted(conflicts, key=lambda one: one.path)))


def closed_over(pairs: Pairs, paths: Collection[TrackedPath]) -> Pairs:
    """Returns what lies at or below some paths, and the folders that come or go with it."""
    return _closed(pairs, {path for path in pairs if _is_under_any(path, paths)})


def narrowed(
    scene: Scene,
    part: Part,
    pairs: Pairs,
    named: Collection[TrackedPath],
    contents: tuple[bytes, ...],
    draft: Draft,
) -> Plan:
    """Returns the partial plan of what is to change, of which `part` may pick hunks.

    `contents` are what the pairs want and no step holds. `named`, with hunks: paths taken whole.

    Raises:
        NotFoundError, UsageError: as `plan_part`, of hunks.
    """
    asked = set(part.paths)
    if part.hunks:
        # Whichever file a hunk is of, it was asked for.
        pairs, fresh, files = _with_hunks(scene, part, pairs, named, draft(pairs, pairs))
        contents = (*contents, *fresh)
        asked |= files
    pairs, blocked = _free_of_files(scene, pairs)
    plan = draft(pairs, asked)
    written = {item.after.blob for item in plan.items if item.after is not None}
    return replace(
        plan,
        snapshot=scene.disk,
        keep=tuple(sorted((*plan.keep, *blocked), key=lambda one: one.path)),
        partial=True,
        only=part.only,
        paths=part.paths,
        hunks=part.hunks,
        contents=tuple(one for one in contents if object_id(BLOB, one) in written),
    )


def _free_of_files(scene: Scene, pairs: Pairs) -> tuple[Pairs, list[Kept]]:
    """Returns the pairs that no file stands in the way of, and the others as kept paths."""
    coming = [path for path, (_, now) in pairs.items() if now is not None]
    folders = {folder for path in coming for folder in _ancestors(path)} - pairs.keys()
    states = ((folder, scene.state(folder)) for folder in folders)
    files = {folder for folder, state in states if state and not stat.S_ISDIR(state.mode)}
    if not files:
        return pairs, []
    above = {path: next((f for f in _ancestors(path) if f in files), None) for path in coming}
    kept = [Kept(p, f"{escape(f)} is in the way and stays") for p, f in above.items() if f]
    gone = {one.path for one in kept}
    return {path: pair for path, pair in pairs.items() if path not in gone}, kept


def _taken_back(scene: Scene, part: Part) -> tuple[PathMerge, Collection[TrackedPath]]:
    """Returns what taking the step back does, and the names that the paths asked for stand for."""
    back = PathMerge(scene.reader, scene.disk, scene.state, lambda: names_since(scene, scene.step))
    unseen, named = set(part.paths), set[TrackedPath]()

    def wanted(names: set[TrackedPath]) -> bool:
        hit = {path for path in part.paths if any(is_under(name, path) for name in names)}
        unseen.difference_update(hit)
        named.update(names if hit else ())
        return bool(hit or part.hunks) or not part.paths

    back.where(scene.step.snapshot, scene.onto.snapshot, wanted)
    if unseen:
        missing = min(unseen)
        raise NotFoundError(
            f"step #{scene.step.seq} changed nothing at {escape(missing)}",
            hint=f"stepwell show '#{scene.step.seq}' lists what it changed",
            path=escape(missing),
        )
    return back, named


def _named(scene: Scene, pairs: Pairs, paths: tuple[TrackedPath, ...]) -> Collection[TrackedPath]:
    """Returns the paths asked for, with the other names of what was renamed in between."""
    if not paths:
        return ()
    named = set(paths)
    for old, new in _renamed(scene, pairs, paths).items():
        if _is_under_any(old, paths) or _is_under_any(new, paths):
            named |= {old, new}
    for path in paths:
        _check_known(scene, path, named)
    return named


def _renamed(scene: Scene, pairs: Pairs, paths: tuple[TrackedPath, ...]) -> Names:
    """Returns name in the target -> name on disk of what has only one of the two there."""
    gone = {path for path, (was, now) in pairs.items() if was is None and now and now.oid}
    come = {path for path, (was, now) in pairs.items() if now is None and was and was.oid}
    concerned = any(_is_under_any(path, paths) for path in gone | come)
    if not (gone and come and concerned):
        return {}
    direct = followed(scene.reader, [scene.onto.snapshot, scene.disk])
    both = {**direct, **names_since(scene, scene.onto)}
    return {old: new for old, new in both.items() if old in gone and new in come}


def names_since(scene: Scene, step: Step) -> Names:
    """Returns name at a step -> name on disk of what was renamed in between."""
    line = line_between(scene.journal, step, scene.head)
    return followed(scene.reader, [*(one.snapshot for one in line), scene.disk])


def _check_known(scene: Scene, path: TrackedPath, named: Collection[TrackedPath]) -> None:
    if not path or any(is_under(name, path) for name in named if name != path):
        return
    if any(lookup(scene.reader, side, path) for side in (scene.disk, scene.onto.snapshot)):
        return
    raise NotFoundError(
        f"{escape(path)} is neither in step #{scene.onto.seq} nor captured on disk",
        hint=f"stepwell diff '#{scene.onto.seq}' --stat lists what differs",
        path=escape(path),
    )


def _is_under_any(path: TrackedPath, folders: Collection[TrackedPath]) -> bool:
    return any(is_under(path, folder) for folder in folders)


def _closed(pairs: Pairs, picked: set[TrackedPath]) -> dict[TrackedPath, Difference]:
    """Returns the picked pairs with the folders that must come, or can go, with them."""
    ordered = sorted(pairs)
    folders = {folder for path in picked for folder in _ancestors(path) if folder in pairs}
    needed = {f for path in picked if pairs[path][1] is not None for f in _ancestors(path)}
    for folder in sorted(folders, key=len, reverse=True):
        was, now = pairs[folder]
        comes = was is None and now is not None and folder in needed
        if comes or (now is None and all(path in picked for path in _below(ordered, folder))):
            picked.add(folder)
    return {path: pairs[path] for path in ordered if path in picked}


def _below(ordered: list[TrackedPath], folder: TrackedPath) -> Iterator[TrackedPath]:
    inside = folder + b"/"
    at = bisect_left(ordered, inside)
    while at < len(ordered) and ordered[at].startswith(inside):
        yield ordered[at]
        at += 1


def _ancestors(path: TrackedPath) -> Iterator[TrackedPath]:
    while path := parent(path):
        yield path


def _with_hunks(
    scene: Scene, part: Part, pairs: Pairs, named: Collection[TrackedPath], whole: Plan
) -> tuple[Pairs, list[bytes], set[TrackedPath]]:
    """Returns the pairs of the chosen hunks and of whole paths, new contents, the hunks' files."""
    items = [(_entry(i.path, i.before), _entry(i.path, i.after)) for i in whole.items]
    choice = read_hunk_names(part.hunks)
    left = set(choice)
    picked: set[TrackedPath] = set()
    changed: dict[TrackedPath, Difference] = {}
    contents: list[bytes] = []
    files: set[TrackedPath] = set()
    for change in changes_of_pairs(scene.reader, items, hunks=True):
        chosen = {hunk.id: lines_meant(hunk, choice) for hunk in change.hunks if hunk.id in left}
        is_whole = len(chosen) == len(change.hunks) and not any(chosen.values())
        if chosen and is_whole and change.status != "M":
            picked.add(change.path)
        elif chosen:
            content = _content(scene, change, chosen)
            pair = _rewritten(scene, pairs, change, content)
            if pair[0] != pair[1]:
                contents.append(content)
                changed[change.path] = pair
        elif named and _is_under_any(change.path, named):
            picked |= _names(change)
        if chosen:
            files |= _names(change)
        left -= chosen.keys()
    if left:
        raise _no_hunk(min(left), whole)
    return {**_closed(pairs, picked | changed.keys()), **changed}, contents, files


def _names(change: Change) -> set[TrackedPath]:
    return {change.path} if change.old_path is None else {change.path, change.old_path}


def lines_meant(hunk: Hunk, choice: Mapping[str, Lines | None]) -> Lines | None:
    """Returns which changed lines of a hunk are chosen; None: all of them.

    Raises:
        NotFoundError: it has not as many.
    """
    return without_whole(choice, hunk.id, changed_lines(hunk))


def _content(scene: Scene, change: Change, chosen: Mapping[str, Lines | None]) -> bytes:
    if change.status != "M" or change.old_blob is None or change.new_blob is None:
        raise UsageError(
            f"{escape(change.path)} cannot go back in part: it is not a text on both sides",
            hint="choose all of it, or name it with --path",
            path=escape(change.path),
        )
    old, new = (scene.reader.read(blob)[1] for blob in (change.old_blob, change.new_blob))
    return with_chosen(old, new, change, chosen)


def with_chosen(
    old: bytes, new: bytes, change: Change, chosen: Mapping[str, Lines | None]
) -> bytes:
    """Returns `old` with the chosen hunks, and lines of hunks, of the change that leads to `new`."""
    only = {hunk: lines for hunk, lines in chosen.items() if lines is not None}
    return with_hunks(old, new, (hunk for hunk in change.hunks if hunk.id in chosen), only)


def _rewritten(scene: Scene, pairs: Pairs, change: Change, content: bytes) -> Difference:
    assert change.old_mode is not None
    entry = Entry(change.path, change.old_mode, scene.reader.add(BLOB, content))
    return pairs[change.path][0], entry


def _entry(path: TrackedPath, state: PathState | None) -> Entry | None:
    return None if state is None else Entry(path, state.mode, state.blob)


def _no_hunk(missing: str, plan: Plan) -> NotFoundError:
    return NotFoundError(
        f"no hunk of this rollback has the id {missing}",
        hint="the files changed since it was shown, or it is of another step: look again with "
        "--dry-run --json",
        hunk=missing,
        target=plan.target.id,
    )
