"""The catalogue: pages of steps, sessions and checkpoints without reading the whole journal.

The journal is the truth. The catalogue folds it, operation by operation, into files of its own,
and can be deleted at any time. When it cannot write them (another process does, the disk is full
or read-only, they are damaged), it folds in memory what they lack, and answers the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

from stepwell.store.catalogue.batch import gather
from stepwell.store.catalogue.contents import NAME
from stepwell.store.catalogue.folderlock import check_folder, locked_folder
from stepwell.store.catalogue.graph import NO_STEP, Graph
from stepwell.store.catalogue.rendered import Rendering
from stepwell.store.catalogue.rows import CheckpointRow, SessionRow
from stepwell.store.catalogue.shards import shard_of
from stepwell.store.catalogue.sieve import Sieve
from stepwell.store.catalogue.sifting import Sifted, Sifting
from stepwell.store.catalogue.state import State
from stepwell.store.engine.accounts import with_account
from stepwell.store.engine.atomic import remove_leftovers
from stepwell.store.engine.filters import Filter
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.model.errors import BusyError, FailedError, IntegrityError, NotFoundError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Branch, PurgeSet, Step, StepsDropped

if TYPE_CHECKING:
    from stepwell.store.engine.tiers.ready import Key


class Catalogue:
    """A reader of the catalogue, which also keeps it up when it may. Threads may share one.

    Steps come without marks; those are in the View.
    """

    def __init__(self, folder: Path, journal: Journal, *, writable: bool) -> None:
        self.rebuilt = False
        """True when damaged or foreign files were replaced, from the whole journal."""
        self.failure: FailedError | None = None
        """Why the files could not be written last time; None when they could, or need not be."""
        self._folder = folder
        self._journal = journal
        self._writable = writable
        self._cleared = False
        self._mutex = threading.RLock()
        self._state = _loaded(folder, journal)

    @classmethod
    def open(cls, folder: Path, journal: Journal, *, writable: bool) -> Self:
        """Opens the catalogue of a journal, caught up with it. The journal stays the caller's.

        Damage is no error: the files are made anew, or, when not `writable`, left aside.

        Raises:
            IntegrityError: the journal itself is damaged.
        """
        catalogue = cls(folder, journal, writable=writable)
        catalogue.catch_up()
        return catalogue

    def close(self) -> None:
        """Lets go of what is loaded; calling it again does nothing."""
        self._state = State.empty(self._folder)

    @property
    def number(self) -> int:
        """The last operation folded."""
        return self._state.number

    def catch_up(self) -> int:
        """Folds the operations that the journal has above `number`; returns how many.

        Raises:
            IntegrityError: the journal itself is damaged.
        """
        with self._mutex:
            before = self.number
            done = before == self._journal.last_number and not self._repairable()
            if done and (self._cleared or not self._writable or not self._folder.exists()):
                return 0
            try:
                with locked_folder(self._folder, self._writable) as locked:
                    if not (locked and self._write()):
                        self._fold_in_memory()
            except BaseException:
                # A batch may be half folded: only what the files hold is sure.
                self._state = _loaded(self._folder, self._journal)
                raise
            return self.number - before

    def graph(self) -> Graph:
        """Returns all steps as columns; catching up extends or replaces it."""
        return self._state.graph

    def count(self) -> int:
        """Returns the number of steps."""
        return len(self._state.graph)

    def page(self, before_seq: int | None, limit: int) -> list[Step]:
        """Returns up to `limit` steps below a step number (None: from the newest), newest first."""
        return self._steps(islice(self._rows_below(before_seq), max(limit, 0)))

    def chain(self, head_seq: int, limit: int, before: int | None = None) -> list[Step]:
        """Returns up to `limit` steps from a head down its first parents, newest first.

        With `before` only steps with a lower number. An unknown head gives none.
        """
        graph = self._state.graph
        head = graph.row_of(head_seq)
        if head is None:
            return []
        top = len(graph) if before is None else graph.row_at(before)
        return self._steps(islice((r for r in graph.chain(head) if r < top), max(limit, 0)))

    def step_by_seq(self, seq: int) -> Step | None:
        """Returns the step with a number."""
        row = self._state.graph.row_of(seq)
        return None if row is None else self._steps([row])[0]

    def step(self, step: StepId) -> Step | None:
        """Returns the step with an id."""
        row = self._state.graph.row_of_id(step)
        return None if row is None else self._steps([row])[0]

    def merges(self) -> dict[int, tuple[int, ...]]:
        """Returns step number -> further parents' numbers, for the steps that have more than one."""
        found = self._state.graph.merges()
        for step in self._steps(self._state.graph.octopuses()):
            known = (self._state.seq_of(parent) for parent in step.parents[1:])
            found[step.seq] = tuple(seq for seq in known if seq is not None)
        return found

    def parents_of(self) -> Callable[[int], Sequence[int]]:
        """Returns what gives the numbers of a step's parents, by the step's number."""
        graph = self._state.graph
        further: dict[int, tuple[int, ...]] = {}
        if graph.octopuses():
            further = self.merges()

        def parents(seq: int) -> Sequence[int]:
            row = graph.row_of(seq)
            if row is None:
                return ()
            first = graph.parents[row]
            others = further.get(seq, ()) if further else (graph.others[row],)
            return [parent for parent in (first, *others) if parent != NO_STEP]

        return parents

    def sessions(self) -> list[SessionRow]:
        """Returns the sessions, that with the newest step first."""
        return self._state.contents.sessions()

    def session_steps(self, name: str, before_seq: int | None, limit: int) -> list[Step]:
        """Returns up to `limit` steps of a session below a step number, newest first."""
        return self._steps(self._session_rows(name, before_seq, limit))

    def session_places(self, name: str, before_seq: int | None, limit: int) -> dict[int, StepId]:
        """Returns the ids of the same steps by number, in their order, without reading any."""
        graph = self._state.graph
        rows = self._session_rows(name, before_seq, limit)
        return {graph.seqs[row]: graph.id_of(row) for row in rows}

    def keys(self, seqs: Iterable[int]) -> list[Key]:
        """Returns the `key_of` of the steps with these numbers, as far as there are any, read from none."""
        from stepwell.store.engine.tiers.ready import Key  # all that compares is loaded with it

        graph = self._state.graph
        rows = [row for seq in seqs if (row := graph.row_of(seq)) is not None]
        parents = [graph.row_of(graph.parents[row]) for row in rows]
        return [
            Key(graph.id_of(row), None if parent is None else graph.id_of(parent))
            for row, parent in zip(rows, parents, strict=True)
        ]

    def numbered(self, seqs: Iterable[int]) -> list[Step]:
        """Returns the steps with these numbers, as far as there are any, in the same order."""
        rows = (self._state.graph.row_of(seq) for seq in seqs)
        return self._steps(row for row in rows if row is not None)

    def rendered(
        self, rendering: Rendering, seqs: Iterable[int], *, at_hand: bool = False
    ) -> dict[int, bytes]:
        """Returns what a rendering makes of the steps with these numbers, by number.

        Where something is damaged, or could not be written, there is nothing: `numbered` has them. With
        `at_hand` nothing is read or made for it: there is what is in memory.
        """
        if self._state.later:
            return {}
        with self._mutex:
            return rendering.texts(self._state.shards, seqs, at_hand=at_hand)

    def samples(self) -> list[int]:
        """Returns the numbers of some steps, such that a rendering of them makes all ready."""
        shards, seqs = self._state.shards, self._state.graph.seqs
        first = {shard_of(seq): seq for seq in reversed(seqs)}
        last = first.pop(max(first, default=0), len(seqs))
        return [
            *(seq for shard, seq in first.items() if shards.is_full(shard)),
            *(seq for seq in seqs[bisect_left(seqs, last) :]),
        ]

    def sift(
        self,
        wanted: Filter,
        fits: Callable[[Step], bool],
        *,
        marked: Iterable[StepId] = (),
        newer_than: int = 0,
    ) -> Iterator[Sifted]:
        """Yields which steps fit a filter, newest first, one stretch of the history after another.

        Where columns and stored texts do not settle it, `fits` is asked; so it is for the `marked`
        steps, whose marks are not known here.
        """
        state = self._state
        rows = {row for step in marked if (row := state.graph.row_of_id(step)) is not None}
        sieve = Sieve(wanted, state.graph, state.contents.session_names(), rows)
        return Sifting(state, sieve, fits, self._whole, self._mutex).stretches(newer_than)

    def checkpoints(self, label: str | None = None, tag: str | None = None) -> list[CheckpointRow]:
        """Returns the marked steps, the newest first; with that label, with that tag."""
        return self._state.contents.checkpoints(label, tag)

    def branches(self) -> list[Branch]:
        """Returns the branches by name."""
        return self._state.contents.branches()

    @property
    def current(self) -> str:
        """Name of the current branch."""
        return self._state.contents.meta.current

    def _session_rows(self, name: str, before_seq: int | None, limit: int) -> Sequence[int]:
        """Returns the rows of a session's steps, newest first."""
        graph, number = self._state.graph, self._state.contents.session_number(name)
        if number is None or limit < 1:
            return ()
        rows = graph.session_rows(number)
        top = len(rows) if before_seq is None else bisect_left(rows, graph.row_at(before_seq))
        return rows[max(0, top - limit) : top][::-1]

    def _rows_below(self, before_seq: int | None) -> Iterator[int]:
        graph = self._state.graph
        top = len(graph) if before_seq is None else graph.row_at(before_seq)
        return iter(range(top - 1, -1, -1))

    def _steps(self, rows: Iterable[int]) -> list[Step]:
        graph = self._state.graph
        wanted = list(rows)
        with self._mutex:
            found = self._state.shards.steps(graph.seqs[row] for row in wanted)
        return [self._whole(found.get(graph.seqs[row]), graph.id_of(row)) for row in wanted]

    def _whole(self, step: Step | None, identity: StepId) -> Step:
        # Steps folded in memory only, and those of damaged files, are in the journal.
        found = step if step is not None and step.id == identity else self._journal.step(identity)
        later = self._state.later.get(identity)
        return found if later is None else with_account(found, later)

    def _repairable(self) -> bool:
        return self._writable and bool(self._state.shards.damaged)

    def _write(self) -> bool:
        """Brings the files forward, under the lock; returns False when the system said no."""
        try:
            self._clear_leftovers()
            self._follow_or_found()
            self._fold_into_files()
        except FailedError as error:
            self.failure = error
            self._state = _loaded(self._folder, self._journal)
            return False
        self.failure = None
        return True

    def _clear_leftovers(self) -> None:
        if not self._cleared:
            with contextlib.suppress(OSError):
                remove_leftovers(self._folder)
            self._cleared = True

    def _follow_or_found(self) -> None:
        state = self._followed()
        if state is None:
            had_files = os.path.lexists(self._folder / NAME)
            self.rebuilt = self.rebuilt or had_files
            state = State.found(self._folder)
        self._state = state

    def _fold_into_files(self) -> None:
        # A file that was fine when it was last read may not be any more: a step file is repaired,
        # anything else begun anew. What is raised after that is about the journal.
        for again in (self._repairable_state, self._new_state):
            try:
                self._repair_and_fold()
                return
            except (IntegrityError, NotFoundError):
                self._state = again()
        self._repair_and_fold()

    def _repairable_state(self) -> State:
        if self._state.shards.damaged:
            with contextlib.suppress(IntegrityError):
                return self._state.reloaded()
        return self._new_state()

    def _new_state(self) -> State:
        self.rebuilt = True
        return State.found(self._folder)

    def _repair_and_fold(self) -> None:
        if self._state.shards.damaged:
            self._state.repair(self._journal)
            self.rebuilt = True
        self._fold()

    def _fold_in_memory(self) -> None:
        if not self._state.detached:
            self._state = self._followed() or _loaded(self._folder, self._journal)
        if self.number < self._journal.last_number:
            self._state.contents.detach()
            self._fold()

    def _followed(self) -> State | None:
        with contextlib.suppress(IntegrityError, NotFoundError):
            state = self._state.refreshed()
            return state if state.agrees_with(self._journal) else None
        return None

    def _fold(self) -> None:
        if self.number and _drops(self._journal, self.number):
            self._state = State.empty(self._folder) if self._state.detached else self._without()
        shown = Shown(self._journal, self._journal.view().dropped)
        operations = self._journal.operations(self.number)
        while (batch := gather(operations, shown)) is not None:
            self._state.take(batch)

    def _without(self) -> State:
        """Begins new files, for when steps were dropped, or are shown again."""
        # What steps changed is told against what is shown before them.
        _remove_texts(self._folder)
        return State.found(self._folder)


def _remove_texts(folder: Path) -> None:
    from stepwell.store.catalogue.textindex import TEXTS, remove_index  # SQLite is loaded with it

    remove_index(folder / TEXTS)


def _loaded(folder: Path, journal: Journal) -> State:
    """Returns what the files hold, or nothing when that is of no use."""
    with contextlib.suppress(IntegrityError, NotFoundError):
        state = State.load(folder)
        if state.agrees_with(journal):
            return state
    return State.empty(folder)


def _drops(journal: Journal, after: int) -> bool:
    """Tells whether steps were dropped, brought back, or purged of content, after an operation."""
    effects = (effect for one in journal.operations(after) for effect in one.effects)
    return any(isinstance(effect, StepsDropped | PurgeSet) for effect in effects)


def rebuild(folder: Path, journal: Journal) -> int:
    """Throws the catalogue's files away and folds the whole journal; returns the number of steps.

    Raises:
        BusyError: another process is writing the catalogue.
        NoSpaceError, FailedError: the system said no.
        IntegrityError: the journal itself is damaged.
    """
    check_folder(folder)
    with locked_folder(folder, True) as locked:
        if not locked:
            raise BusyError(
                f"the catalogue {folder} is being written by another process",
                hint="wait until it is done and try again",
            )
        _remove_texts(folder)
        state = State.found(folder)
        shown = Shown(journal, journal.view().dropped)
        operations = journal.operations()
        while (batch := gather(operations, shown)) is not None:
            state.take(batch)
        return len(state.graph)
