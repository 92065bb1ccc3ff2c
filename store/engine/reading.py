"""Reading a workspace: status, differences, files at a step, plans as changes, counts."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from stepwell.store.engine.context import Context, Progress
from stepwell.store.engine.coverage import left_out
from stepwell.store.engine.diff import (
    changes,
    changes_of_pairs,
    changes_without_lines,
)
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.journal.verify import verify_journal
from stepwell.store.engine.merge.ending import merging_plan, with_markers
from stepwell.store.engine.objects import LayeredObjects, ObjectReader
from stepwell.store.engine.parents import first_parent
from stepwell.store.engine.patch import as_patch
from stepwell.store.engine.recording import require_head
from stepwell.store.engine.repairing.nearest import nearest_of
from stepwell.store.engine.rollback import decode_plan, inspect_plan
from stepwell.store.engine.snapshots import Entry, lookup
from stepwell.store.engine.travel import covered_of, current_head
from stepwell.store.engine.view import with_mark
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import IntegrityError, NotFoundError, StepwellError
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.plans import PathState, Plan
from stepwell.store.model.reports import Damage, MergeStatus, Sample, Stats, Status, VerifyReport
from stepwell.store.model.seqs import count
from stepwell.store.model.steps import Covered, Snapshot, Step, StepRecorded, View


def parent_of(step: Step, journal: Journal) -> Step:
    """Returns the first parent.

    Raises:
        NotFoundError: the step is the first one.
    """
    parent = first_parent(journal, step)
    if parent is None:
        raise NotFoundError(
            f"there is nothing before step #{step.seq}: it is the first",
            hint="leave out --before or --only: the first step can only be gone back to",
        )
    return parent


def status(journal: Journal, context: Context, workspace: str) -> Status:
    """Returns where the workspace stands; reads the disk, writes nothing."""
    head = require_head(current_head(journal), context.root)
    reader = LayeredObjects(journal)
    disk = context.sight.take(reader, head.snapshot)
    view = journal.view()
    return Status(
        workspace=workspace,
        root=context.root,
        store=context.store,
        branch=view.current,
        head=with_mark(head, view),
        dirty=changes(reader, head.snapshot, disk.snapshot, hunks=False),
        pending=view.intent,
        pending_paths=_pending_paths(journal, context, view),
        sessions=len(view.sessions),
        steps=view.step_count - count(view.dropped),
        store_bytes=folder_bytes(context.store),
        merging=_merge_status(journal, reader, disk.snapshot),
        left_out=left_out(disk.covered),
    )


def _merge_status(journal: Journal, reader: ObjectReader, disk: Snapshot) -> MergeStatus | None:
    merging = journal.view().merging
    if merging is None:
        return None
    plan = merging_plan(journal, merging)
    unsettled = tuple(one.path for one in with_markers(reader, disk, plan))
    found = [lookup(reader, disk, one.path) for one in plan.conflicts]
    on_disk = tuple(entry and PathState(entry.mode, entry.oid) for entry in found)
    return MergeStatus(merging.branch, merging.theirs, plan.conflicts, unsettled, on_disk)


def _pending_paths(journal: Journal, context: Context, view: View) -> tuple[TrackedPath, ...]:
    if view.intent is None:
        return ()
    try:
        plan = decode_plan(journal.read(view.intent.plan)[1], journal.step)
    except IntegrityError:
        return ()
    return inspect_plan(context.root, plan).pending


def look(journal: Journal, context: Context) -> Snapshot:
    """Returns the snapshot of the disk as it is; stores nothing."""
    head = require_head(current_head(journal), context.root)
    return context.sight.take(LayeredObjects(journal), head.snapshot).snapshot


def difference(
    journal: Journal,
    context: Context,
    a: Step,
    b: Step | None,
    *,
    paths: Sequence[bytes],
    hunks: bool,
    lines: int,
    ignore_space: bool = False,
) -> tuple[Change, ...]:
    """Returns what turns `a` into `b`, or into the disk as it is when `b` is None."""
    reader, new = _side(journal, context, a, b)
    return changes(
        reader,
        a.snapshot,
        new,
        hunks=hunks,
        context=lines,
        ignore_space=ignore_space,
        paths=paths,
    )


def patch(
    journal: Journal, context: Context, a: Step, b: Step | None, *, paths: Sequence[bytes]
) -> bytes:
    """Returns the difference as a patch that `git apply` takes."""
    reader, new = _side(journal, context, a, b)
    return as_patch(changes(reader, a.snapshot, new, hunks=True, paths=paths), reader)


def _side(
    journal: Journal, context: Context, a: Step, b: Step | None
) -> tuple[ObjectReader, Snapshot]:
    if b is not None:
        return journal, b.snapshot
    reader = LayeredObjects(journal)
    head = current_head(journal) or a
    return reader, context.sight.take(reader, head.snapshot).snapshot


def own_changes(journal: Journal, step: Step, *, hunks: bool, lines: int) -> tuple[Change, ...]:
    """Returns the step's own change: against its first parent, or against nothing."""
    parent = first_parent(journal, step)
    old = parent.snapshot if parent is not None else None
    return changes(journal, old, step.snapshot, hunks=hunks, context=lines)


def changed_files(journal: Journal, step: Step, since: Step | None) -> tuple[Change, ...]:
    """Returns `own_changes`, or what leads from `since` to the step, without reading any file."""
    old = since.snapshot if since is not None else None
    if since is None and step.parents:
        old = journal.step(step.parents[0]).snapshot
    return changes_without_lines(journal, old, step.snapshot)


def changed_paths(journal: Journal, step: Step) -> Iterator[bytes]:
    """Yields the paths that the step changed, of a rename both names."""
    for change in own_changes(journal, step, hunks=False, lines=0):
        yield change.path
        if change.old_path is not None:
            yield change.old_path


def file_at(journal: Journal, step: Step, path: bytes) -> bytes:
    """Returns the exact bytes of a file, or a link's target, at a step."""
    entry = lookup(journal, step.snapshot, path)
    if entry is None and Covered(TrackedPath(path), "purged") in covered_of(journal, step):
        raise NotFoundError(
            f"{escape(path)} cannot be read in step #{step.seq}: its content was purged",
            hint="a purge removes content for good; copies may be in clones or exported bundles",
            path=escape(path),
        )
    if entry is None or entry.oid is None:
        what = "is a folder" if entry else "is not"
        raise NotFoundError(
            f"{escape(path)} {what} in step #{step.seq}",
            hint=f"see `stepwell diff '#{step.seq}' --stat` for what differs from the disk",
            path=escape(path),
        )
    return journal.read(entry.oid)[1]


def plan_changes(reader: ObjectReader, plan: Plan) -> tuple[Change, ...]:
    """Returns the plan's items as changes from the disk as it is to the disk as it will be."""
    pairs = [(_entry(item.path, item.before), _entry(item.path, item.after)) for item in plan.items]
    return changes_of_pairs(reader, pairs, hunks=True)


def _entry(path: TrackedPath, state: PathState | None) -> Entry | None:
    return None if state is None else Entry(path, state.mode, state.blob)


def verify(
    journal: Journal, *, full: bool, sample: Sample | None, progress: Progress
) -> VerifyReport:
    """Checks the journal; see Workspace.verify."""
    journal.refresh()
    result = verify_journal(journal, full=full, sample=sample, progress=progress)
    damaged = with_steps(journal, result.damaged)
    nearest = nearest_of(journal, (step for one in damaged for step in one.affects))
    return VerifyReport(result.checked, damaged, full, nearest)


def with_steps(journal: Journal, damaged: Sequence[Damage]) -> tuple[Damage, ...]:
    """Returns damage with the steps that the operations recorded which it is part of."""
    return tuple(Damage(d.kind, d.id, _steps_of(journal, d.operations), d.reason) for d in damaged)


def _steps_of(journal: Journal, numbers: Sequence[int]) -> tuple[str, ...]:
    found: list[str] = []
    for number in numbers:
        with suppress(StepwellError):
            effects = journal.operation(number).effects
            found += [e.step.id for e in effects if isinstance(e, StepRecorded)]
    return tuple(found)


def stats(journal: Journal, store: Path) -> Stats:
    """Returns counts and sizes; walks the store's folder."""
    view, sealed = journal.view(), journal.sealed
    segments = journal.segments()
    return Stats(
        steps=view.step_count - count(view.dropped),
        operations=view.number,
        branches=len(view.branches),
        checkpoints=len(view.marks),
        sessions=len(view.sessions),
        segments=len(segments),
        raw_bytes=view.raw_bytes,
        stored_bytes=view.stored_bytes,
        segment_bytes=sum(segment.size() for segment in segments),
        packs=len(journal.manifest.packs),
        sealed_steps=sealed.index.step_count if sealed.last else 0,
        sealed_operations=sealed.index.operation_count if sealed.last else 0,
        sealed_raw_bytes=sealed.index.raw_bytes if sealed.last else 0,
        sealed_bytes=sealed.packs.file_bytes() if sealed.last else 0,
        catalogue_bytes=folder_bytes(store / "catalogue"),
        store_bytes=folder_bytes(store),
    )


def folder_bytes(folder: Path) -> int:
    """Returns the size of the regular files below a folder; what vanishes meanwhile counts 0."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                state = os.lstat(os.path.join(at, name))
            except FileNotFoundError:
                continue
            total += state.st_size if stat.S_ISREG(state.st_mode) else 0
    return total
