"""Steps, snapshots, marks, branches, operations, and the View that operations fold into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stepwell.store.model.experiments import Experiment
from stepwell.store.model.ids import Oid, OperationId, StepId
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.seqs import Seqs

StepKind = Literal["prompt", "tool", "capture", "rollback", "merge", "outside", "gap"]

Reason = Literal[
    "ignored", "capped", "unreadable", "special", "unstable", "repository", "too_long", "purged"
]
"""Why a path is not, or not surely, in a snapshot. `repository`: another version control's own
data (`.git`, `.hg`, `.jj`, `.svn`); `unstable`: stored, but it changed while being read; `purged`:
it was stored, and its content was removed for good since."""

LONGEST_TEXT = 100_000
"""Characters of one text of a step or mark, such as a note: what comes from elsewhere has no more."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Immutable content of the captured files at one instant."""

    tree: Oid
    """A git tree that `git fsck --strict` accepts."""
    extras: Oid
    """A blob with what a git tree cannot hold (engine/extras.py)."""


@dataclass(frozen=True, slots=True, order=True)
class Covered:
    """A path that a capture did not store, or did not store surely, and why."""

    path: TrackedPath
    reason: Reason


@dataclass(frozen=True, slots=True)
class CoverageCounts:
    """How many files a step stored, skipped (ignored ones apart) and stored as unstable."""

    stored: int = 0
    skipped: int = 0
    unstable: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """Size of a step's change against its first parent; lines."""

    files: int = 0
    added: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class StepResult:
    """How the step's command or tool call ended."""

    ok: bool
    exit_code: int | None = None
    duration_ms: int | None = None
    peak_memory_bytes: int | None = None
    """Largest resident size of a process of it; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the model was given and gave, in its own tokens."""

    input: int = 0
    """New to it; what it had in its cache is in `cached`."""
    output: int = 0
    cached: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input, self.output + other.output, self.cached + other.cached
        )


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a checkpoint, optionally on one line of one file."""

    id: str
    text: str
    by: str
    time_ns: int
    path: TrackedPath | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What makes a step a checkpoint."""

    label: str | None = None
    notes: tuple[Note, ...] = ()
    tags: tuple[str, ...] = ()
    milestone: Mapping[str, Any] | None = None
    """None, or `{quality, baseline, project_state}`; such a step is kept for ever."""
    created_ns: int | None = field(default=None, compare=False)
    """When the step was first marked; None of one that was before this was kept."""
    by: str = field(default="", compare=False)
    """Who marked it first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded act and its snapshot. Everything but `checkpoint` is immutable."""

    id: StepId
    seq: int
    """One number a workspace, never reused; gaps are allowed."""
    branch: str
    """The branch that the step was recorded on."""
    parents: tuple[StepId, ...]
    kind: StepKind
    title: str
    time_ns: int
    snapshot: Snapshot
    session: str | None = None
    """`AGENT:ID`, or None for a capture that belongs to no session."""
    agent: str | None = None
    turn: int | None = None
    tool: str | None = None
    changes: ChangeCounts = ChangeCounts()
    coverage: CoverageCounts = CoverageCounts()
    coverage_blob: Oid | None = None
    """Blob of the coverage list (engine/coverage.py); None when it is empty."""
    rules_blob: Oid | None = None
    """Blob with the text of the ignore rules in force; None when there were none."""
    prompt: Oid | None = None
    input: Oid | None = None
    result_text: Oid | None = None
    state: Oid | None = None
    """Blob of the state documents of all sessions (engine/statedocs.py); None: there is none."""
    result: StepResult | None = None
    model: str | None = None
    raw_bytes: int = 0
    """Bytes of the objects that were new with this step, as they are."""
    stored_bytes: int = 0
    """The same objects as written."""
    flags: tuple[str, ...] = ()
    reason: str | None = None
    """Of a gap: why nothing could be captured."""
    author: str | None = None
    """Of an imported step: who made it, `NAME <ADDRESS>`."""
    source: str | None = None
    """Of an imported step: what it is where it comes from, as `git:<commit>`."""
    call: str | None = None
    """Of a prompt or tool call: the agent's own id of it; no two steps of a session share one."""
    tokens: Tokens | None = None
    """Of a prompt: what its turn took."""
    said: Oid | None = None
    """Blob of what the model said before a call or, of a prompt, at the end of its turn."""
    checkpoint: Mark | None = None
    """Folded from later operations; None when the step is not marked."""


@dataclass(frozen=True, slots=True)
class Account:
    """What an agent's own record told of a step when its turn was over; None: nothing of that."""

    model: str | None = None
    result: StepResult | None = None
    """Only of a step that has one, and as long as that took."""
    tokens: Tokens | None = None
    said: Oid | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A named pointer to a step, which moves as steps are recorded on it."""

    name: str
    head: StepId
    base: StepId | None = None
    """The step that it was created at; None for the first branch."""
    kept: bool = False
    """Made by a rollback or undo so that no future is lost."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A change of the workspace that was begun; recovery finishes or undoes it."""

    kind: Literal["rollback", "undo", "redo", "switch", "merge"]
    plan: Oid
    """Blob of the plan (engine/rollback)."""
    target: StepId
    safety: StepId
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merging:
    """A merge under way: its conflicts are on disk, for a person to settle."""

    branch: str
    """The branch that is merged into the current one."""
    ours: StepId
    """The step that holds the disk as it was before."""
    theirs: StepId
    plan: Oid
    """Blob of the plan, which names the conflicts (engine/rollback)."""
    operation: int = 0
    """Number of the operation that began it; 0: the one that this is an effect of."""


@dataclass(frozen=True, slots=True)
class StepRecorded:
    """A step exists; does not move a branch."""

    step: Step


@dataclass(frozen=True, slots=True)
class BranchSet:
    """The branch exists as given (created, moved or changed)."""

    branch: Branch


@dataclass(frozen=True, slots=True)
class BranchDropped:
    """No branch has that name any more."""

    name: str


@dataclass(frozen=True, slots=True)
class CurrentSet:
    """The branch is the current one."""

    name: str


@dataclass(frozen=True, slots=True)
class MarkSet:
    """The step's mark is exactly this; None takes it away."""

    step: StepId
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class AccountSet:
    """What the account holds is true of the step; what it leaves open stays as it was."""

    step: StepId
    seq: int
    account: Account


@dataclass(frozen=True, slots=True)
class OperationUndone:
    """Operation `number` counts as undone (or, after a redo, as done again)."""

    number: int
    undone: bool


@dataclass(frozen=True, slots=True)
class IntentSet:
    """A workspace change is under way; None: it is over."""

    intent: Intent | None


@dataclass(frozen=True, slots=True)
class MergingSet:
    """A merge is under way; None: it is concluded or taken back."""

    merging: Merging | None


@dataclass(frozen=True, slots=True)
class ExperimentSet:
    """The experiment of that name is exactly this; None: there is none."""

    name: str
    experiment: Experiment | None


@dataclass(frozen=True, slots=True)
class StepsDropped:
    """The steps with those numbers are shown no more (or, when not `dropped`, are again)."""

    seqs: Seqs
    dropped: bool


@dataclass(frozen=True, slots=True)
class StepRemoved:
    """A step was recorded here, and has been removed for good since; in place of StepRecorded."""

    step: StepId
    seq: int
    raw_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class UndoEnded:
    """Those operations can be taken back no more: what that needs is removed for good."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PurgeSet:
    """A purge of those targets (model/purging.py) is under way; none: it is over."""

    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """A rule was looked at."""

    verdict: RuleVerdict


Effect = (
    StepRecorded
    | BranchSet
    | BranchDropped
    | CurrentSet
    | MarkSet
    | AccountSet
    | OperationUndone
    | IntentSet
    | MergingSet
    | ExperimentSet
    | StepsDropped
    | StepRemoved
    | UndoEnded
    | PurgeSet
    | VerdictGiven
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One atomic change of the store."""

    number: int
    """1, 2, 3, ... without gaps."""
    id: OperationId
    kind: str
    """init, record, mark, unmark, intent, rollback, undo, redo, recover, ..."""
    time_ns: int
    summary: str
    effects: tuple[Effect, ...] = ()
    inverse: tuple[Effect, ...] | None = None
    """The effects that take it back; None when the operation cannot be undone."""
    session: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """Kind-specific JSON values, e.g. `before` and `after` (step ids) of a rollback."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """An entry of the View's undo list."""

    number: int
    kind: str
    undone: bool = False
    done_by: int = 0
    """The operation that did it last: itself, or the redo that did it again."""
    undone_by: int = 0
    """The undo that took it back last; 0 when none did."""


@dataclass(frozen=True, slots=True)
class View:
    """The fold of the journal up to operation `number`."""

    number: int = 0
    last_seq: int = 0
    current: str = "main"
    branches: Mapping[str, Branch] = field(default_factory=dict)
    marks: Mapping[StepId, Mark] = field(default_factory=dict)
    sessions: Mapping[str, StepId] = field(default_factory=dict)
    """A session's head: its newest step."""
    undoables: tuple[Undoable, ...] = ()
    """Oldest first, the newest 1,000."""
    intent: Intent | None = None
    merging: Merging | None = None
    experiments: Mapping[str, Experiment] = field(default_factory=dict)
    """By name, the oldest first."""
    verdicts: tuple[RuleVerdict, ...] = ()
    """Oldest first, the newest 200."""
    dropped: Seqs = ()
    """Numbers of the steps that retention took out of sight; some are gone for good."""
    purging: tuple[str, ...] = ()
    """Targets of the purge that was begun and not finished; none: there is none."""
    step_count: int = 0
    """Of all steps that were ever recorded."""
    raw_bytes: int = 0
    """Of all steps together."""
    stored_bytes: int = 0
