"""All files of the catalogue as far as they are loaded, and how they move forward together.

The order of writing is what makes a crash harmless: step files and the graph grow first, beyond
their pins, where nothing counts; the commit of the main file moves the pins and the number at
once. The next writer overwrites what a crash left beyond the pins.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from stepwell.store.catalogue.batch import Batch, united
from stepwell.store.catalogue.contents import Contents, Settled
from stepwell.store.catalogue.graph import FAILED, NO_SESSION, Graph, GraphFile
from stepwell.store.catalogue.shards import Shards, shard_of
from stepwell.store.engine.accounts import with_account
from stepwell.store.engine.atomic import make_private_folder, remove_leftovers, system_error
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Account, AccountSet, Step

_OF_A_GENERATION = re.compile(r"(?:steps|graph|rows)-([0-9]{1,9})(?:-[0-9]+)?")


class State:
    """What is loaded, up to operation `number`. A `detached` state is ahead of the files."""

    def __init__(self, folder: Path, contents: Contents) -> None:
        self.folder = folder
        self.contents = contents
        self.graph = Graph()
        self.later: dict[StepId, Account] = {}
        """Of a detached state: what came to steps afterwards, and is not in the files."""
        self._generation = contents.meta.generation
        self.shards = Shards(folder, self._generation, contents.shard_pins())
        self._graph_file = GraphFile(folder / f"graph-{self._generation}")
        self._read_graph()

    @classmethod
    def load(cls, folder: Path) -> State:
        """Reads the files; step files only when steps are wanted.

        Raises:
            IntegrityError: they are absent or damaged.
        """
        return cls(folder, Contents.load(folder))

    @classmethod
    def empty(cls, folder: Path) -> State:
        """Returns a detached state of nothing; touches no file."""
        return cls(folder, Contents.empty(folder, 0))

    @classmethod
    def found(cls, folder: Path) -> State:
        """Begins a new, empty generation of files and removes all older ones.

        Raises:
            NoSpaceError, FailedError: the system said no.
        """
        try:
            make_private_folder(folder)
            generation = max(_generations(folder), default=0) + 1
            contents = Contents.empty(folder, generation)
            contents.found()
            _remove_other_generations(folder, generation)
        except OSError as error:
            raise system_error(error, "making the catalogue", folder) from error
        return cls(folder, contents)

    @property
    def number(self) -> int:
        """The last operation folded."""
        return self.contents.meta.number

    @property
    def detached(self) -> bool:
        """True when changes stay in memory."""
        return self.contents.detached

    def reloaded(self) -> State:
        """Returns the state of the files now, read anew; what is known to be damaged stays known.

        Raises:
            IntegrityError: they are damaged beyond step files.
        """
        state = State.load(self.folder)
        state.shards.damaged |= self.shards.damaged
        return state

    def refreshed(self) -> State:
        """Returns the state of the files now: this one moved forward, or another one.

        Raises:
            IntegrityError: the files are damaged; this state must not be used any more.
        """
        if self.detached:
            return State.load(self.folder)
        try:
            if not self.contents.refresh():
                return self
        except IntegrityError:
            # Compacted by another process, which gives the file another chain, or damaged.
            return State.load(self.folder)
        if self.contents.meta.generation != self._generation:
            return State(self.folder, self.contents)
        self.shards.follow(self.contents.shard_pins())
        self._read_graph()
        return self

    def _read_graph(self) -> None:
        self.graph.load(self._graph_file.read(self.contents.meta.graph))
        for seq, failed in self.contents.settled().items():
            self.graph.settle(seq, failed)

    def agrees_with(self, journal: Journal) -> bool:
        """Tells whether this is a catalogue of that journal, and not of more than it holds."""
        meta = self.contents.meta
        if meta.number == 0:
            return True
        if meta.number > journal.last_number:
            journal.refresh()
        if meta.number > journal.last_number:
            return False
        try:
            return journal.operation(meta.number).id == meta.operation
        except IntegrityError:
            # The journal knows the operation and cannot read it; its steps are better kept.
            return True

    def take(self, batch: Batch) -> None:
        """Folds a batch, into the files too unless the state is detached.

        Raises:
            NoSpaceError, FailedError: the system said no; the state is to be loaded anew.
            IntegrityError: a file to be written is damaged, or the journal is out of order.
        """
        batch.steps = [_told(step, batch.accounts.get(step.id)) for step in batch.steps]
        own = {step.id for step in batch.steps}
        earlier = {step: told for step, told in batch.accounts.items() if step not in own}
        sessions = self.contents.number_sessions(batch.steps)
        steps: list[Step] = []
        records: list[bytes] = []
        for step in batch.steps:
            if not self._knows(step):
                steps.append(step)
                records.append(self._add_to_graph(step, sessions))
        touched: set[int] = set()
        if steps and not self.detached:
            touched = self.shards.append(steps)
            self._graph_file.append(b"".join(records))
        batch.steps = steps
        settled = self._settle(earlier)
        if not self.detached:
            touched |= self._amend(earlier)
        pins = {shard: self.shards.pins[shard] for shard in touched}
        self.contents.commit(batch, self.seq_of, self._graph_file.pin, pins, settled)
        if self.detached:
            self.later |= {
                step: united(self.later.get(step), told) for step, told in batch.accounts.items()
            }
        if not self.detached:
            self.shards.deflate_full()

    def _settle(self, accounts: Mapping[StepId, Account]) -> list[Settled]:
        """Notes in the graph which earlier steps failed after all, or did not, and returns them."""
        found: list[Settled] = []
        graph = self.graph
        for step, account in accounts.items():
            row = graph.row_of_id(step)
            if row is None or account.result is None:
                continue
            failed = not account.result.ok
            if failed != bool(graph.flags[row] & FAILED):
                session = graph.sessions[row] if graph.kind(row) == "tool" else NO_SESSION
                found.append(Settled(graph.seqs[row], session, failed))
                graph.settle(graph.seqs[row], failed)
        return found

    def _amend(self, accounts: Mapping[StepId, Account]) -> set[int]:
        """Puts accounts to earlier steps in their files; returns the shards that it wrote.

        Raises:
            IntegrityError: one is damaged. Without the accounts in it, and with its old pin, what was
                made of it before would count as being of it for ever.
        """
        seqs = sorted(seq for step in accounts if (seq := self.seq_of(step)) is not None)
        steps = self.shards.steps(seqs).values()
        for seq in seqs:
            if shard_of(seq) in self.shards.damaged:
                raise IntegrityError(f"the file of step {seq} in the catalogue is damaged")
        new = [_told(step, accounts[step.id]) for step in steps if step.id in accounts]
        return self.shards.replace(new) if new else set()

    def _knows(self, step: Step) -> bool:
        if step.seq > self.graph.last_seq:
            return False
        if self.graph.row_of_id(step.id) is None:
            raise IntegrityError(
                f"step {step.id} has the number {step.seq}, below that of an earlier one",
                hint="run stepwell verify",
                step=step.id,
            )
        return True

    def _add_to_graph(self, step: Step, sessions: Mapping[str, int]) -> bytes:
        return self.graph.add(step, sessions[step.session] if step.session is not None else 0)

    def seq_of(self, step: StepId) -> int | None:
        """Returns the number of a step; None when it is not known."""
        row = self.graph.row_of_id(step)
        return None if row is None else self.graph.seqs[row]

    def repair(self, journal: Journal) -> None:
        """Writes damaged step files anew from the journal.

        Raises:
            NoSpaceError, FailedError: the system said no.
            IntegrityError, NotFoundError: the journal cannot give a step.
        """
        shown = Shown(journal, journal.view().dropped)
        later = accounts_in(journal) if self.shards.damaged else {}
        for shard in sorted(self.shards.damaged):
            rows = range(len(self.graph))
            wanted = [row for row in rows if shard_of(self.graph.seqs[row]) == shard]
            found = [shown.linked(journal.step(self.graph.id_of(row))) for row in wanted]
            steps = [_told(step, later.get(step.id)) for step in found]
            self.shards.repair(shard, steps)
            self.contents.commit_pins({shard: self.shards.pins[shard]})


def accounts_in(journal: Journal) -> dict[StepId, Account]:
    """Returns all accounts that a journal holds; reads the whole of it."""
    found: dict[StepId, Account] = {}
    for operation in journal.operations():
        for effect in operation.effects:
            if isinstance(effect, AccountSet):
                found[effect.step] = united(found.get(effect.step), effect.account)
    return found


def _told(step: Step, account: Account | None) -> Step:
    return step if account is None else with_account(step, account)


def _generations(folder: Path) -> set[int]:
    found = map(_OF_A_GENERATION.fullmatch, os.listdir(folder))
    return {int(match[1]) for match in found if match is not None}


def _remove_other_generations(folder: Path, kept: int) -> None:
    remove_leftovers(folder)
    for name in os.listdir(folder):
        match = _OF_A_GENERATION.fullmatch(name)
        if match is not None and int(match[1]) != kept:
            _remove(folder / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
