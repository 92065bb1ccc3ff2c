"""The facade's verbs for branches: make, name, switch, merge."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from stepwell.store.engine import branching, history, reading
from stepwell.store.engine.access import check_fence
from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.merge.ending import (
    begun_entry,
    conclude_merge,
    merging_plan,
    require_merging,
)
from stepwell.store.engine.merge.plan import MergeRequest, merge_tip
from stepwell.store.engine.partial import Part
from stepwell.store.engine.repairing.nearest import offering_nearest
from stepwell.store.engine.travel import Aim, apply_travel, plan_travel
from stepwell.store.link.carry import asked, carried
from stepwell.store.model.errors import NotFoundError, ObjectDamagedError, ObjectMissingError
from stepwell.store.model.ids import object_id
from stepwell.store.model.paths import TrackedPath, escape, is_under
from stepwell.store.model.plans import Applied, Conflict, PathState, Plan, PlannedChanges
from stepwell.store.model.steps import Branch, Merging, Step
from stepwell.store.reader import WorkspaceReader

if TYPE_CHECKING:
    from stepwell.store.engine.journal import JournalWriter


class BranchVerbs(WorkspaceReader):
    """Makes and leaves branches; plans, begins, concludes and takes back merges."""

    def _writer(self) -> AbstractContextManager[JournalWriter]:
        """Takes the writer lock, settles what was interrupted, and gives the journal's writer."""
        raise NotImplementedError

    def _check_fence(self) -> None:
        """Raises LeaseError unless `fence` holds; called by whoever has taken the writer lock."""
        if self.fence is not None:
            check_fence(self.store, self.fence)

    @carried
    def create_branch(self, name: str, *, at: Step | str | None = None) -> Branch:
        """Makes a branch with its tip at a step (None: the newest), and stays on this one."""
        with self._writer() as writer:
            return branching.create_branch(writer, name, "@" if at is None else at)

    @carried
    def rename_branch(self, old: str, new: str) -> Branch:
        """Gives a branch another name; a kept one becomes an ordinary one."""
        with self._writer() as writer:
            return branching.rename_branch(writer, old, new)

    @carried
    def delete_branch(self, name: str) -> Branch:
        """Takes away a branch that is not the current one; its steps stay."""
        with self._writer() as writer:
            return branching.delete_branch(writer, name)

    @asked
    def plan_switch(self, name: str) -> PlannedChanges:
        """Returns what going to a branch's tip would change; nothing when it is the current one.

        `apply` makes the branch the current one; what it leaves is recorded on the one it leaves.
        """
        tip = self._tip(name)
        branching.refuse_imported(name, tip)
        return self._planned(Aim("switch", tip, tip, branch=name))

    @asked
    def plan_merge(
        self,
        name: str,
        *,
        prefer: Literal["ours", "theirs"] | None = None,
        paths: Sequence[bytes] = (),
        hunks: Sequence[str] = (),
    ) -> PlannedChanges:
        """Returns what merging a branch into the current one would change on disk.

        What merges is the disk as it is. `paths` (each with all below it) and `hunks` (ids of the
        whole plan's changes) pick a part, which is recorded as work of this branch's own, so that
        the rest can be merged later. With `prefer` one side wins where both changed the same.

        Raises:
            NotFoundError: there is no such branch, or a picked path or hunk is not in the merge.
            UsageError: it is the current branch.
            RefusedError: the branches have nothing in common, or a merge is under way.
            FailedError: git 2.38 or newer is not there.
        """
        theirs = self._journal.step(merge_tip(self.view(), name))
        request = MergeRequest(name, prefer, Part(tuple(map(TrackedPath, paths)), tuple(hunks)))
        return self._planned(Aim("merge", theirs, theirs, merge=request))

    def merge_branch(
        self,
        name: str,
        *,
        prefer: Literal["ours", "theirs"] | None = None,
        force: bool = False,
    ) -> Applied:
        """Merges a branch into the current one; `undo` takes it back.

        When the plan has conflicts they are on disk afterwards, with markers: settle them, then
        `continue_merge`, or `abort_merge`. Merged already: nothing is done.

        Raises:
            DriftError: content that is in no step would be merged into, and `force` is not given.
        """
        return self.apply(self.plan_merge(name, prefer=prefer), force=force)

    @carried
    def continue_merge(self, *, force: bool = False) -> Applied:
        """Concludes the merge under way with the disk as it is: a step with two parents.

        Raises:
            NotFoundError: no merge is under way.
            ConflictError: conflict markers are left, and `force` is not given.
        """
        with self._writer() as writer:
            return conclude_merge(writer, self._context, force=force)

    def plan_settle(
        self, side: Literal["base", "ours", "theirs"], paths: Sequence[bytes]
    ) -> PlannedChanges:
        """Returns what taking one side of conflicts of the merge under way would change on disk.

        The paths are conflicts' paths, or folders of some; where the side has nothing, the path is
        deleted. Applying records a step; the merge stays under way.

        Raises:
            NotFoundError: no merge is under way, or it has no conflict at a path.
        """
        merging = require_merging(self.view())
        found = self._conflicts_at(merging, paths)
        wanted = {one.path: getattr(one, side) for one in found}
        step = self._journal.step(merging.theirs if side == "theirs" else merging.ours)
        part = Part(tuple(wanted))
        return self._planned(Aim("rollback", step, step, part=part, settled=wanted))

    def plan_settle_as(self, path: bytes, content: bytes) -> PlannedChanges:
        """Returns what settling a conflict with this content would change; as `plan_settle`.

        Permission bits are those of the first side, of ours, theirs and base, that has a file.
        """
        merging = require_merging(self.view())
        (one,) = self._conflicts_at(merging, [path])[:1]
        sides = (side for side in (one.ours, one.theirs, one.base) if side is not None)
        mode = next((s.mode for s in sides if stat.S_ISREG(s.mode)), stat.S_IFREG | 0o644)
        wanted = {one.path: PathState(mode, object_id("blob", content))}
        step = self._journal.step(merging.ours)
        aim = Aim("rollback", step, step, part=Part((one.path,)), settled=wanted)
        return self._planned(replace(aim, contents=(content,)))

    def _conflicts_at(self, merging: Merging, paths: Sequence[bytes]) -> list[Conflict]:
        known = merging_plan(self._journal, merging).conflicts
        for path in paths:
            if not any(is_under(one.path, TrackedPath(path)) for one in known):
                raise NotFoundError(
                    f"the merge of {merging.branch} has no conflict at {escape(TrackedPath(path))}",
                    hint="stepwell status lists its conflicts",
                    path=escape(TrackedPath(path)),
                )
        return [one for one in known if any(is_under(one.path, TrackedPath(p)) for p in paths)]

    @asked
    def plan_abort(self) -> PlannedChanges:
        """Returns what taking back the merge under way would change on disk."""
        entry = begun_entry(self.view())
        return self._planned(history.travel_aim(self._journal, entry, undo=True, session=None))

    def abort_merge(self) -> Applied:
        """Takes back the merge under way: the disk is as it was before; edits since are in a step.

        Raises:
            NotFoundError: no merge is under way.
        """
        return self.apply(self.plan_abort(), force=True)

    def apply(
        self,
        planned: PlannedChanges | Plan,
        *,
        force: bool = False,
        progress: Progress = no_progress,
    ) -> Applied:
        """Executes a plan behind a safety step; `undo` takes it back.

        Raises:
            DriftError, OtherSessionError: the plan says so and `force` is not given.
            RefusedError: a step was recorded since the plan was made.
        """
        plan = planned.plan if isinstance(planned, PlannedChanges) else planned
        return self._apply(plan, force=force, progress=progress)

    @carried
    def _apply(self, plan: Plan, *, force: bool, progress: Progress = no_progress) -> Applied:
        with self._writer() as writer:
            return apply_travel(writer, self._context, plan, force=force, progress=progress)

    def _planned(self, aim: Aim) -> PlannedChanges:
        try:
            plan, reader = plan_travel(self._journal, self._context, aim)
            return PlannedChanges(plan, reading.plan_changes(reader, plan))
        except (ObjectMissingError, ObjectDamagedError) as error:
            raise offering_nearest(self._journal, aim.onto, error) from error
