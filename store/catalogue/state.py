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

from stepwell.store.catalogue.batch import Batch
from stepwell.store.catalogue.contents import Contents
from stepwell.store.catalogue.graph import Graph, GraphFile
from stepwell.store.catalogue.shards import Shards, shard_of
from stepwell.store.engine.atomic import make_private_folder, remove_leftovers, system_error
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step

_OF_A_GENERATION = re.compile(r"(?:steps|graph)-([0-9]{1,9})(?:-[0-9]+)?")


class State:
    """What is loaded, up to operation `number`. A `detached` state is ahead of the files."""

    def __init__(self, folder: Path, contents: Contents) -> None:
        self.folder = folder
        self.contents = contents
        self.graph = Graph()
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

    # --- moving forward --------------------------------------------------------------------------

    def take(self, batch: Batch) -> None:
        """Folds a batch, into the files too unless the state is detached.

        Raises:
            NoSpaceError, FailedError: the system said no; the state is to be loaded anew.
            IntegrityError: a file to be written is damaged, or the journal is out of order.
        """
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
        pins = {shard: self.shards.pins[shard] for shard in touched}
        self.contents.commit(batch, self.seq_of, self._graph_file.pin, pins)
        if not self.detached:
            self.shards.deflate_full()

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
        for shard in sorted(self.shards.damaged):
            rows = range(len(self.graph))
            wanted = [row for row in rows if shard_of(self.graph.seqs[row]) == shard]
            steps = [shown.linked(journal.step(self.graph.id_of(row))) for row in wanted]
            self.shards.repair(shard, steps)
            self.contents.commit_pins({shard: self.shards.pins[shard]})


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
