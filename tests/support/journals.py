"""Small journals for tests: a store folder, its writer, and steps with real content."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stepwell.store.engine import extras
from stepwell.store.engine.extras import Extras
from stepwell.store.engine.journal import Journal, JournalWriter, Transaction
from stepwell.store.engine.journal.writer import SEGMENT_BYTES, Durability
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.objects import BLOB, MODE_FILE, TREE, TreeEntry, decode_tree, encode_tree
from stepwell.store.model.ids import Oid, RandomBytes, mint_step_id
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    Effect,
    Operation,
    Snapshot,
    Step,
    StepRecorded,
)


class Ticks:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self) -> None:
        self._ticks = itertools.count(1_700_000_000_000_000_000, 1_000_000)

    def __call__(self) -> int:
        return next(self._ticks)


def chance(seed: int = 1) -> RandomBytes:
    """Returns a source of bytes that is the same each time."""
    return random.Random(seed).randbytes


def make_store(store: Path) -> Path:
    """Makes an empty journal in a new folder."""
    store.mkdir(mode=0o700)
    JournalWriter.create(store, randomness=os.urandom)
    return store


@contextmanager
def writing(
    store: Path,
    *,
    seed: int | None = None,
    segment_bytes: int = SEGMENT_BYTES,
    durability: Durability = "fast",
    void_from: int | None = None,
) -> Iterator[JournalWriter]:
    """Holds the lock and the writer of a store."""
    with WriterLock.acquire(store, wait_s=5, clock=Ticks()) as lock:
        writer = JournalWriter.open_writer(
            store,
            lock,
            clock=Ticks(),
            randomness=os.urandom if seed is None else chance(seed),
            segment_bytes=segment_bytes,
            durability=durability,
            void_from=void_from,
        )
        try:
            yield writer
        finally:
            writer.close()


def put_step(
    transaction: Transaction, seq: int, content: bytes, randomness: RandomBytes
) -> tuple[Step, list[Effect]]:
    """Adds a snapshot of one file with that content; returns its step and the effects."""
    blob = transaction.add(BLOB, content)
    tree = transaction.add(TREE, encode_tree([TreeEntry(b"file", MODE_FILE, blob)]))
    snapshot = Snapshot(tree, transaction.add(BLOB, extras.encode(Extras())))
    step = Step(mint_step_id(randomness), seq, "main", (), "capture", f"step {seq}", seq, snapshot)
    return step, [StepRecorded(step), BranchSet(Branch("main", step.id))]


def record(writer: JournalWriter, content: bytes) -> Operation:
    """Records one step whose only file has that content."""
    transaction = writer.begin()
    _, effects = put_step(transaction, writer.view().last_seq + 1, content, writer.randomness)
    return transaction.commit("record", "recorded", effects)


def record_many(writer: JournalWriter, count: int) -> list[Operation]:
    """Records steps with different content."""
    first = writer.next_number
    return [record(writer, b"content %d\n" % (first + i)) for i in range(count)]


def step_of(operation: Operation) -> Step:
    """Returns the step that an operation of `record` recorded."""
    (found,) = [e.step for e in operation.effects if isinstance(e, StepRecorded)]
    return found


def blob_of(journal: Journal, operation: Operation) -> Oid:
    """Returns the id of the file that an operation of `record` stored."""
    return decode_tree(journal.read(step_of(operation).snapshot.tree)[1])[0].oid


def assert_whole(journal: Journal, operations: Sequence[Operation]) -> None:
    """Checks that every operation, its step and all its objects can be read."""
    for operation in operations:
        assert journal.operation(operation.number) == operation
        step = step_of(operation)
        assert journal.step(step.id) == step
        assert journal.steps_by_seq(step.seq) == step
        journal.read(step.snapshot.extras)
        journal.read(blob_of(journal, operation))


def segment_file(store: Path, number: int = 1) -> Path:
    """Returns the path of a segment."""
    return store / "journal" / f"{number:08d}.segment"


def index_file(store: Path, number: int = 1) -> Path:
    """Returns the path of a segment's index."""
    return store / "journal" / f"{number:08d}.index"


def flip(path: Path, offset: int, mask: int = 1) -> None:
    """Flips bits of one byte in place."""
    with open(path, "r+b") as file:
        file.seek(offset)
        old = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([old ^ mask]))


def reading(store: Path) -> Journal:
    """Opens a reader; use it in a `with`."""
    return Journal.open(store)
