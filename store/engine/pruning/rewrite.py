"""Sealed history without some of its steps or contents: operations, commits, the trees over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from stepwell.store.engine import codec
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import (
    BLOB,
    MODE_TREE,
    TREE,
    ObjectReader,
    TreeEntry,
    encode_tree,
)
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.sealing.commits import commit_of_step, operations_commit_bytes
from stepwell.store.engine.sealing.gather import COMMIT, TEXTS, Made
from stepwell.store.engine.sealing.history import CHUNK_BYTES, chunk_name, decode_operation
from stepwell.store.engine.sealing.packfile import PackWriter
from stepwell.store.engine.sealing.sealedindex import Chunk, SealedRows
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid
from stepwell.store.model.seqs import Seqs, holds
from stepwell.store.model.steps import (
    AccountSet,
    Effect,
    Operation,
    Step,
    StepRecorded,
    StepRemoved,
)


class Overlay:
    """Objects that were made, and below them those of another reader."""

    def __init__(self, below: ObjectReader) -> None:
        self.made: dict[Oid, Made] = {}
        self._below = below

    def add(self, made: Made) -> Oid:
        """Adds an object, whether or not there is one below, and returns its id."""
        oid = made.oid
        self.made[oid] = made
        return oid

    def read(self, oid: Oid) -> tuple[str, bytes]:
        made = self.made.get(oid)
        return self._below.read(oid) if made is None else (made.kind, made.content)

    def has(self, oid: Oid) -> bool:
        return oid in self.made or self._below.has(oid)


class Edit(Protocol):
    """What is to be different in the operations that stay."""

    def operation(self, operation: Operation) -> Operation:
        """Returns the operation as it is to be kept; what its steps name is in the overlay."""


class Rewritten:
    """The derived objects of the history that stays.

    Raises:
        IntegrityError: the sealed operations are not all there.
    """

    def __init__(
        self,
        journal: Journal,
        removed: Seqs,
        time_ns: int,
        objects: Overlay,
        edit: Edit | None = None,
    ) -> None:
        """`objects` takes what is made, beside what `edit` has put there or will."""
        self.steps: list[Step] = []
        """Those that stay, linked to what stays of their past."""
        self.rows = SealedRows()
        self.commits: dict[bytes, Oid] = {}
        """Of the steps, by raw id."""
        self.objects = objects
        self.said: set[Oid] = set()
        """Texts of accounts that stay."""
        self.removed_steps = 0
        self.operations_commit = Oid(b"")
        self._journal = journal
        self._removed = removed
        self._shown = Shown(journal, removed)
        self._edit = edit
        self._time_ns = time_ns
        self._lines: list[bytes] = []
        self._size = 0
        self._last = 0
        self._parents: set[Oid] = set()
        for chunk in journal.sealed.index.chunks():
            for line in journal.sealed.packs.read(chunk.blob)[1].splitlines():
                self._take(line)
        self._close_chunk()
        if self._last != journal.sealed.last:
            raise _lost(self._last + 1)

    def _take(self, line: bytes) -> None:
        operation = decode_operation(line)
        if operation.number != self._last + 1:
            raise _lost(self._last + 1)
        effects = (self._kept(effect) for effect in operation.effects)
        kept = replace(operation, effects=tuple(e for e in effects if e is not None))
        if self._edit is not None:
            kept = self._edit.operation(kept)
        if kept != operation:
            operation = kept
            line = codec.canonical_json(codec.operation_to_json(operation))
        self._last = operation.number
        self.rows.add(operation)
        self._derive(operation)
        self._lines.append(line)
        self._size += len(line)
        if self._size > CHUNK_BYTES:
            self._close_chunk()

    def _kept(self, effect: Effect) -> Effect | None:
        if isinstance(effect, AccountSet) and holds(self._removed, effect.seq):
            return None
        if not isinstance(effect, StepRecorded):
            return effect
        step = effect.step
        if self._shown.is_dropped(step):
            self._shown.pass_over(step)
            self.removed_steps += 1
            return StepRemoved(step.id, step.seq, step.raw_bytes, step.stored_bytes)
        return StepRecorded(self._shown.linked(step))

    def _derive(self, operation: Operation) -> None:
        for effect in operation.effects:
            if isinstance(effect, AccountSet) and effect.account.said is not None:
                self.said.add(effect.account.said)
            if isinstance(effect, StepRecorded):
                step = effect.step
                self.steps.append(step)
                parents = [self.commits[bytes.fromhex(parent)] for parent in step.parents]
                made = self.objects.add(Made(COMMIT, commit_of_step(step, parents)))
                self.commits[bytes.fromhex(step.id)] = made
                self._parents.update(parents)

    def _close_chunk(self) -> None:
        if self._lines:
            first = self._last - len(self._lines) + 1
            blob = self.objects.add(Made(BLOB, b"\n".join(self._lines) + b"\n"))
            self.rows.chunks.append(Chunk(first, self._last, blob))
            self._lines, self._size = [], 0

    def finish(self, texts: Iterable[Oid]) -> None:
        """Puts trees over the operations, and over the objects that no snapshot names."""
        entries = [
            TreeEntry(chunk_name(chunk.first, chunk.last), 0o100644, chunk.blob)
            for chunk in self.rows.chunks
        ]
        folders: dict[bytes, list[TreeEntry]] = {}
        for oid in texts:
            mode = MODE_TREE if self._kind(oid) == TREE else 0o100644
            name = oid.hex().encode()
            folders.setdefault(name[:2], []).append(TreeEntry(name[2:], mode, oid))
        if folders:
            below = [TreeEntry(n, MODE_TREE, self._tree(e)) for n, e in folders.items()]
            whole = self._tree([TreeEntry(b"%010d" % 1, MODE_TREE, self._tree(below))])
            entries.append(TreeEntry(TEXTS, MODE_TREE, whole))
        commit = operations_commit_bytes(self._tree(entries), self._last, self._time_ns)
        self.operations_commit = self.objects.add(Made(COMMIT, commit))

    def _kind(self, oid: Oid) -> str:
        made = self.objects.made.get(oid)
        return self._journal.sealed.packs.kind(oid) if made is None else made.kind

    def _tree(self, entries: list[TreeEntry]) -> Oid:
        return self.objects.add(Made(TREE, encode_tree(entries), TEXTS))

    def tips(self) -> list[Oid]:
        """Returns the commits that are nobody's parent, and that of the operations."""
        tips = [oid for oid in self.commits.values() if oid not in self._parents]
        return [*tips, self.operations_commit]

    def write(self, writer: PackWriter) -> None:
        """Writes all derived objects."""
        for made in self.objects.made.values():
            writer.add(made.kind, made.content)
        writer.finish()


def _lost(number: int) -> IntegrityError:
    return IntegrityError(
        f"removing dropped steps stopped: operation {number} cannot be read",
        hint="nothing was removed; run `stepwell verify --full` to see what is damaged",
        operation=number,
    )
