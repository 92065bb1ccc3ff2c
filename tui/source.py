"""What the screens need of a Workspace, as a protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from stepwell.tui.values import (
    Applied,
    Branch,
    BranchRow,
    Candidate,
    Change,
    Conflict,
    Experiment,
    Hit,
    Oid,
    Operation,
    OperationRow,
    PlannedChanges,
    Ranked,
    Recovery,
    Stats,
    Status,
    Step,
    Verdict,
    View,
)

if TYPE_CHECKING:
    from stepwell.store.catalogue import Sifted


class Source(Protocol):
    """What the screens need of a Workspace; its own docstrings hold the contracts."""

    @property
    def root(self) -> bytes: ...
    def close(self) -> None: ...
    def refresh(self) -> bool: ...
    def view(self) -> View: ...
    def settle(self) -> Recovery | None: ...
    def graph(self) -> Any: ...
    def merges(self) -> Mapping[int, tuple[int, ...]]: ...
    def search(
        self, query: str, now: datetime, *, progress: Callable[[str, int, int], None]
    ) -> Iterator[Hit]: ...
    def sessions(self) -> Sequence[Any]: ...
    def stats(self) -> Stats: ...
    def capture(
        self,
        title: str = "",
        *,
        session: str | None = None,
        tags: Sequence[str] = (),
        label: str | None = None,
    ) -> Step: ...
    def status(self) -> Status: ...
    def get_step(self, reference: str) -> Step: ...
    def steps(
        self, *, before_seq: int | None = None, limit: int = 50, all_branches: bool = False
    ) -> list[Step]: ...
    def find_steps(self, wanted: Any, *, newer_than: int = 0) -> Iterator[Sifted]: ...
    def diff(
        self,
        a: Step,
        b: Step | None = None,
        *,
        paths: Sequence[bytes] = (),
        hunks: bool = True,
        context: int = 3,
        ignore_space: bool = False,
    ) -> tuple[Change, ...]: ...
    def changed_files(self, step: Step, *, since: Step | None = None) -> tuple[Change, ...]: ...
    def with_lines(
        self, change: Change, *, context: int = 3, ignore_space: bool = False
    ) -> Change: ...
    def blob(self, oid: Oid) -> bytes: ...
    def plan_rollback(
        self,
        step: Step | str,
        *,
        side: Literal["before", "after"] = "after",
        paths: Sequence[bytes] = (),
        hunks: Sequence[str] = (),
        only: bool = False,
    ) -> PlannedChanges: ...
    def apply(self, planned: PlannedChanges, *, force: bool = False) -> Applied: ...
    def plan_undo(self, operation: int | None = None) -> PlannedChanges | Operation: ...
    def undo(self, operation: int | None = None, *, force: bool = False) -> Applied | Operation: ...
    def plan_redo(self) -> PlannedChanges | Operation: ...
    def redo(self, *, force: bool = False) -> Applied | Operation: ...
    def operations(self, limit: int = 50) -> Sequence[OperationRow]: ...
    def mark(
        self,
        step: Step,
        *,
        label: str | None = None,
        note: str | None = None,
        tags: Sequence[str] = (),
        by: str = "",
        path: bytes | None = None,
        line: int | None = None,
    ) -> Step: ...
    def unmark(
        self,
        step: Step,
        *,
        label: bool = False,
        tags: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> Step: ...
    def branches(self) -> Sequence[BranchRow]: ...
    def plan_switch(self, name: str) -> PlannedChanges: ...
    def plan_merge(self, name: str) -> PlannedChanges: ...
    def plan_picks(
        self, name: str, *, paths: Sequence[tuple[str, bytes]] = (), hunks: Sequence[str] = ()
    ) -> PlannedChanges: ...
    def judge(self, name: str, label: str, verdict: Verdict | None) -> Step: ...
    def plan_settle(
        self, side: Literal["base", "ours", "theirs"], paths: Sequence[bytes]
    ) -> PlannedChanges: ...
    def plan_abort(self) -> PlannedChanges: ...
    def continue_merge(self) -> Applied: ...
    def create_branch(self, name: str, *, at: Step | str | None = None) -> Branch: ...
    def rename_branch(self, old: str, new: str) -> Branch: ...
    def delete_branch(self, name: str) -> Branch: ...


class WholeSource(Source, Protocol):
    """A source with what knows of experiments."""

    def experiments(self) -> list[Experiment]: ...
    def rank(
        self, experiment: Experiment, *, usual: Mapping[str, float] | None = None
    ) -> tuple[Ranked, ...]: ...
    def candidate_conflicts(
        self, experiment: Experiment, candidate: Candidate
    ) -> tuple[Conflict, ...]: ...
