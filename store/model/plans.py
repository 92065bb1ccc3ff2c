"""What a rollback would do to the disk: computed first, shown, then executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepwell.store.model.changes import Change
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot, Step


@dataclass(frozen=True, slots=True)
class PathState:
    """What is, or is to be, at a path: `mode` is the full st_mode, `blob` None for a folder."""

    mode: int
    blob: Oid | None = None


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One path that the plan writes, deletes or gives another mode.

    `before` None: nothing is there now. `after` None: it is to be deleted.
    """

    path: TrackedPath
    before: PathState | None
    after: PathState | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A path that the plan leaves alone, all or in part, although the target differs; and why."""

    path: TrackedPath
    reason: str


@dataclass(frozen=True, slots=True)
class OtherSession:
    """Another session whose later steps the plan would take back."""

    session: str
    steps: int


Content = bytes
"""Because a Plan has a field of the name `bytes`."""

ConflictKind = Literal[
    "content",
    "modify/delete",
    "add/add",
    "mode",
    "binary",
    "file/directory",
    "rename/rename",
    "location",
]
"""`location`: one side added a file to a folder that the other side renamed."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A path on which two sides differ from their base in ways that do not go together."""

    path: TrackedPath
    """Where it lies on disk."""
    kind: ConflictKind
    base: PathState | None
    ours: PathState | None
    """What is on disk."""
    theirs: PathState | None


HOOKS_STAY = "holds Stepwell's hooks; `stepwell rollback STEP --path FILE` takes it back"
"""Why a file is kept that would be left without the agents' hooks."""

PlanKind = Literal["rollback", "undo", "redo", "switch", "merge"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rollback, undo, redo, switch or merge before it is executed; computing one changes nothing."""

    id: str
    kind: PlanKind
    target: Step
    """The step whose content the disk is to have (with `side` "before": its parent's)."""
    side: Literal["before", "after"]
    snapshot: Snapshot
    """The content aimed at; of a partial plan, the disk's content that it starts from."""
    head: Step
    """The tip of the current branch when the plan was made."""
    items: tuple[PlanItem, ...]
    """In path order; the executor orders its own writes."""
    keep: tuple[Kept, ...] = ()
    drift: tuple[Kept, ...] = ()
    other_sessions: tuple[OtherSession, ...] = ()
    bytes: int = 0
    """Size of the content to be written."""
    operation: int | None = None
    """Of an undo or redo: the operation that it takes back or does again."""
    branch: str | None = None
    """Of a switch, its undo and its redo: the branch that becomes the current one."""
    partial: bool = False
    """The branch is not moved back: the result is a new step on its present tip."""
    only: bool = False
    """The target's own change is taken back, and later ones stay. Such a plan is partial."""
    paths: tuple[TrackedPath, ...] = ()
    """The paths that were asked for; none: all."""
    hunks: tuple[str, ...] = ()
    """Ids of the hunks that were asked for; none: whole files."""
    conflicts: tuple[Conflict, ...] = ()
    """Of a merge: what is left for a person to settle. Of any other plan: nothing can be applied."""
    merged: str | None = None
    """Of a merge: the name of the branch whose tip `target` is; of picks, all names, `a, b`."""
    contents: tuple[Content, ...] = ()
    """What the items write and no step holds: merged files, files with chosen hunks."""
    disk: Snapshot | None = None
    """The disk's content when the plan was made; None: not known."""

    @property
    def is_whole_merge(self) -> bool:
        """Tells whether all of a branch is merged, so that the step has two parents."""
        return self.kind == "merge" and not self.paths and not self.hunks

    @property
    def restores_state(self) -> bool:
        """Tells whether the state that steps carry goes back with the files: all of both, or none."""
        return not self.partial and self.merged is None

    @property
    def leaves_hooks(self) -> bool:
        """Tells whether files are left alone because they hold the agents' hooks."""
        return any(kept.reason == HOOKS_STAY for kept in self.keep)

    @property
    def leaves_conflicts(self) -> bool:
        """Tells whether the plan, when applied, leaves conflicts on disk for a person to settle."""
        return self.is_whole_merge and bool(self.conflicts)


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """A plan with its changes as a person reads them: disk as it is -> disk as it will be."""

    plan: Plan
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an executed plan did."""

    plan: Plan
    applied: bool
    """False when nothing had to change."""
    safety_step: Step
    step: Step
    """The tip of the current branch afterwards."""
    not_restored: tuple[Kept, ...]
    """Paths that were wanted and could not be restored; what the user's own rules keep (ignored,
    capped) is only in `plan.keep`."""
    operation: int
    """Number of the operation, which `undo` takes back; 0 when nothing was done."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery did with an interrupted change of the workspace."""

    kind: str
    finished: bool
    """True: carried through. False: everything was put back."""
    kept: tuple[Kept, ...]
    operation: int
    """Number of the operation that ended it."""
