"""The plan of a merge: whole, or of picked paths and hunks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from stepwell.store.engine.branching import named_branch
from stepwell.store.engine.context import Context
from stepwell.store.engine.merge.ancestry import lineage
from stepwell.store.engine.merge.conflicts import Side
from stepwell.store.engine.merge.snapshots import Merged, merge_snapshots
from stepwell.store.engine.merge.trees import Tips
from stepwell.store.engine.merge.workbench import workbench
from stepwell.store.engine.partial import (
    Draft,
    Pairs,
    Part,
    Scene,
    closed_over,
    narrowed,
    with_conflicts,
)
from stepwell.store.model.errors import NotFoundError, RefusedError, UsageError
from stepwell.store.model.ids import StepId
from stepwell.store.model.paths import TrackedPath, escape, is_under
from stepwell.store.model.plans import Plan
from stepwell.store.model.steps import Step, View

_AN_ID = re.compile("[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What is asked for of a merge; no paths and no hunks: everything."""

    branch: str
    prefer: Side | None = None
    """Whose side conflicts are settled in favour of; None: they are left to a person."""
    part: Part = field(default_factory=Part)


def merge_tip(view: View, name: str) -> StepId:
    """Returns the id of the tip of the branch to be merged.

    Raises:
        NotFoundError: there is no such branch.
        UsageError: it is the current one.
    """
    branch = named_branch(view, name)
    if name == view.current:
        raise UsageError(
            f"branch {name} cannot be merged into itself",
            hint="switch to the branch that is to take it in first",
            branch=name,
        )
    return branch.head


def plan_merge(scene: Scene, context: Context, request: MergeRequest, draft: Draft) -> Plan:
    """Returns the plan that merges `scene.step` into the disk; empty when it is merged already.

    Raises:
        RefusedError: the two have no step in common.
        NotFoundError: of picked paths or hunks, one is not in the merge.
        UsageError: a hunk of something that is no text on both sides.
        FailedError: git is not there, too old, or failed.
    """
    above = lineage(scene.journal, scene.head, scene.step)
    bases = above[scene.step.id] or above[scene.head.id]
    merged = Merged({}, (), ())
    if scene.step.id != scene.head.id and above[scene.step.id]:
        merged = _merged(scene, context, request, above[scene.step.id][0], above)
    elif not bases and scene.step.id != scene.head.id:
        raise RefusedError(
            f"branch {request.branch} cannot be merged: it has no step in common with this one",
            hint="take files over instead: stepwell rollback STEP --path P",
            branch=request.branch,
        )
    plan = _picked(scene, request.part, merged, draft)
    return replace(plan, merged=request.branch)


def _merged(
    scene: Scene,
    context: Context,
    request: MergeRequest,
    base: Step,
    above: dict[StepId, list[Step]],
) -> Merged:
    tips = Tips(
        ours_name=_label(scene.journal.view().current),
        ours=scene.head,
        ours_tree=scene.disk.tree,
        theirs_name=_label(request.branch),
        theirs=scene.step,
        bases=above,
    )
    bench = workbench(context.store, context.randomness)
    return merge_snapshots(scene.reader, base.snapshot, scene.disk, tips, bench, request.prefer)


def _label(name: str) -> str:
    """Returns a name as conflict markers show it, and as git finds the branch by it."""
    return f"heads/{name}" if _AN_ID.fullmatch(name) else name


def _picked(scene: Scene, part: Part, merged: Merged, draft: Draft) -> Plan:
    pairs: Pairs = merged.pairs
    conflicts = merged.conflicts
    for path in part.paths:
        if not any(is_under(one, path) for one in pairs):
            raise _not_in_merge(path, scene.step)
    if part.hunks:
        left = {one.path for one in conflicts}
        pairs = {path: pair for path, pair in pairs.items() if path not in left}
        conflicts = ()
    elif part.paths:
        pairs = closed_over(pairs, part.paths)
        conflicts = tuple(one for one in conflicts if one.path in pairs)
    plan = narrowed(scene, part, pairs, part.paths, merged.contents, draft)
    return with_conflicts(plan, conflicts)


def _not_in_merge(path: TrackedPath, step: Step) -> NotFoundError:
    return NotFoundError(
        f"merging step #{step.seq} changes nothing at {escape(path)}",
        hint="the preview of the whole merge lists what it changes",
        path=escape(path),
    )
