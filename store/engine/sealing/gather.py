"""What some segments hold, made ready for a pack: whole, in order, and with path names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from stepwell.store.engine.journal.frames import Commit, LargeObject, StoredObject
from stepwell.store.engine.journal.segment import HEADER_BYTES, Segment
from stepwell.store.engine.journal.walk import Group, GroupScan
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_TREE,
    TREE,
    TreeEntry,
    decode_tree,
    encode_tree,
)
from stepwell.store.engine.sealing.commits import commit_of_step
from stepwell.store.engine.sealing.history import CHUNK_BYTES, chunk_name
from stepwell.store.engine.sealing.packfile import PackWriter
from stepwell.store.engine.sealing.sealedindex import Chunk, SealedIndex, SealedRows
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, StepId, object_id
from stepwell.store.model.paths import escape
from stepwell.store.model.steps import Operation, Step, StepRecorded

COMMIT = "commit"
TEXTS = b"objects"
"""In the tree of the sealed operations: the folder of what no snapshot names."""


@dataclass(slots=True)
class Made:
    """A derived object: a commit, a chunk of operations, a tree over what no snapshot names."""

    kind: str
    content: bytes
    name: bytes = b""

    @property
    def oid(self) -> Oid:
        """Its id."""
        return object_id(self.kind, self.content)


@dataclass(slots=True)
class Sealing:
    """What is known of a sealing under way, over all its packs."""

    index: SealedIndex | None
    """Of what was sealed before; None when nothing was."""
    last: int
    """The last operation that was taken."""
    rows: SealedRows = field(default_factory=SealedRows)
    commits: dict[bytes, Oid] = field(default_factory=dict)
    """The derived commits of the new steps by raw id."""
    parents: set[Oid] = field(default_factory=set)
    """Those of them, and of older ones, that are a parent of a new one."""
    texts: list[TreeEntry] = field(default_factory=list)
    """Trees over what no snapshot names."""

    def commit_of(self, step: StepId) -> Oid | None:
        """Returns the derived commit of a step, sealed before or now."""
        key = bytes.fromhex(step)
        found = self.commits.get(key)
        return self.index.commit_of(key) if found is None and self.index is not None else found

    def tips(self) -> list[Oid]:
        """Returns the new commits that are nobody's parent."""
        return [oid for oid in self.commits.values() if oid not in self.parents]


class Gathered:
    """The content of successive segments, to be written as one pack.

    Raises:
        IntegrityError: something in them is damaged; nothing was changed.
    """

    def __init__(
        self,
        sealing: Sealing,
        segments: Iterable[Segment],
        limits: list[int],
        is_sealed: Callable[[Oid], bool],
    ) -> None:
        self._sealing = sealing
        self._is_sealed = cache(is_sealed)
        self._places: dict[Oid, tuple[Segment, int]] = {}
        self._names: dict[Oid, bytes] = {}
        self._made: dict[Oid, Made] = {}
        steps: list[Step] = []
        lines: list[tuple[int, bytes]] = []
        for segment, limit in zip(segments, limits, strict=True):
            for group, commit in _groups(segment, limit):
                self._take(segment, group, commit, steps, lines)
        self._first = lines[0][0] if lines else 0
        for step in steps:
            self._name_tree(step.snapshot.tree)
            self._derive(step)
        self._make_chunks(lines)
        self._make_texts()

    def _take(
        self,
        segment: Segment,
        group: Group,
        commit: Commit,
        steps: list[Step],
        lines: list[tuple[int, bytes]],
    ) -> None:
        for oid, offset in group.objects:
            self._places[oid] = (segment, offset)
        if group.number <= self._sealing.last:
            return
        if group.number != self._sealing.last + 1:
            raise _damaged(segment, f"operation {self._sealing.last + 1} is not there")
        operation = commit.operation()
        self._sealing.rows.add(operation)
        self._sealing.last = group.number
        steps += _steps(operation)
        lines.append((group.number, commit.document))

    def _name_tree(self, root: Oid) -> None:
        """Gives everything below a tree, as far as it is not sealed, the path it has there."""
        stack = [(root, b"")]
        while stack:
            oid, path = stack.pop()
            if oid in self._names or not self._is_new(oid, path):
                continue
            self._names[oid] = path
            for name, mode, child in decode_tree(self._load(oid)):
                below = path + b"/" + name if path else name
                if mode == MODE_TREE:
                    stack.append((child, below))
                elif child not in self._names and self._is_new(child, below):
                    self._names[child] = below

    def _is_new(self, oid: Oid, path: bytes) -> bool:
        """Tells whether an object is among those to be sealed; else it must be sealed already."""
        if oid in self._places:
            return True
        if oid != EMPTY_TREE and not self._is_sealed(oid):
            raise IntegrityError(
                f"sealing stopped: object {oid.hex()} ({escape(path)}) is not in the store",
                hint="nothing was changed; run `stepwell verify --full` to see what is damaged",
                object=oid.hex(),
            )
        return False

    def _load(self, oid: Oid) -> bytes:
        segment, offset = self._places[oid]
        found = segment.source.load(offset, oid)
        if found is None:
            raise _damaged(segment, f"object {oid.hex()} does not match its id")
        return found[1]

    def _derive(self, step: Step) -> None:
        parents = []
        for parent in step.parents:
            oid = self._sealing.commit_of(parent)
            if oid is None:
                raise IntegrityError(f"sealing stopped: step {parent}, a parent, is not there")
            parents.append(oid)
        made = self.add(Made(COMMIT, commit_of_step(step, parents)))
        self._sealing.commits[bytes.fromhex(step.id)] = made
        self._sealing.parents.update(parents)

    def add(self, made: Made) -> Oid:
        """Adds a derived object and returns its id."""
        oid = made.oid
        if oid not in self._places:
            self._made[oid] = made
        return oid

    def _make_chunks(self, lines: list[tuple[int, bytes]]) -> None:
        start, size = 0, 0
        for at, (_, line) in enumerate(lines):
            size += len(line)
            if size > CHUNK_BYTES or at == len(lines) - 1:
                chunk = lines[start : at + 1]
                text = b"".join(li + b"\n" for _, li in chunk)
                oid = self.add(Made(BLOB, text, b"operations.jsonl"))
                self._sealing.rows.chunks.append(Chunk(chunk[0][0], chunk[-1][0], oid))
                start, size = at + 1, 0

    def _make_texts(self) -> None:
        """Puts a tree over the objects that no snapshot names: extras, coverage, texts, plans."""
        folders: dict[bytes, list[TreeEntry]] = {}
        for oid, (segment, offset) in self._places.items():
            if oid not in self._names:
                mode = MODE_TREE if _entry(segment, offset, oid).kind == TREE else 0o100644
                name = oid.hex().encode()
                folders.setdefault(name[:2], []).append(TreeEntry(name[2:], mode, oid))
        if folders:
            entries = [TreeEntry(n, MODE_TREE, self._made_tree(e)) for n, e in folders.items()]
            name = b"%010d" % (self._first or self._sealing.last)
            self._sealing.texts.append(TreeEntry(name, MODE_TREE, self._made_tree(entries)))

    def _made_tree(self, entries: list[TreeEntry]) -> Oid:
        return self.add(Made(TREE, encode_tree(entries), TEXTS))

    def listed(self) -> Iterator[bytes]:
        """Yields id and path name of every object, the newest first, as git packs them best."""
        for oid, made in reversed(self._made.items()):
            yield oid.hex().encode() + b" " + made.name
        for oid in reversed(self._places):
            name = self._names.get(oid, b"").replace(b"\n", b" ")
            yield oid.hex().encode() + b" " + name

    def ids(self) -> set[Oid]:
        """Returns the ids of all objects."""
        return {*self._places, *self._made}

    def write(self, writer: PackWriter) -> None:
        """Writes all objects, without deltas.

        Raises:
            IntegrityError: one is damaged.
            NoSpaceError, FailedError: the system refuses.
        """
        for oid, (segment, offset) in self._places.items():
            entry = _entry(segment, offset, oid)
            if isinstance(entry, StoredObject):
                writer.add_deflated(entry.kind, entry.size, entry.data)
            else:
                pieces = _sound(segment, oid, segment.source.pieces(offset, oid))
                writer.add_pieces(entry.kind, entry.size, pieces)
        for made in self._made.values():
            writer.add(made.kind, made.content)
        writer.finish()


def top_tree(
    old: Mapping[bytes, TreeEntry], old_texts: list[TreeEntry], sealing: Sealing
) -> list[Made]:
    """Returns the trees over all chunks and texts, the top one last."""
    chunks = (TreeEntry(chunk_name(c.first, c.last), 0o100644, c.blob) for c in sealing.rows.chunks)
    entries = {**old, **{entry.name: entry for entry in chunks}}
    made = []
    texts = [*old_texts, *sealing.texts]
    if texts:
        made.append(Made(TREE, encode_tree(texts), TEXTS))
        entries[TEXTS] = TreeEntry(TEXTS, MODE_TREE, made[0].oid)
    made.append(Made(TREE, encode_tree(entries.values())))
    return made


def _groups(segment: Segment, limit: int) -> Iterator[tuple[Group, Commit]]:
    """Yields the operations of a segment below `limit`, each as it was written.

    Raises:
        IntegrityError: something is not.
    """
    if segment.lost is not None:
        raise _damaged(segment, segment.lost)
    scan = GroupScan(HEADER_BYTES)
    scan.advance(segment.read_at, segment.salt, segment.size())
    if scan.doubtful or segment.gaps:
        raise _damaged(segment, "bytes of it are not as they were written")
    last = max((group.number for group in scan.groups), default=0)
    if segment.proven > last:
        raise _damaged(segment, f"it ends before operation {segment.proven}, which it had")
    for group in scan.groups:
        if group.number < limit:
            commit = segment.commit_at(group.offset)
            if commit is None:
                raise _damaged(segment, f"operation {group.number} cannot be read")
            yield group, commit


def _steps(operation: Operation) -> list[Step]:
    return [e.step for e in operation.effects if isinstance(e, StepRecorded)]


def _entry(segment: Segment, offset: int, oid: Oid) -> StoredObject | LargeObject:
    entry = segment.source.entry(offset)
    if entry is None or entry.oid != oid:
        raise _damaged(segment, f"object {oid.hex()} cannot be read")
    return entry


def _sound(segment: Segment, oid: Oid, pieces: Iterable[bytes | None]) -> Iterator[bytes]:
    for piece in pieces:
        if piece is None:
            raise _damaged(segment, f"object {oid.hex()} does not match its id")
        yield piece


def _damaged(segment: Segment, why: str) -> IntegrityError:
    return IntegrityError(
        f"sealing stopped at segment {segment.number}: {why}",
        hint="nothing was changed; run `stepwell verify --full` to see what is damaged",
        segment=segment.number,
    )
