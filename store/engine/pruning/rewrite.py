"""Sealed history without some of its steps: operations, commits, and the trees that hold them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stepwell.store.engine import codec
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import BLOB, MODE_TREE, TREE, TreeEntry, encode_tree
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.sealing.commits import commit_of_step, operations_commit_bytes
from stepwell.store.engine.sealing.gather import COMMIT, TEXTS, Made
from stepwell.store.engine.sealing.history import CHUNK_BYTES, chunk_name, decode_operation
from stepwell.store.engine.sealing.packfile import PackWriter
from stepwell.store.engine.sealing.sealedindex import Chunk, SealedRows
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid
from stepwell.store.model.seqs import Seqs
from stepwell.store.model.steps import Effect, Operation, Step, StepRecorded, StepRemoved


class Rewritten:
    """The derived objects of the history that stays.

    Raises:
        IntegrityError: the sealed operations are not all there.
    """

    def __init__(self, journal: Journal, removed: Seqs, time_ns: int) -> None:
        self.steps: list[Step] = []
        """Those that stay, linked to what stays of their past."""
        self.rows = SealedRows()
        self.commits: dict[bytes, Oid] = {}
        """Of the steps, by raw id."""
        self.made: dict[Oid, Made] = {}
        self.removed_steps = 0
        self.operations_commit = Oid(b"")
        self._journal = journal
        self._shown = Shown(journal, removed)
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
        effects = tuple(self._kept(effect) for effect in operation.effects)
        if effects != operation.effects:
            operation = replace(operation, effects=effects)
            line = codec.canonical_json(codec.operation_to_json(operation))
        self._last = operation.number
        self.rows.add(operation)
        self._derive(operation)
        self._lines.append(line)
        self._size += len(line)
        if self._size > CHUNK_BYTES:
            self._close_chunk()

    def _kept(self, effect: Effect) -> Effect:
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
            if isinstance(effect, StepRecorded):
                step = effect.step
                self.steps.append(step)
                parents = [self.commits[bytes.fromhex(parent)] for parent in step.parents]
                made = self._add(Made(COMMIT, commit_of_step(step, parents)))
                self.commits[bytes.fromhex(step.id)] = made
                self._parents.update(parents)

    def _close_chunk(self) -> None:
        if self._lines:
            first = self._last - len(self._lines) + 1
            blob = self._add(Made(BLOB, b"\n".join(self._lines) + b"\n"))
            self.rows.chunks.append(Chunk(first, self._last, blob))
            self._lines, self._size = [], 0

    def _add(self, made: Made) -> Oid:
        oid = made.oid
        self.made[oid] = made
        return oid

    def finish(self, texts: Iterable[Oid]) -> None:
        """Puts trees over the operations, and over the objects that no snapshot names."""
        entries = [
            TreeEntry(chunk_name(chunk.first, chunk.last), 0o100644, chunk.blob)
            for chunk in self.rows.chunks
        ]
        folders: dict[bytes, list[TreeEntry]] = {}
        for oid in texts:
            mode = MODE_TREE if self._journal.sealed.packs.kind(oid) == TREE else 0o100644
            name = oid.hex().encode()
            folders.setdefault(name[:2], []).append(TreeEntry(name[2:], mode, oid))
        if folders:
            below = [TreeEntry(n, MODE_TREE, self._tree(e)) for n, e in folders.items()]
            whole = self._tree([TreeEntry(b"%010d" % 1, MODE_TREE, self._tree(below))])
            entries.append(TreeEntry(TEXTS, MODE_TREE, whole))
        commit = operations_commit_bytes(self._tree(entries), self._last, self._time_ns)
        self.operations_commit = self._add(Made(COMMIT, commit))

    def _tree(self, entries: list[TreeEntry]) -> Oid:
        return self._add(Made(TREE, encode_tree(entries), TEXTS))

    def tips(self) -> list[Oid]:
        """Returns the commits that are nobody's parent, and that of the operations."""
        tips = [oid for oid in self.commits.values() if oid not in self._parents]
        return [*tips, self.operations_commit]

    def write(self, writer: PackWriter) -> None:
        """Writes all derived objects."""
        for made in self.made.values():
            writer.add(made.kind, made.content)
        writer.finish()


def _lost(number: int) -> IntegrityError:
    return IntegrityError(
        f"removing dropped steps stopped: operation {number} cannot be read",
        hint="nothing was removed; run `stepwell verify --full` to see what is damaged",
        operation=number,
    )
