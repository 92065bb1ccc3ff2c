"""The sealed part of a journal, as its readers see it: operations 1 to `last`, and all objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

from stepwell.store.engine.manifest import Manifest
from stepwell.store.engine.sealing.commits import step_of_commit
from stepwell.store.engine.sealing.history import SealedOperations, chunks_of, history_entries
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.engine.sealing.refs import operations_commit, refs_digest
from stepwell.store.engine.sealing.sealedindex import (
    Chunk,
    SealedIndex,
    SealedRows,
    encode_index,
    index_path,
    write_index,
)
from stepwell.store.model.errors import (
    FailedError,
    IntegrityError,
    ObjectDamagedError,
    ObjectMissingError,
)
from stepwell.store.model.ids import Oid, StepId, oid_from_hex
from stepwell.store.model.steps import Operation, Step, StepRecorded


class SealedPart:
    """What the manifest says is sealed. Its index is made anew in memory when the file is gone."""

    def __init__(self, store: Path, manifest: Manifest, packs: Packs | None = None) -> None:
        self.store = store
        self.last = manifest.sealed
        """The last operation that is sealed; 0 when nothing is."""
        self.packs = packs or Packs(repository_of(store))
        self._commit = manifest.operations
        self._operations = SealedOperations(self.packs)
        self._index_path = index_path(store, self.last, manifest.operations)
        self._index = SealedIndex.open(self._index_path, self.last)
        self.incomplete = False
        """True when the index had to be made anew from what is damaged."""

    @property
    def is_indexed(self) -> bool:
        """Tells whether the index is there, or nothing is sealed."""
        return self._index is not None or not self.last

    @property
    def index(self) -> SealedIndex:
        """The index; when its file is gone, made anew as far as the packs can be read."""
        if self._index is None:
            self._index = self._made_anew()
        return self._index

    def is_complete(self) -> bool:
        """Tells whether everything that is sealed is indexed."""
        return self.index.last == self.last and not self.incomplete

    def _made_anew(self) -> SealedIndex:
        rows = SealedRows()
        try:
            rows.chunks = chunks_of(history_entries(self.packs, oid_from_hex(self._commit)))
        except (ObjectMissingError, ObjectDamagedError):
            self.incomplete = True
        for chunk in rows.chunks:
            try:
                for operation in self._operations.operations(chunk):
                    rows.add(operation)
            except (ObjectMissingError, ObjectDamagedError):
                self.incomplete = True
        content = encode_index(self.last, None, rows, self._commits_of_steps())
        if not self.incomplete:
            with suppress(FailedError):
                write_index(self._index_path, content)
        return SealedIndex(content)

    def _commits_of_steps(self) -> dict[bytes, Oid]:
        commits: dict[bytes, Oid] = {}
        for oid, content in self.packs.commits():
            step = step_of_commit(content)
            if step is not None:
                commits[step] = oid
        return commits

    def operation(self, number: int) -> Operation | None:
        """Returns an operation; None when no chunk has it.

        Raises:
            IntegrityError: its chunk cannot be read.
        """
        chunk = self.index.chunk_of(number) if 0 < number <= self.last else None
        return None if chunk is None else self._operations.operation(chunk, number)

    def operations(self, after: int) -> Iterator[Operation]:
        """Yields the operations above `after`, ascending; those of damaged chunks are left out."""
        return (found for found in self.operations_or_none(after) if found is not None)

    def operations_or_none(self, after: int) -> Iterator[Operation | None]:
        """Yields the same, and None in the place of a damaged chunk, or one that is gone."""
        if after >= self.last:
            return
        for chunk in self.index.chunks():
            if chunk.last > after:
                try:
                    found = self._operations.operations(chunk)
                except (ObjectMissingError, ObjectDamagedError):
                    yield None
                    continue
                yield from (o for o in found if after < o.number <= self.last)

    def newest(self, below: int) -> Iterator[Operation]:
        """Yields the operations below `below`, descending; those of damaged chunks are left out."""
        if not self.last:
            return
        for chunk in reversed(self.index.chunks()):
            if chunk.first < below:
                with suppress(ObjectMissingError, ObjectDamagedError):
                    found = self._operations.operations(chunk, newest_first=True)
                    yield from (o for o in found if o.number < below)

    def holds(self, step: StepId) -> bool:
        """Tells whether a step is sealed."""
        return bool(self.last) and self.index.operation_of(bytes.fromhex(step)) is not None

    def step(self, key: bytes) -> Step | None:
        """Returns the step with a raw id; None when it is not sealed; raises as `operation`."""
        number = self.index.operation_of(key) if self.last else None
        return None if number is None else self._step_in(number, lambda s: s.id == key.hex())

    def step_by_seq(self, seq: int) -> Step | None:
        """Returns the step with a seq; None when it is not sealed; raises as `operation`."""
        number = self.index.operation_of_seq(seq) if self.last else None
        return None if number is None else self._step_in(number, lambda s: s.seq == seq)

    def _step_in(self, number: int, wanted: Callable[[Step], bool]) -> Step | None:
        operation = self.operation(number)
        if operation is None:
            return None
        steps = (e.step for e in operation.effects if isinstance(e, StepRecorded))
        return next(filter(wanted, steps), None)

    def step_ids(self) -> Iterator[StepId]:
        """Yields the ids of the steps in the order in which they were recorded."""
        for operation in self.operations(0):
            for effect in operation.effects:
                if isinstance(effect, StepRecorded):
                    yield effect.step.id

    def steps_apart_from(self, present: Collection[int]) -> dict[int, list[str]]:
        """Returns the steps of the sealed operations that are not among those, by operation."""
        there = set(present)
        found: dict[int, list[str]] = {}
        for key, number in self.index.steps() if self.last else ():
            if number not in there:
                found.setdefault(number, []).append(key.hex())
        return found

    def keys_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Yields the raw step ids from `low` to `high`, both included, in order."""
        if self.last:
            yield from self.index.keys_between(low, high)


def found_manifest(store: Path, segments: tuple[int, ...]) -> Manifest:
    """Returns what those segments and the repository suggest, for when the manifest is lost.

    Raises:
        IntegrityError: there are packs, and the operations that they hold cannot be found.
    """
    repository = repository_of(store)
    packs = Packs(repository)
    if not packs.indexes:
        return Manifest(segments)
    commit, chunks = _found_operations(repository, packs)
    return Manifest(
        segments,
        tuple(index.name for index in packs.indexes),
        max(chunk.last for chunk in chunks),
        commit.hex(),
        refs_digest(repository),
    )


def _found_operations(repository: Path, packs: Packs) -> tuple[Oid, list[Chunk]]:
    """Returns the commit that holds the operations: what its ref names, else the newest such one."""
    named = operations_commit(repository)
    found = [_readable_chunks(packs, named)] if named is not None else []
    if not any(found):
        commits = (oid for oid, text in packs.commits() if step_of_commit(text) is None)
        found = [_readable_chunks(packs, oid) for oid in commits]
    best = max(filter(None, found), key=lambda pair: pair[1][-1].last, default=None)
    if best is None:
        raise IntegrityError(
            f"the sealed operations in {repository} cannot be found",
            hint="restore the repository from a backup, such as a clone of it",
            path=str(repository),
        )
    return best


def _readable_chunks(packs: Packs, commit: Oid) -> tuple[Oid, list[Chunk]] | None:
    with suppress(IntegrityError):
        chunks = chunks_of(history_entries(packs, commit))
        return (commit, chunks) if chunks else None
    return None
