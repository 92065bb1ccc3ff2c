"""The only way from the screens to the store: calls go to background threads, results are messages.

Two sources are open: one for reading history, one for what looks at or changes the disk, so that a
scan of a large tree never holds up a page of the timeline. Nothing here touches a widget.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from textual.message import Message

from stepwell.tui.feed.errands import Errands
from stepwell.tui.feed.wishes import Wish
from stepwell.tui.messages import (
    Broke,
    DiskCompared,
    Failed,
    OperationsLoaded,
    PageLoaded,
    PatchLoaded,
    PlanApplied,
    PlanFailed,
    PlanMade,
    TimelineLoaded,
)
from stepwell.tui.model.columns import PAGE, Columns, columns_of
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.lanes import LaneMap, lane_map
from stepwell.tui.model.rows import Tips
from stepwell.tui.values import (
    Applied,
    Change,
    IntegrityError,
    NotFoundError,
    Oid,
    Operation,
    OperationRow,
    PlannedChanges,
    Status,
    Step,
    StepId,
    StepwellError,
    View,
)

NEWEST = 64
"""Steps that are read before the shape of the whole history is known."""


_SIZED = 50
"""Binary blobs of a diff whose sizes are looked up at most."""


_OPERATIONS = 500
"""Operations that are listed at most."""


class Source(Protocol):
    """What the screens need of a Workspace; its own docstrings hold the contracts."""

    @property
    def root(self) -> bytes: ...
    def close(self) -> None: ...
    def refresh(self) -> bool: ...
    def view(self) -> View: ...
    def graph(self) -> Any: ...
    def status(self) -> Status: ...
    def get_step(self, reference: str) -> Step: ...
    def steps(
        self, *, before_seq: int | None = None, limit: int = 50, all_branches: bool = False
    ) -> list[Step]: ...
    def diff(
        self,
        a: Step,
        b: Step | None = None,
        *,
        paths: Sequence[bytes] = (),
        hunks: bool = True,
        context: int = 3,
    ) -> tuple[Change, ...]: ...
    def step_changes(
        self, step: Step, *, hunks: bool = True, context: int = 3
    ) -> tuple[Change, ...]: ...
    def blob(self, oid: Oid) -> bytes: ...
    def plan_rollback(
        self, step: Step | str, *, side: Literal["before", "after"] = "after"
    ) -> PlannedChanges: ...
    def apply(self, planned: PlannedChanges, *, force: bool = False) -> Applied: ...
    def plan_undo(self, operation: int | None = None) -> PlannedChanges | Operation: ...
    def undo(self, operation: int | None = None, *, force: bool = False) -> Applied | Operation: ...
    def plan_redo(self) -> PlannedChanges | Operation: ...
    def redo(self, *, force: bool = False) -> Applied | Operation: ...
    def operations(self, limit: int = 50) -> Sequence[OperationRow]: ...


Place = Literal["history", "disk"]
Call = Callable[[Source], Message | None]
Post = Callable[[Message], object]


@dataclass(frozen=True, slots=True)
class Opened:
    """The two sources of one workspace."""

    history: Source
    open_disk: Callable[[], Source]
    """Called once, on the thread that uses it."""


def open_workspace(root: Path, home: Path) -> Opened:
    """Opens the workspace that holds `root`; raises as `Workspace.open` does."""
    from stepwell.store.workspace import Workspace  # costs what it imports; the screen is up first

    def opened() -> Source:
        return Workspace.open(root, home=home)

    return Opened(opened(), opened)


class Gateway:
    """Asks the store on behalf of the screens; `post` takes the answers, from any thread."""

    def __init__(self, opened: Opened, post: Post) -> None:
        self._opened = opened
        self._post = post
        self._disk: Source | None = None
        self._errands: dict[Place, Errands] = {
            "history": Errands("stepwell-history"),
            "disk": Errands("stepwell-disk"),
        }
        self._lanes: LaneMap | None = None

    @property
    def root(self) -> bytes:
        """The workspace's folder."""
        return self._opened.history.root

    @property
    def idle(self) -> bool:
        """Nothing is asked that was not answered."""
        return all(errands.idle for errands in self._errands.values())

    def ask(
        self,
        place: Place,
        key: Hashable,
        what: str,
        call: Call,
        *,
        to: Post | None = None,
        must_finish: bool = False,
    ) -> None:
        """Runs `call` on a background thread and posts the message that it returns.

        A later call with the same key takes the place of one that has not begun. `what` completes
        the sentence "cannot ..." of a Failed. `to` takes the answer instead of the main screen.
        """

        def work() -> None:
            answer = self._answer(place, what, call)
            if answer is not None:
                (to or self._post)(answer)

        self._errands[place].ask(key, work, must_finish=must_finish)

    def _answer(self, place: Place, what: str, call: Call) -> Message | None:
        try:
            return call(self._source(place))
        except StepwellError as error:
            return Failed(what, error)
        except Exception as error:  # a defect must be seen, not lost with its thread
            return Broke(error)

    def _source(self, place: Place) -> Source:
        if place == "history":
            return self._opened.history
        if self._disk is None:
            self._disk = self._opened.open_disk()
        else:
            self._disk.refresh()
        return self._disk

    def close(self) -> None:
        """Ends the threads (after a change of the workspace that is under way) and the sources."""
        for errands in self._errands.values():
            errands.stop()

    # --- the timeline ----------------------------------------------------------------------------

    def load_timeline(self) -> None:
        """Reads the newest steps, then the shape of everything; two TimelineLoaded."""
        self.ask("history", "timeline", "read the timeline", self._first_rows)

    def poll(self) -> None:
        """Looks whether another process added to the store; TimelineLoaded if so."""
        self.ask("history", "poll", "look for new steps", self._grown)

    def reload(self) -> None:
        """Reads everything anew."""
        self.ask("history", "timeline", "read the timeline", self._whole_shape)

    def _first_rows(self, source: Source) -> Message:
        newest = source.steps(limit=NEWEST, all_branches=True)
        self.ask("history", "timeline", "read the timeline", self._whole_shape)
        columns = columns_of(newest, complete=len(newest) < NEWEST)
        tips = _tips(source.view(), {step.id: step.seq for step in newest}.get)
        return TimelineLoaded(lane_map(columns, tips.head), tips, newest)

    def _grown(self, source: Source) -> Message | None:
        return self._whole_shape(source) if source.refresh() else None

    def _whole_shape(self, source: Source) -> Message:
        newest = source.steps(limit=NEWEST, all_branches=True)
        graph = source.graph()
        tips = _tips(source.view(), lambda step: _number(graph, step))
        self._lanes = lane_map(columns_of_graph(graph), tips.head, self._lanes)
        return TimelineLoaded(self._lanes, tips, newest)

    def load_pages(self, columns: Columns, pages: Sequence[int]) -> None:
        """Reads pages of steps, one PageLoaded each; a later wish replaces one not begun."""
        self.ask(
            "history", "pages", "read steps", lambda source: self._pages(source, columns, pages)
        )

    def _pages(self, source: Source, columns: Columns, pages: Sequence[int]) -> None:
        for page in pages:
            low, high = page * PAGE, min(len(columns), (page + 1) * PAGE)
            if low < high:
                before = columns.seqs[high - 1] + 1
                found = source.steps(before_seq=before, limit=high - low, all_branches=True)
                self._post(PageLoaded(page, found))

    # --- changes and the disk --------------------------------------------------------------------

    def compare_disk(self) -> None:
        """Compares the disk with the head; DiskCompared."""
        self.ask("disk", "status", "compare the disk", _compared)

    def load_operations(self, to: Post) -> None:
        """Reads the newest operations; OperationsLoaded to `to`."""
        self.ask(
            "history",
            "operations",
            "read the operations",
            lambda source: OperationsLoaded(source.operations(_OPERATIONS)),
            to=to,
        )

    # --- diffs and previews ----------------------------------------------------------------------

    def load_patch(self, generation: int, key: Hashable, step: Step | None, context: int) -> None:
        """Reads what a step changed (None: how the disk differs from the head); PatchLoaded."""

        def call(source: Source) -> Message:
            changes = _changes_with_lines(source, step, context)
            return PatchLoaded(generation, key, DiffRows(changes, _sizes(source, changes)))

        self.ask("history" if step else "disk", "patch", "read the changes", call)

    def read_blobs(
        self, oids: Sequence[Oid], limit: int, then: Callable[[Mapping[Oid, bytes]], None]
    ) -> None:
        """Calls `then`, on the history's thread, with those that are stored and within `limit`."""

        def call(source: Source) -> None:
            found = ((oid, _blob(source, oid)) for oid in oids)
            then({oid: data for oid, data in found if data is not None and len(data) <= limit})

        self.ask("history", "blobs", "read files", call)

    def make_plan(self, to: Post, generation: int, wish: Wish) -> None:
        """Plans what is wished for; PlanMade or PlanFailed to `to`."""

        def call(source: Source) -> Message:
            try:
                return _planned(source, generation, wish)
            except StepwellError as error:
                return PlanFailed(generation, error)

        self.ask("disk", "plan", "plan the change", call, to=to)

    def apply_plan(
        self,
        to: Post,
        generation: int,
        wish: Wish,
        shown: PlannedChanges | Operation,
        force: bool,
    ) -> None:
        """Carries out exactly what was shown; PlanApplied or PlanFailed to `to`."""

        def call(source: Source) -> Message:
            try:
                if isinstance(shown, PlannedChanges):
                    return PlanApplied(source.apply(shown, force=force))
                return PlanApplied(wish.carry_out(source, shown))
            except StepwellError as error:
                return PlanFailed(generation, error)

        self.ask("disk", "apply", "apply the plan", call, to=to, must_finish=True)


def _tips(view: View, number: Callable[[StepId], int | None]) -> Tips:
    """Returns the tips of the branches whose newest step `number` knows."""
    names: dict[int, tuple[str, ...]] = {}
    head = 0
    for branch in view.branches.values():
        seq = number(branch.head)
        if branch.name == view.current:
            head = seq or 0
        elif seq is not None:
            names[seq] = (*names.get(seq, ()), branch.name)
    return Tips(view.current, head, names)


def _number(graph: Any, step: StepId) -> int | None:
    row = graph.row_of_id(step)
    return None if row is None else graph.seqs[row]


def _compared(source: Source) -> Message:
    status = source.status()
    pending = status.pending
    return DiskCompared(tuple(status.dirty), pending.kind if pending else None)


def columns_of_graph(graph: Any) -> Columns:
    """Returns the timeline's columns of the catalogue's graph, as copies: it goes on growing."""
    size = len(graph)
    merges = graph.merges() if any(graph.others) else {}
    return Columns(graph.seqs[:size], graph.parents[:size], merges, graph.times[:size])


def _planned(source: Source, generation: int, wish: Wish) -> Message:
    found = wish.plan(source)
    if not isinstance(found, PlannedChanges):
        return PlanMade(generation, None, None, found)
    rows = DiffRows(found.changes, _sizes(source, found.changes))
    return PlanMade(generation, found, rows, None)


def _changes_with_lines(source: Source, step: Step | None, context: int) -> tuple[Change, ...]:
    if step is None:
        return source.diff(source.status().head, context=context)
    return source.step_changes(step, context=context)


def _blob(source: Source, oid: Oid) -> bytes | None:
    """What the disk holds may be in no step: its bytes are not in the store."""
    try:
        return source.blob(oid)
    except (NotFoundError, IntegrityError):
        return None


def _sizes(source: Source, changes: Sequence[Change]) -> dict[Oid, int]:
    blobs = {blob for c in changes if c.binary for blob in (c.old_blob, c.new_blob) if blob}
    found = ((oid, _blob(source, oid)) for oid in sorted(blobs)[:_SIZED])
    return {oid: len(data) for oid, data in found if data is not None}
