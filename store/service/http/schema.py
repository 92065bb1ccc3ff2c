"""What goes in and out over HTTP, as typed models: the source of the OpenAPI document.

Bodies that come in are checked against these. What goes out is made by the JSON forms that every
front door shares; the models describe it, and the tests hold one against the other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from stepwell.store.service.http.segments import named

MOST = 500
"""Rows of one page."""
LARGEST = (1 << 53) - 1
"""The largest whole number that every JSON reader has."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"\S")]
Text = Annotated[str, StringConstraints(max_length=65_536)]
Tags = Annotated[list[Name], Field(max_length=100)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=512)]


def _whole(value: Any) -> Any:
    """Returns 1 for 1.0: JSON knows one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[int, Field(ge=0, le=LARGEST), BeforeValidator(_whole)]
Milliseconds = Annotated[int, Field(ge=1, le=24 * 3_600_000), BeforeValidator(_whole)]

_InPath = Annotated[str, BeforeValidator(named)]
SessionPath = Annotated[_InPath, Path(min_length=1, max_length=256, description="`AGENT:ID`")]
SnapshotPath = Annotated[_InPath, Path(min_length=1, max_length=512, description="its id")]
ClientPath = Annotated[_InPath, Path(min_length=1, max_length=256)]
AgentPath = Annotated[_InPath, Path(min_length=1, max_length=64)]
StepPath = Annotated[
    _InPath, Path(min_length=1, max_length=512, description="an id, or what names a step")
]
SeqPath = Annotated[int, Path(ge=0, le=LARGEST, description="a step's number")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="how many at most")]
After = Annotated[
    int | None, Query(ge=0, le=LARGEST, description="`next` of the page before this one")
]
Tag = Annotated[str | None, Query(min_length=1, max_length=256, description="only those with it")]
LeaseHeader = Annotated[
    int | None,
    Header(alias="Stepwell-Lease", ge=0, le=LARGEST, description="number of the write lease"),
]


class In(BaseModel):
    """A body; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AccessIn(In):
    """Who wants access, and for how long."""

    client_id: Name
    mode: Literal["read", "write"] = "write"
    ttl_ms: Milliseconds = 30_000


class SnapshotIn(In):
    """What to say of a snapshot; `state` are the session's documents, if they are others now."""

    description: Text = ""
    tags: Tags = []
    state: dict[Name, Any] | None = None


class RestoreIn(In):
    """How to go back."""

    dry_run: bool = False
    force: bool = False


class AnnotationIn(In):
    """What to say of a step."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    description: Text = ""
    tags: Tags = []


class RollbackIn(RestoreIn):
    """Where to go back to."""

    session: Name
    step: Reference
    side: Literal["before", "after"] = "after"
    paths: Annotated[list[Reference], Field(max_length=1_000)] = []
    only: bool = False
    files_only: bool = False


class UndoIn(RestoreIn):
    """What to take back; without a number, the newest."""

    session: Name
    operation: Number | None = None


class MergeIn(RestoreIn):
    """What to merge."""

    session: Name
    branch: Reference
    prefer: Literal["ours", "theirs"] | None = None


class Out(BaseModel):
    """An answer; more members may come with later versions."""

    model_config = ConfigDict(extra="allow")


class Problem(Out):
    """RFC 9457; further members are facts of the error."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str


class Health(Out):
    status: Literal["ok"]
    version: str
    workspace: str


class Granted(Out):
    granted: bool
    lease: int | None
    expires: str | None
    holder: str | None


class Released(Out):
    released: bool


class Client(Out):
    client_id: str
    mode: Literal["read", "write"]
    expires: str


class Access(Out):
    session: str
    clients: list[Client]
    write_holder: str | None
    locked: bool


class SnapshotIds(Out):
    tree: str
    extras: str


class Note(Out):
    id: str
    text: str
    by: str
    time: str
    path: str | None
    line: int | None


class Checkpoint(Out):
    label: str | None
    notes: list[Note]
    note: str | None
    tags: list[str]
    milestone: dict[str, Any] | None


class Step(Out):
    id: str
    seq: int
    branch: str
    parents: list[str]
    session: str | None
    agent: str | None
    turn: int | None
    kind: Literal["prompt", "tool", "capture", "rollback", "merge", "outside", "gap"]
    tool: str | None
    title: str
    time: str
    snapshot: SnapshotIds
    changes: dict[str, int]
    checkpoint: Checkpoint | None
    result: dict[str, Any] | None
    model: str | None
    compression: dict[str, int]
    coverage: Any
    state: str | None
    tier: Literal["L1", "L2", "L3"]
    type: Literal["operation", "checkpoint", "milestone"]
    flags: list[str]


class Annotation(Out):
    label: str | None
    description: str
    tags: list[str]
    created: str | None
    by: str


class TimelineStep(Step):
    annotation: Annotation | None


class Timeline(Out):
    steps: list[TimelineStep]
    next: int | None


class Annotating(Out):
    seq: int
    step: str
    annotation: Annotation


class Session(Out):
    name: str
    agent: str | None
    steps: int
    first: str
    last: str
    prompt: str | None
    commands: int
    average_ms: float | None
    peak_memory_bytes: int | None
    peak_memory_of: Literal["command", "daemon"] | None
    last_accessed: str
    session_bytes: int
    writer: str | None


class SessionList(Out):
    sessions: list[Session]


class Snapshot(Out):
    id: str
    session: str
    seq: int
    created: str
    description: str
    tags: list[str]
    by: str
    step: Step


class SnapshotList(Out):
    snapshots: list[Snapshot]
    next: int | None


class SnapshotWhole(Snapshot):
    state: dict[str, Any]


class Deleted(Out):
    deleted: bool
    id: str


class Version(Out):
    version: int
    id: str
    created: str
    description: str
    tags: list[str]
    changes: dict[str, int]


class VersionList(Out):
    versions: list[Version]


class StateChange(Out):
    op: Literal["add", "remove", "replace"]
    path: str


class Change(Out):
    path: str
    old_path: str | None
    status: Literal["A", "M", "D", "R", "T"]
    binary: bool
    added: int
    deleted: int
    hunks: list[dict[str, Any]]


class Diff(Out):
    changes: list[Change]
    state_changes: list[StateChange]


class StepWhole(Step):
    prompt: str | None
    input: str | None
    result_text: str | None
    said: str | None
    states: dict[str, dict[str, Any]]


class Plan(Out):
    id: str
    target: str
    side: Literal["before", "after"]
    changes: list[Change]
    keep: list[dict[str, Any]]
    drift: list[dict[str, Any]]
    other_sessions: list[dict[str, Any]]
    bytes: int


class Travelled(Out):
    plan: Plan | None
    applied: bool
    safety_step: str | None
    step: str | None
    undo: str | None
    not_restored: list[dict[str, Any]]


class Restored(Travelled):
    state_changes: list[StateChange]


class Merged(Travelled):
    merged: bool
    conflicts: list[dict[str, Any]]


class Branch(Out):
    name: str
    head: str
    base: str | None
    current: bool
    kept: bool
    ahead: int
    behind: int


class BranchList(Out):
    branches: list[Branch]


class Operation(Out):
    id: str
    number: int
    kind: str
    time: str
    session: str | None
    summary: str
    undone: bool
    undoable: bool


class OperationList(Out):
    operations: list[Operation]
    next: int | None


class Taken(Out):
    recorded: bool
