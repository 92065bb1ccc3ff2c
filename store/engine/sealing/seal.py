"""Sealing: what segments hold becomes packs and refs, in an order that a crash cannot hurt.

The pack is written, read back and forced to disk; then the refs; then the manifest of live segments
and packs is replaced; then the segments are removed. Killed anywhere, the store is as it was before
the manifest was replaced, or as it is after; the next sealing clears up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.atomic import make_private_folder
from stepwell.store.engine.context import Progress
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.journal.segment import Segment, remove_segment
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.manifest import Manifest
from stepwell.store.engine.objects import TreeEntry, decode_tree
from stepwell.store.engine.sealing.commits import operations_commit_bytes
from stepwell.store.engine.sealing.gather import COMMIT, TEXTS, Gathered, Made, Sealing, top_tree
from stepwell.store.engine.sealing.history import history_entries
from stepwell.store.engine.sealing.layout import OPERATIONS, repository_of
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.sealing.refs import own_refs, read_refs, refs_digest
from stepwell.store.engine.sealing.repository import SealedRepository, sealed_repository
from stepwell.store.engine.sealing.sealedindex import (
    encode_index,
    index_path,
    remove_other_indexes,
    write_index,
)
from stepwell.store.engine.sealing.tidy import check_nothing_missed, remove_redundant, remove_void
from stepwell.store.model.errors import FailedError, IntegrityError, NoSpaceError
from stepwell.store.model.ids import Clock, Oid, RandomBytes, oid_from_hex
from stepwell.store.model.reports import Sealed
from stepwell.store.model.steps import View

BATCH_BYTES = 128 << 20
"""Segments of about this size together become one pack; what they hold is listed in memory."""
MERGE_AT = 30
"""So many packs are merged into one: reading through more of them would be slow."""
FEW = 3
"""So few packs are left as they are, however much smaller one of all would be."""
_SPARE = 4 << 20

Writing = Callable[[], AbstractContextManager[JournalWriter]]
"""Gives the journal's writer, under the writer lock, for a moment."""


def seal(
    store: Path, writing: Writing, *, clock: Clock, randomness: RandomBytes, progress: Progress
) -> Sealed:
    """Seals everything that was recorded up to now.

    The writer lock is held at the beginning and at the end, for a moment; in between captures go
    on. Only one process seals at a time.

    Raises:
        BusyError: another process is sealing, or `writing` cannot have the lock.
        IntegrityError: something to be sealed is damaged, and nothing was changed; or so many packs
            that they must be merged cannot be, and what was recorded is sealed.
        NoSpaceError, FailedError: the system refused; everything is readable as it was.
    """
    with sealing_alone(store, clock):
        with sealed_repository(store, randomness) as repository:
            return seal_in(repository, store, writing, clock=clock, progress=progress)


@contextmanager
def sealing_alone(store: Path, clock: Clock) -> Iterator[None]:
    """Keeps every other sealing, removal and purge out, and finishes what a kill left of one.

    Raises:
        BusyError: another process is at it.
    """
    make_private_folder(repository_of(store))
    with WriterLock.acquire(repository_of(store), wait_s=0.0, clock=clock):
        remove_void(store)
        yield


def seal_in(
    repository: SealedRepository,
    store: Path,
    writing: Writing,
    *,
    clock: Clock,
    progress: Progress,
) -> Sealed:
    """Seals as `seal`, for who is alone with the repository."""
    with writing() as writer:
        numbers, view = writer.rotate(), writer.view()
    with Journal.open(store) as journal:
        done = _Work(journal, repository, clock, progress).seal(numbers, view, writing)
    with Journal.open(store) as journal:
        merged = _merge(journal, repository, writing, progress)
    remove_redundant(store)
    return replace(done, merged=merged, packs=1 if merged else done.packs)


def _merge(
    journal: Journal, repository: SealedRepository, writing: Writing, progress: Progress
) -> int:
    """Makes one pack of all when there are many; returns how many went into it.

    Before they must be merged, packs that cannot be are left for later: what matters is sealed.
    """
    manifest, packs = journal.manifest, journal.sealed.packs
    count = len(manifest.packs)
    sizes = sorted(index.file_bytes() for index in packs.indexes if index.name in manifest.packs)
    if count < MERGE_AT and not _is_worthwhile(sizes):
        return 0
    progress("merging packs", 0, count)
    try:
        merged = _merged(journal, repository)
    except (IntegrityError, FailedError):
        if count < MERGE_AT:
            return 0
        raise
    with writing() as writer:
        writer.switch(replace(manifest, packs=(merged.name,)), ())
    progress("merging packs", count, count)
    return count


def _merged(journal: Journal, repository: SealedRepository) -> PackIndex:
    """Makes the pack that is to take the place of all; it does not count yet."""
    manifest, packs = journal.manifest, journal.sealed.packs
    size = sum(index.file_bytes() for index in packs.indexes)
    check_space(journal.store, size, "merging packs", "everything that was recorded is sealed")
    tips = [*journal.sealed.index.commits(), oid_from_hex(manifest.operations)]
    merged = repository.pack_history(tips)
    check_nothing_missed(packs, merged, manifest)
    return merged


def _is_worthwhile(sizes: Sequence[int]) -> bool:
    """Tells of packs in ascending order whether merging them would save much.

    Each pack has the first version of a file in it whole. As the others must have grown to a third
    of the largest, which is what was merged before, no object is written anew very often.
    """
    return len(sizes) > FEW and sum(sizes[:-1]) > sizes[-1] // 3


class _Work:
    """One sealing under way."""

    def __init__(
        self, journal: Journal, repository: SealedRepository, clock: Clock, progress: Progress
    ) -> None:
        self._journal = journal
        self._store = journal.store
        self._repository = repository
        self._clock = clock
        self._progress = progress
        self._manifest = journal.manifest
        old = journal.sealed
        if old.last and not old.is_complete():
            raise IntegrityError(
                "sealing stopped: some of the sealed operations cannot be read",
                hint="nothing was changed; run `stepwell verify --full` to see what is damaged",
            )
        self._sealing = Sealing(old.index if old.last else None, old.last)
        self._packs: list[PackIndex] = []
        self._refs_damaged = refs_digest(repository.path) != self._manifest.refs

    def seal(self, numbers: Sequence[int], view: View, writing: Writing) -> Sealed:
        segments = {s.number: s for s in self._journal.segments()}
        wanted = [segments[number] for number in numbers]
        before = sum(segment.size() for segment in wanted)
        if wanted:
            check_space(self._store, 2 * before)
            operations = self._pack(wanted, self._limits(wanted))
            self._switch(self._set_refs(view, operations), numbers, writing)
        elif self._manifest.sealed and self._refs_damaged:
            operations = oid_from_hex(self._manifest.operations)
            self._switch(self._set_refs(view, operations), (), writing)
        for number in numbers:
            remove_segment(self._store, number)
        return self._report(before)

    def _limits(self, wanted: Sequence[Segment]) -> list[int]:
        """Returns, for each segment, the first operation that is void in it."""
        all_segments = self._journal.segments()
        limits = []
        for segment in wanted:
            later = (s.header.first for s in all_segments if s.header and s.number > segment.number)
            limits.append(min(later, default=1 << 62))
        return limits

    def _pack(self, wanted: Sequence[Segment], limits: list[int]) -> Oid:
        """Packs the segments in batches; returns the commit that holds the operations."""
        commit = Oid(b"")
        done, total = 0, len(wanted)
        for start, end in _batches(wanted):
            self._progress("reading segments", done, total)
            there = self._journal.sealed.packs.has
            gathered = Gathered(self._sealing, wanted[start:end], limits[start:end], there)
            if end == total:
                commit = self._add_top(gathered)
            ids = gathered.ids()
            self._progress("packing objects", len(ids), 0)
            with self._repository.draft(len(ids)) as draft:
                gathered.write(draft)
            self._packs.append(self._repository.pack_drafted(gathered.listed(), ids))
            done = end
        self._progress("reading segments", total, total)
        return commit

    def _add_top(self, gathered: Gathered) -> Oid:
        old: dict[bytes, TreeEntry] = {}
        old_texts: list[TreeEntry] = []
        packs = self._journal.sealed.packs
        if self._manifest.operations:
            entries = history_entries(packs, oid_from_hex(self._manifest.operations))
            old = {entry.name: entry for entry in entries}
            if TEXTS in old:
                old_texts = decode_tree(packs.read(old[TEXTS].oid)[1])
        trees = top_tree(old, old_texts, self._sealing)
        for made in trees:
            gathered.add(made)
        text = operations_commit_bytes(trees[-1].oid, self._sealing.last, self._clock())
        return gathered.add(Made(COMMIT, text))

    def _set_refs(self, view: View, operations: Oid) -> Manifest:
        commits = {b.name: self._sealing.commit_of(b.head) for b in view.branches.values()}
        heads = {name: oid for name, oid in commits.items() if oid is not None}
        digest = self._repository.set_history(heads, self._candidates(), operations, view.current)
        return Manifest(
            (),
            (*self._manifest.packs, *(pack.name for pack in self._packs)),
            self._sealing.last,
            operations.hex(),
            digest,
        )

    def _candidates(self) -> set[Oid]:
        """Returns the commits that must be reached by some ref."""
        if self._refs_damaged and self._sealing.index is not None:
            return {*self._sealing.tips(), *self._sealing.index.commits()}
        refs = own_refs(read_refs(self._repository.path))
        packs = self._journal.sealed.packs
        known = {oid for name, oid in refs.items() if name != OPERATIONS.encode()}
        return {*self._sealing.tips(), *(oid for oid in known if packs.has(oid))}

    def _switch(self, manifest: Manifest, numbers: Sequence[int], writing: Writing) -> None:
        last, old = manifest.sealed, self._sealing.index
        content = encode_index(last, old, self._sealing.rows, self._sealing.commits)
        path = index_path(self._store, last, manifest.operations)
        with writing() as writer:
            # Whoever opens the journal for writing sweeps drafts away, so its index waits for the lock.
            write_index(path, content)
            writer.switch(manifest, numbers)
        remove_other_indexes(path)

    def _report(self, before: int) -> Sealed:
        rows = self._sealing.rows
        return Sealed(
            steps=len(rows.steps),
            operations=rows.operations,
            objects=sum(pack.count for pack in self._packs),
            bytes_before=before,
            bytes_after=sum(pack.file_bytes() for pack in self._packs),
            packs=len(self._manifest.packs) + len(self._packs),
        )


def check_space(
    store: Path, size: int, what: str = "sealing", so_far: str = "nothing was changed"
) -> None:
    """Raises NoSpaceError unless that many bytes, and some to spare, are free on the store's disk.

    `what` needs them, and `so_far` says how things are when it cannot be done.
    """
    free = os.statvfs(store)
    needed = size + _SPARE
    if free.f_bavail * free.f_frsize < needed:
        raise NoSpaceError(
            f"{what} needs up to {needed:,} bytes free on the disk of {store}",
            hint=f"free some space and try again; {so_far}",
            path=str(store),
        )


def _batches(segments: Sequence[Segment]) -> Iterator[tuple[int, int]]:
    start, size = 0, 0
    for at, segment in enumerate(segments):
        size += segment.size()
        if size > BATCH_BYTES or at == len(segments) - 1:
            yield start, at + 1
            start, size = at + 1, 0
