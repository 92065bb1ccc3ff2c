"""The only way from the screens to the store: calls go to background threads, results are messages.

Sources are opened, each with its thread, for reading history, for what looks at or changes the
disk, for searching and for experiments, so that neither a scan of a large tree nor a search of a long history ever
holds up a page of the timeline. Nothing here touches a widget.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from textual.message import Message

from stepwell.tui.feed.commands import Commands
from stepwell.tui.feed.errands import Errands
from stepwell.tui.feed.packing import packed
from stepwell.tui.feed.patches import Sight
from stepwell.tui.feed.pause import Pause, give_back
from stepwell.tui.feed.search import Search, Wanted, load_steps, search_lines, search_steps
from stepwell.tui.feed.statediffs import plan_documents, step_documents
from stepwell.tui.feed.texts import TextSearch, search_texts
from stepwell.tui.feed.wishes import Asked, Rollback, Wish
from stepwell.tui.messages import (
    BranchesLoaded,
    Broke,
    ChangeDone,
    ChangeRefused,
    DiskCompared,
    Failed,
    OperationsLoaded,
    PageLoaded,
    PatchLoaded,
    PlanApplied,
    PlanFailed,
    PlanMade,
    Purpose,
    RoomLooked,
    SessionsLoaded,
    StatsLoaded,
    StepsLoaded,
    TimelineLoaded,
)
from stepwell.tui.model.columns import PAGE, Columns
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.figures import GROWTH_POINTS
from stepwell.tui.model.images import blob_words
from stepwell.tui.model.lanes import LaneMap, lane_map
from stepwell.tui.model.linetext import text_lines
from stepwell.tui.model.turns import TurnBuilder
from stepwell.tui.shaping import (
    columns_of_graph,
    kept_rows,
    newest_rows,
    number_in,
    session_lines,
    tips_of,
)
from stepwell.tui.source import Source
from stepwell.tui.values import (
    Change,
    IntegrityError,
    NotFoundError,
    Oid,
    Operation,
    RefusedError,
    Step,
    StepwellError,
    View,
)

if TYPE_CHECKING:
    from stepwell.store import CaptureConfig
    from stepwell.tui.values import PlannedChanges, Recovery

NEWEST = 64
"""Steps that are read before the shape of the whole history is known."""


_PATIENCE_S = 0.1
"""After so long the first files of a diff are shown, and the others follow."""

_SIZED = 50
"""Binary blobs of a diff that are looked up at most."""


_OPERATIONS = 500
"""Operations that are listed at most."""


Place = Literal["history", "disk", "search", "experiments"]
Call = Callable[[Source], Message | None]
Post = Callable[[Message], object]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace that was found, and how its sources are opened."""

    root: bytes
    open: Callable[[], Source]
    """Called once for each thread, on it."""
    open_whole: Callable[[], Source] | None = None
    """With what knows of experiments, which takes longer to load; None: as `open`."""
    newest: Callable[[int], tuple[View, Sequence[Step]]] | None = None
    """Reads the View and so many of the newest steps, with less to be loaded; None: as `open`."""
    home: Path | None = None
    """The data folder; None: as the environment says."""
    weights: Callable[[], Mapping[str, float]] = dict
    """Gives what counts how much among an experiment's figures."""


def open_workspace(
    root: Path,
    home: Path,
    config: CaptureConfig | None = None,
    weights: Callable[[], Mapping[str, float]] = dict,
) -> Opened:
    """Finds the workspace that holds `root`; its sources are opened when they are needed.

    `config` says how this person captures (None: as the library does by itself), `weights` what
    counts how much among an experiment's figures.

    Raises:
        NotAWorkspaceError: no registered root holds it.
        FormatError: its store was made by a newer version, or cannot be read.
    """
    from stepwell.store.engine import datafolder, registry

    found = registry.locate(os.fsencode(os.path.abspath(root)), home)
    datafolder.check_store(found.store)

    def opened() -> Source:
        from stepwell.store.workspace import Workspace  # the first frame does not wait for it

        return Workspace.open(os.fsdecode(found.root), home=home, config=config)

    def opened_whole() -> Source:
        from stepwell.store.sdk import Workspace

        return Workspace.open(os.fsdecode(found.root), home=home, config=config)

    def newest(limit: int) -> tuple[View, Sequence[Step]]:
        from stepwell.store.newest import newest_steps

        return newest_steps(found.store, found.root, limit)

    return Opened(found.root, opened, opened_whole, newest, home, weights)


def comparing_beside() -> AbstractContextManager[object]:
    """As long as it is entered, a process of its own compares long texts for this one.

    It starts with the first of them. libgit2 would keep the screen from the interpreter meanwhile.
    """
    from stepwell.store.engine import beside

    return beside.used()


class ChosenPart(NamedTuple):
    """What of a plan is to be carried out."""

    paths: Sequence[bytes]
    """Files that are taken whole."""
    hunks: Sequence[str]
    """Ids of hunks of other files."""
    force: bool
    """What would lose something was agreed to."""


class Gateway:
    """Asks the store on behalf of the screens; `post` takes the answers, from any thread."""

    def __init__(
        self, opened: Opened, post: Post, by: str = "", pause: Pause | None = None
    ) -> None:
        """`by` signs notes; empty: they are not signed. `pause` knows when keys come."""
        self.opened = opened
        self._pause = pause or Pause()
        self.by = by
        self._post = post
        self._sources: dict[Place, Source] = {}
        self._opening = Lock()
        self._errands: dict[Place, Errands] = {
            "history": Errands("stepwell-history"),
            "disk": Errands("stepwell-disk"),
            "search": Errands("stepwell-search"),
            "experiments": Errands("stepwell-experiments"),
        }
        self.commands = Commands(os.fsdecode(opened.root), opened.home, _inside)
        """What the `:` line runs."""
        self._searches: dict[Purpose, int] = {}
        self._patch: int | None = None
        self._large: set[Oid] = set()
        """Blobs that are known to be beyond a limit: none is read again and again for its colours."""
        self._lanes: LaneMap | None = None
        self._turns = TurnBuilder()

    @property
    def root(self) -> bytes:
        """The workspace's folder."""
        return self.opened.root

    @property
    def idle(self) -> bool:
        """Nothing is asked that was not answered."""
        return not self.commands.busy and all(one.idle for one in self._errands.values())

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

        A later call with the same key takes the place of one that has not begun, unless it
        `must_finish`. `what` completes the sentence "cannot ..." of a Failed. `to` takes the answer instead of the main screen.
        """

        def work() -> None:
            answer = self._answer(what, lambda: call(self._source(place)))
            if answer is not None:
                (to or self._post)(answer)

        self._errands[place].ask(key, work, must_finish=must_finish)

    def _answer(self, what: str, call: Callable[[], _Answer]) -> _Answer | Message:
        try:
            return call()
        except StepwellError as error:
            return Failed(what, error)
        except Exception as error:  # a defect must be seen, not lost with its thread
            return Broke(error)

    def _source(self, place: Place) -> Source:
        if place not in self._sources:
            with self._opening:
                whole = self.opened.open_whole if place == "experiments" else None
                self._sources[place] = (whole or self.opened.open)()
        elif place != "history":
            self._sources[place].refresh()
        return self._sources[place]

    def close(self) -> None:
        """Ends the threads (after a change of the workspace that is under way) and the sources.

        A source that a thread still reads from is left to the end of the process.
        """
        self._searches.clear()
        self.commands.close()
        for place, errands in self._errands.items():
            errands.stop()
            if errands.idle and place in self._sources:
                self._sources.pop(place).close()

    def load_timeline(self) -> None:
        """Reads the newest steps, without what `reload` tells of all; TimelineLoaded."""

        def work() -> None:
            self._post(self._answer("read the timeline", self._first_rows))

        self._errands["history"].ask("timeline", work)

    def poll(self) -> None:
        """Looks whether another process added to the store; TimelineLoaded if so."""
        self.ask("history", "poll", "look for new steps", self._grown)

    def reload(self) -> None:
        """Reads the shape of everything anew; TimelineLoaded."""
        self.ask("history", "timeline", "read the timeline", self._whole_shape)

    def _first_rows(self) -> Message:
        view, newest = (self.opened.newest or self._newest)(NEWEST)
        return newest_rows(view, newest, complete=len(newest) < NEWEST)

    def _newest(self, limit: int) -> tuple[View, Sequence[Step]]:
        source = self._source("history")
        return source.view(), source.steps(limit=limit, all_branches=True)

    def _grown(self, source: Source) -> Message | None:
        return self._whole_shape(source) if source.refresh() else None

    def _whole_shape(self, source: Source) -> Message:
        newest = source.steps(limit=NEWEST, all_branches=True)
        graph, view = source.graph(), source.view()
        tips = tips_of(view, lambda step: number_in(graph, step))
        merges = source.merges() if any(graph.others) else {}
        kept = kept_rows(view, graph, tips)
        columns = columns_of_graph(graph, merges, self._turns, kept)
        self._lanes = lane_map(columns, tips.head, self._lanes)
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

    def load_steps(self, seqs: Sequence[int]) -> None:
        """Reads single steps; StepsLoaded."""
        self.ask(
            "history", "steps", "read steps", lambda source: StepsLoaded(load_steps(source, seqs))
        )

    def search_steps(
        self, purpose: Purpose, generation: int, wanted: Wanted, newer_than: int = 0
    ) -> None:
        """Looks through the history, newest first; StepsFound again and again."""
        is_current = self._searching(purpose, generation)

        def call(source: Source) -> None:
            ask = Search(purpose, generation, wanted, newer_than, is_current, self._pause.rest)
            search_steps(source, ask, self._post)

        self.ask("search", purpose, "search the timeline", call)

    def search_lines(self, generation: int, rows: DiffRows, needle: str) -> None:
        """Looks through the lines of a diff; LinesFound again and again."""
        is_current = self._searching("find", generation)

        def call(source: Source) -> None:
            search_lines(rows, needle, generation, is_current, self._post)

        self.ask("search", "find", "search the diff", call)

    def search_texts(self, to: Post, generation: int, query: str, now: datetime) -> None:
        """Looks through all texts, newest step first; TextsFound to `to` again and again."""
        is_current = self._searching("texts", generation)

        def call(source: Source) -> None:
            search_texts(
                source, TextSearch(generation, query, now, is_current, self._pause.rest), to
            )

        self.ask("search", "texts", "search", call, to=to)

    def load_sessions(self, to: Post) -> None:
        """Reads the sessions; SessionsLoaded to `to`."""
        self.ask(
            "search",
            "sessions",
            "read the sessions",
            lambda source: SessionsLoaded(session_lines(source)),
            to=to,
        )

    def load_stats(self, to: Post) -> None:
        """Reads counts and sizes, the tiers and the room that is left; StatsLoaded to `to`."""
        self.ask("search", "stats", "read the figures", _stats, to=to)

    def look_for_room(self) -> None:
        """Looks whether the store comes near its limit or the disk's end; RoomLooked."""
        self.ask("disk", "room", "look for room", lambda source: RoomLooked(source.room()))

    def tell_main(self, message: Message) -> None:
        """Hands a message to the main screen."""
        self._post(message)

    def _searching(self, purpose: Purpose, generation: int) -> Callable[[], bool]:
        self._searches[purpose] = generation
        return lambda: self._searches.get(purpose) == generation

    def stop_search(self, purpose: Purpose) -> None:
        """Ends a search that is under way."""
        self._searches.pop(purpose, None)

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

    def load_branches(self, to: Post) -> None:
        """Reads the branches; BranchesLoaded to `to`."""

        def call(source: Source) -> Message:
            source.refresh()
            rows = source.branches()
            return BranchesLoaded([(row, source.get_step(row.head)) for row in rows])

        self.ask("history", "branches", "read the branches", call, to=to)

    def change(self, to: Post, what: str, call: Callable[[Source], ChangeDone]) -> None:
        """Changes marks or branches; ChangeDone or ChangeRefused to `to`."""

        def work(source: Source) -> Message:
            try:
                return call(source)
            except StepwellError as error:
                return ChangeRefused(error)

        self.ask("disk", "change", what, work, to=to, must_finish=True)

    def load_patch(self, generation: int, sight: Sight) -> None:
        """Reads a diff; PatchLoaded."""

        def call(source: Source) -> None:
            was_large = False
            states = step_documents(source, sight.step, sight.base)
            for files, unread in _growing(source, sight):
                if self._patch != generation:
                    break
                if files is not None:
                    changes = (*files, *states)
                    unread += len(states) if unread else 0
                    said = _said(source, sight) if not changes else ()
                    rows = DiffRows(changes, _told(source, changes), said, unread)
                    self._post(PatchLoaded(generation, sight.key, rows))
                else:
                    was_large = True
                    self._pause.rest()
            if was_large:
                give_back()

        self._patch = generation
        self.ask("history" if sight.step else "disk", "patch", "read the changes", call)

    def expect_large(self) -> None:
        """A large diff is probably asked for next: makes ready what compares it."""
        from stepwell.store.engine import beside

        self.ask("history", "expect", "make ready", lambda source: beside.expect())

    def forget_patch(self) -> None:
        """Stops reading a diff that nobody waits for any more, between two of its files."""
        self._patch = None

    def read_blobs(
        self,
        oids: Sequence[Oid],
        limit: int,
        then: Callable[[Mapping[Oid, bytes]], None],
        reader: str = "blobs",
    ) -> None:
        """Calls `then`, on the history's thread, with those that are stored and within `limit`.

        A later wish of the same `reader` takes the place of one that has not begun.
        """

        def call(source: Source) -> None:
            found = ((oid, _blob(source, oid)) for oid in oids if oid not in self._large)
            read = {oid: data for oid, data in found if data is not None}
            self._large |= {oid for oid, data in read.items() if len(data) > limit}
            then({oid: data for oid, data in read.items() if len(data) <= limit})

        self.ask("history", reader, "read files", call)

    def make_plan(self, to: Post, generation: int, wish: Wish) -> None:
        """Plans what is wished for; PlanMade or PlanFailed to `to`.

        What a crash had interrupted is settled first, as before every change: a plan of a disk that
        is still on its way would be void.
        """

        def call(source: Source) -> Message:
            try:
                recovered = source.settle() if source.view().intent is not None else None
                if recovered is not None:
                    self.reload()
                    self.compare_disk()
                return _planned(source, generation, wish, recovered)
            except StepwellError as error:
                return PlanFailed(generation, error)

        self.ask(_place_of(wish), "plan", "plan the change", call, to=to)

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
                with _fenced(source, wish):
                    if isinstance(shown, Operation):
                        return PlanApplied(wish.carry_out(source, shown))
                    return PlanApplied(source.apply(shown, force=force))
            except StepwellError as error:
                return PlanFailed(generation, error)

        self.ask(_place_of(wish), "apply", "apply the plan", call, to=to, must_finish=True)

    def apply_part(
        self, to: Post, generation: int, wish: Rollback, shown: PlannedChanges, part: ChosenPart
    ) -> None:
        """Carries out the chosen part of what was shown; PlanApplied or PlanFailed to `to`."""
        from stepwell.tui.model.planrows import check_part

        def call(source: Source) -> Message:
            try:
                made = wish.plan_part(source, part.paths, part.hunks)
                problem = check_part(shown.plan, made.plan, part.force)
                if problem is not None:
                    raise RefusedError(f"nothing was changed: {problem}")
                return PlanApplied(source.apply(made, force=part.force))
            except StepwellError as error:
                return PlanFailed(generation, error)

        self.ask("disk", "apply", "apply the plan", call, to=to, must_finish=True)


def _place_of(wish: Wish) -> Place:
    return "experiments" if isinstance(wish, Asked) and wish.whole else "disk"


def _fenced(source: Source, wish: Wish) -> AbstractContextManager[None]:
    fence = wish.fence if isinstance(wish, Asked) else None
    return nullcontext() if fence is None else source.writing_as(fence)


def environment() -> Mapping[str, str]:
    """Returns the environment of this process, for programs that the person chose in it."""
    from stepwell.store.environment import process_environment

    return process_environment()


def _inside() -> Any:
    from stepwell.store.cli import inside  # loaded with the first command

    return inside


def read_filter(query: str, now: datetime) -> Wanted:
    """Returns the filter that a query spells; raises StepwellError with `position` as a fact."""
    from stepwell.store.engine.filters import parse  # the first frame does not wait for it

    return parse(query, now)


def filter_words() -> tuple[Sequence[str], dict[str, Sequence[str]]]:
    """Returns the keys of the filter grammar, and the values of those that have few."""
    from stepwell.store.engine.filters import KEYS, KINDS, STATUSES

    return KEYS, {"kind": KINDS, "status": STATUSES}


def _compared(source: Source) -> Message:
    status = source.status()
    pending = status.pending.kind if status.pending else None
    return DiskCompared(status.head.seq, tuple(status.dirty), pending, status.merging)


def _planned(
    source: Source, generation: int, wish: Wish, recovered: Recovery | None = None
) -> Message:
    found = wish.plan(source)
    if isinstance(found, Operation):
        return PlanMade(generation, None, None, found, recovered)
    changes = (*found.changes, *plan_documents(source, found.plan))
    rows = DiffRows(changes, _told(source, found.changes))
    return PlanMade(generation, found, rows, None, recovered)


def _growing(source: Source, sight: Sight) -> Iterator[tuple[Sequence[Change] | None, int]]:
    """Yields a diff's changes and how many of them lack their lines; (None, 0) between two files.

    What takes long is yielded twice: the first files when they are there, and all.
    """
    if sight.step is None:
        base = sight.base or source.status().head
        found = source.diff(base, context=sight.context, ignore_space=sight.ignore_space)
        yield tuple(map(packed, found)), 0
        return
    files = source.changed_files(sight.step, since=sight.base)
    begun, told, whole = time.monotonic(), False, list[Change]()
    for change in files:
        read = source.with_lines(change, context=sight.context, ignore_space=sight.ignore_space)
        whole.append(packed(read))
        if whole[-1] is not read:
            # Else what was compared adds up, file by file.
            del read
            give_back()
        left = files[len(whole) :]
        if left and not told and time.monotonic() - begun > _PATIENCE_S:
            told = True
            yield (*whole, *left), len(left)
        elif told:
            yield None, 0
    yield whole, 0


def _said(source: Source, sight: Sight) -> Sequence[str]:
    """What a step that changed no file is about: what its command wrote, else what it was asked."""
    step = sight.step
    if step is None or sight.base is not None:
        return ()
    for oid, is_prose in ((step.result_text, False), (step.prompt, True), (step.input, False)):
        found = _blob(source, oid) if oid is not None else None
        if found:
            answer = _blob(source, step.said) if step.said and step.kind == "prompt" else None
            more = ["", *text_lines(answer, is_prose=True)] if answer else []
            return [*text_lines(found, is_prose=is_prose), *more]
    return ()


def _blob(source: Source, oid: Oid) -> bytes | None:
    """What the disk holds may be in no step: its bytes are not in the store."""
    try:
        return source.blob(oid)
    except (NotFoundError, IntegrityError):
        return None


def _told(source: Source, changes: Sequence[Change]) -> dict[Oid, str]:
    blobs = {blob for c in changes if c.binary for blob in (c.old_blob, c.new_blob) if blob}
    found = ((oid, _blob(source, oid)) for oid in sorted(blobs)[:_SIZED])
    return {oid: blob_words(data) for oid, data in found if data is not None}


def _stats(source: Source) -> Message:
    from stepwell.store.service.metrics import last_timings  # asyncio's servers are loaded with it

    stats, growth = source.stats(), source.graph().growth(GROWTH_POINTS)
    return StatsLoaded(stats, source.tiers(), source.room(), growth, last_timings(source))
