"""The reading half of the facade: everything that takes no lock and changes nothing.

The catalogue is loaded with the first verb that lists steps, so that a capture never pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from stepwell.store.engine import branching, history, reading, registry
from stepwell.store.engine.context import Context, Progress, no_progress
from stepwell.store.engine.diff import change_of_blobs
from stepwell.store.engine.journal import Journal, Moment, moment_of
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.recording import require_head
from stepwell.store.engine.references import resolve
from stepwell.store.engine.statedocs import all_documents, documents_of
from stepwell.store.engine.travel import covered_of, current_head
from stepwell.store.engine.view import with_mark
from stepwell.store.link.address import read_link
from stepwell.store.link.carry import asked
from stepwell.store.model.access import Fence
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import UsageError
from stepwell.store.model.events import EVENTS, Event
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import Recovery
from stepwell.store.model.reports import (
    BlameLine,
    BranchRow,
    Damage,
    Hit,
    Sample,
    Stats,
    Status,
    VerifyReport,
)
from stepwell.store.model.steps import Covered, Operation, Snapshot, Step, View
from stepwell.store.model.version import VERSION
from stepwell.store.stepreader import StepReader

if TYPE_CHECKING:
    from stepwell.store.catalogue import Catalogue, Graph, SessionRow, Sifted
    from stepwell.store.engine.filters import Filter
    from stepwell.store.events.bus import Bus, Callback, Cancel
    from stepwell.store.events.restoring import StateCallback
    from stepwell.store.link.client import DaemonInfo
    from stepwell.store.link.link import Link


class WorkspaceReader(StepReader):
    """A workspace seen through a lock-free reader of its journal; not thread-safe."""

    def __init__(self, registered: registry.Registered, home: Path, context: Context) -> None:
        self.id = registered.id
        self.root = registered.root
        self.store = registered.store
        self.home = home
        self._context = context
        self._journal = Journal.open(registered.store)
        self._catalogue: Catalogue | None = None
        self._bus: Bus | None = None
        self.recovered: Recovery | None = None
        """What the last writing verb found interrupted and settled; None when nothing was."""
        self.fence: Fence | None = None
        """What must hold for writing verbs to be done; None: nothing (`writing_as` sets it)."""

    def link(self) -> Link | None:
        """Returns the way to the workspace's daemon; None when none was started."""
        if read_link(self.store) is None:
            return None
        from stepwell.store.link.link import Link  # sockets are loaded when there is one

        context = self._context
        return Link(self.store, context.capture, VERSION, context.wait_s, self.fence)

    def daemon(self) -> DaemonInfo | None:
        """Returns the workspace's daemon, None when none runs.

        Raises:
            BusyError: one runs and does not answer.
        """
        link = self.link()
        return link.daemon() if link else None

    def subscribe(self, event: str, callback: Callback) -> Cancel:
        """Has `callback` called with each event of that name from now on; `*` stands for any.

        Events tell of what any process records, within a tenth of a second, in order. Callbacks run
        on a thread of their own and never hold up a capture. Returns what ends the subscription.

        Raises:
            UsageError: there is no event of that name.
        """
        if event != "*" and event not in EVENTS:
            raise UsageError(
                f"there is no event {event}", hint=f"one of {', '.join(sorted(EVENTS))}"
            )
        return self._events().subscribe(event, callback)

    def subscribe_state(self, session: str | None, callback: StateCallback) -> Cancel:
        """Has `callback` called with the session's state documents when going back changed them.

        So a program takes its state back on rollback, undo, redo and switch, whichever process did
        it. As `subscribe` in all else.
        """
        from stepwell.store.events.restoring import StateFollower

        follower = StateFollower(self.store, session, callback)
        return self.subscribe("snapshot:rollback", follower)

    def publish(self, event: str, **facts: Any) -> None:
        """Tells this workspace's subscribers of something that is no operation."""
        if self._bus is not None:
            self._bus.publish(Event(event, self._context.clock(), self.id, facts=facts))

    def _events(self) -> Bus:
        if self._bus is None:
            from stepwell.store.events.bus import Bus
            from stepwell.store.events.follow import JournalFollower

            self._bus = Bus(JournalFollower(self.store, self.id, self.view().number))
        return self._bus

    def close(self) -> None:
        """Lets go of all files; calling it again does nothing."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()
        self._drop_catalogue()
        self._journal.close()

    def _drop_catalogue(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def refresh(self) -> bool:
        """Looks for operations added elsewhere; returns whether there are any."""
        found = self._journal.refresh()
        if found and self._bus is not None:
            self._bus.wake()
        return found

    @property
    def moment(self) -> Moment:
        """As of when this opening sees the store; `refresh` moves it."""
        return moment_of(self._journal)

    def view(self) -> View:
        """Returns branches, marks and heads as of the newest operation seen.

        Raises:
            IntegrityError: no operation can be read, here as in all that lists or counts.
        """
        self._require_history()
        return self._journal.view()

    def _require_history(self) -> None:
        if not self._journal.last_number:
            require_head(None, self.root)

    def head(self) -> Step:
        """Returns the tip of the current branch."""
        return self._marked(require_head(current_head(self._journal), self.root))

    def get_step(self, reference: str) -> Step:
        """Returns the step that `@`, `@~N`, `#SEQ`, a branch, a label or an id prefix names.

        Raises:
            NotFoundError, AmbiguousError: nothing, or several things, have that name.
        """
        return self._marked(resolve(reference, self.view(), self._journal))

    def with_account(self, step: Step) -> Step:
        """Returns the step with what the agent's own record told of it afterwards."""
        if step.agent is None or (found := self.catalogue().step(step.id)) is None:
            return step
        return replace(found, checkpoint=step.checkpoint, parents=step.parents)

    def steps(
        self,
        *,
        before_seq: int | None = None,
        limit: int = 50,
        branch: str | None = None,
        all_branches: bool = False,
        session: str | None = None,
    ) -> list[Step]:
        """Returns steps, newest first: of one branch (None: the current one), of all, or of a session."""
        catalogue = self.catalogue()
        if session is not None:
            found = catalogue.session_steps(session, before_seq, limit)
        elif all_branches:
            found = catalogue.page(before_seq, limit)
        else:
            found = catalogue.chain(self._tip(branch).seq, limit, before_seq)
        view = self._journal.view()
        return [with_mark(step, view) for step in found]

    def find_steps(self, wanted: Filter, *, newer_than: int = 0) -> Iterator[Sifted]:
        """Yields the numbers of the steps that fit a filter, of all branches, newest first.

        They come part by part, empty parts too, so that a search can be given up.
        """
        view = self._journal.view()

        def fits(step: Step) -> bool:
            return wanted.matches(with_mark(step, view), self.changed_paths)

        return self.catalogue().sift(wanted, fits, marked=view.marks, newer_than=newer_than)

    def _tip(self, branch: str | None) -> Step:
        view = self.view()
        if branch is None:
            return require_head(current_head(self._journal), self.root)
        return self._journal.step(branching.named_branch(view, branch).head)

    def graph(self) -> Graph:
        """Returns all steps as columns, for the timeline."""
        return self.catalogue().graph()

    def merges(self) -> dict[int, tuple[int, ...]]:
        """Returns step number -> numbers of its further parents, for the steps that have several."""
        return self.catalogue().merges()

    def branches(self) -> list[BranchRow]:
        """Returns the branches by name, kept ones last, compared with the current one."""
        view = self.view()

        def seq_of(step: StepId) -> int:
            return self._journal.step(step).seq

        return branching.branch_rows(view, seq_of, self.catalogue().parents_of())

    def sessions(self) -> list[SessionRow]:
        """Returns the sessions, the newest first."""
        return self.catalogue().sessions()

    def catalogue(self) -> Catalogue:
        """Returns the catalogue, caught up with the journal; TinyDB is loaded here, not before."""
        self._require_history()
        if self._catalogue is None:
            from stepwell.store.catalogue import Catalogue

            self._catalogue = Catalogue.open(self.store / "catalogue", self._journal, writable=True)
        self._catalogue.catch_up()
        return self._catalogue

    def catalogue_at_hand(self) -> Catalogue | None:
        """Returns the catalogue if it is loaded and needs no catching up, which takes no time; else None."""
        found = self._catalogue
        return found if found and found.number == self._journal.last_number else None

    @asked
    def look(self) -> Snapshot:
        """Returns the snapshot that a capture would give now; records nothing."""
        return reading.look(self._journal, self._context)

    @asked
    def status(self) -> Status:
        """Returns where the workspace stands, with what differs on disk from the head."""
        return reading.status(self._journal, self._context, self.id)

    def diff(
        self,
        a: Step,
        b: Step | None = None,
        *,
        paths: Sequence[bytes] = (),
        hunks: bool = True,
        context: int = 3,
        ignore_space: bool = False,
    ) -> tuple[Change, ...]:
        """Returns what turns step `a` into step `b` (None: the disk as it is), in path order.

        With `ignore_space` lines that differ in white space only count as equal; such hunks are for
        reading, not for restoring by.
        """
        if b is None:
            return self._disk_diff(a, tuple(paths), hunks, context, ignore_space)
        return reading.difference(
            self._journal,
            self._context,
            a,
            b,
            paths=paths,
            hunks=hunks,
            lines=context,
            ignore_space=ignore_space,
        )

    @asked
    def _disk_diff(
        self, a: Step, paths: Sequence[bytes], hunks: bool, lines: int, ignore_space: bool
    ) -> tuple[Change, ...]:
        return reading.difference(
            self._journal,
            self._context,
            a,
            None,
            paths=paths,
            hunks=hunks,
            lines=lines,
            ignore_space=ignore_space,
        )

    def patch(self, a: Step, b: Step | None = None, *, paths: Sequence[bytes] = ()) -> bytes:
        """Returns the same difference as a patch that `git apply` takes."""
        if b is None:
            return self._disk_patch(a, tuple(paths))
        return reading.patch(self._journal, self._context, a, b, paths=paths)

    @asked
    def _disk_patch(self, a: Step, paths: Sequence[bytes]) -> bytes:
        return reading.patch(self._journal, self._context, a, None, paths=paths)

    def changed_paths(self, step: Step) -> Iterator[bytes]:
        """Yields the paths that the step changed, of a rename both names."""
        return reading.changed_paths(self._journal, step)

    def changed_files(self, step: Step, *, since: Step | None = None) -> tuple[Change, ...]:
        """Returns the step's own change, or what leads to it from `since`, without any lines.

        However much it is, this reads no file; `with_lines` reads those of one change.
        """
        return reading.changed_files(self._journal, step, since)

    def with_lines(self, change: Change, *, context: int = 3, ignore_space: bool = False) -> Change:
        """Returns one of those changes with its lines counted, and its hunks."""
        return change_of_blobs(self._journal, change, context=context, ignore_space=ignore_space)

    def read_file(self, step: Step, path: bytes) -> bytes:
        """Returns the exact bytes of a file, or a link's target, at a step.

        Raises:
            NotFoundError: the step has no file there.
        """
        return reading.file_at(self._journal, step, path)

    def blob(self, oid: Oid) -> bytes:
        """Returns the bytes of a stored blob."""
        return self._journal.read(oid)[1]

    @property
    def objects(self) -> Journal:
        """What was stored, by object id."""
        return self._journal

    def covered(self, step: Step) -> tuple[Covered, ...]:
        """Returns what the step's capture did not store, and why."""
        return covered_of(self._journal, step)

    def text(self, oid: Oid | None) -> str | None:
        """Returns a stored prompt, input or result; None when there is none."""
        return None if oid is None else self.blob(oid).decode("utf-8", "surrogateescape")

    def state(self, session: str | None = None, *, at: Step | str | None = None) -> dict[str, Any]:
        """Returns a session's state documents, by name, as of a step (None: the newest).

        Empty when it has none. `session` None stands for state that was given without a session.
        """
        step = self.get_step(at) if isinstance(at, str) else at or self.head()
        return documents_of(self._journal, step.state, session)

    def states(self, step: Step) -> dict[str, dict[str, Any]]:
        """Returns session -> state documents as of a step; those of no session are below ""."""
        return all_documents(self._journal, step.state)

    def operations(
        self, limit: int = 50, *, before: int | None = None
    ) -> list[history.OperationRow]:
        """Returns the newest operations, of those below a number, newest first."""
        self._require_history()
        return history.operation_rows(self._journal, limit, before)

    def operations_after(self, number: int, limit: int) -> list[Operation]:
        """Returns up to `limit` operations above a number, oldest first."""
        return list(islice(self._journal.operations(number), limit))

    def search(
        self, query: str, now: datetime, *, progress: Progress = no_progress
    ) -> Iterator[Hit]:
        """Yields where the words of a query stand, the newest step first.

        Looked through are titles, prompts, inputs, notes, paths and changed lines of all steps; what
        is not indexed yet is on the way, so the first hits come at once. `query` is of the grammar of `stepwell log`; its times are read in the zone of `now`.

        Raises:
            UsageError: it cannot be read, or has no word.
        """
        from stepwell.store import finding

        catalogue = self.catalogue()
        return finding.hits(self._texts, self._journal, catalogue, query, now, progress)

    def blame(self, path: bytes, at: Step, *, progress: Progress = no_progress) -> list[BlameLine]:
        """Returns each line of a file at a step, with the step that it came with.

        Raises:
            NotFoundError: the step has no file there.
            UsageError: the file is no text, or too large to compare by line.
        """
        from stepwell.store import finding

        where = TrackedPath(path)
        return finding.blamed(self._texts, self._journal, self.catalogue(), at, where, progress)

    def touching(self, path: bytes, *, progress: Progress = no_progress) -> list[int]:
        """Returns the numbers of the steps that changed a path against their first parent, ascending.

        Steps of all branches; of a rename both names count.
        """
        from stepwell.store.catalogue.search import touching

        return touching(self._texts, self._journal, self.catalogue(), path, progress=progress)

    def touched_paths(self, *, progress: Progress = no_progress) -> list[bytes]:
        """Returns every path that a step of any branch changed, ascending."""
        from stepwell.store.catalogue.search import touched

        return touched(self._texts, self._journal, self.catalogue(), progress=progress)

    @property
    def _texts(self) -> Path:
        return self.store / "catalogue"

    def marked_step(self, step: StepId) -> Step:
        """Returns the step with an id, as it is marked now."""
        return self._marked(self._journal.step(step))

    def _marked(self, step: Step) -> Step:
        view = self._journal.view()
        return with_mark(Shown(self._journal, view.dropped).linked(step), view)

    def verify(
        self,
        *,
        full: bool = False,
        sample_percent: float | None = None,
        progress: Progress = no_progress,
    ) -> VerifyReport:
        """Checks every frame of the journal; with `full` every object's bytes too.

        With `sample_percent` so many of them, each day others.
        """
        sample = None
        if sample_percent is not None:
            sample = Sample(sample_percent, self._context.clock() // 86_400_000_000_000)
        report = reading.verify(self._journal, full=full, sample=sample, progress=progress)
        return self._with_search(report) if full else report

    def _with_search(self, report: VerifyReport) -> VerifyReport:
        from stepwell.store.catalogue.textindex import TEXTS, is_sound

        checked = replace(report, checked=report.checked + 1)
        if is_sound(self._texts / TEXTS):
            return checked
        found = Damage("search", TEXTS, reason="the search index is damaged; it can be made anew")
        return replace(checked, damaged=(*report.damaged, found))

    def stats(self) -> Stats:
        """Returns counts and sizes of the store."""
        self._require_history()
        return reading.stats(self._journal, self.store)
