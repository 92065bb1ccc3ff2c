"""The journal's one writer: repairs a torn tail, appends, rotates, and keeps the derived files.

Whoever opens it holds the writer lock. A tail that no commit follows is void and is cut off. If
something proves that there was more than can be read (a commit behind unreadable bytes, an index or
a View that goes further), that is damage: the segment is left exactly as it is, and a new one takes
what comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from stepwell.store.engine import codec
from stepwell.store.engine.atomic import (
    make_private_folder,
    remove_leftovers,
    write_checked,
)
from stepwell.store.engine.journal.appender import Appender
from stepwell.store.engine.journal.chain import guess_manifest, segment_files
from stepwell.store.engine.journal.index import TailIndex
from stepwell.store.engine.journal.journal import VIEW, Journal
from stepwell.store.engine.journal.proof import Proof, read_proof
from stepwell.store.engine.journal.segment import (
    FOLDER,
    HEADER_BYTES,
    Segment,
    create_segment,
    remove_segment,
    segment_path,
)
from stepwell.store.engine.journal.transaction import Transaction
from stepwell.store.engine.journal.walk import Group
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.manifest import Manifest, read_manifest, write_manifest
from stepwell.store.engine.view import fold
from stepwell.store.model.errors import BusyError, FailedError, IntegrityError, UsageError
from stepwell.store.model.ids import Clock, Oid, RandomBytes
from stepwell.store.model.steps import Operation

SEGMENT_BYTES = 8 << 20
TEMPORARY = "tmp"

CLOSE_FRAMES = 256
CLOSE_OPERATIONS = 64
"""`close` writes the derived files when this much has come since they were written."""
RUN_OPERATIONS = 2_048
"""A writer that stays open writes them when this much has come."""

Durability = Literal["durable", "fast"]
"""durable: an acknowledged operation survives power loss. fast: it survives a kill."""


class JournalWriter(Journal):
    """A Journal that can also append; one a store, guarded by the writer lock."""

    def __init__(
        self,
        store: Path,
        lock: WriterLock,
        clock: Clock,
        randomness: RandomBytes,
        segment_bytes: int,
        durability: Durability,
    ) -> None:
        super().__init__(store)
        self.clock = clock
        self.randomness = randomness
        self.durable = durability == "durable"
        self.next_number = 1
        """Of the operation that is committed next."""
        self.defers = False
        """True: what is committed waits for `sync`, several operations for one."""
        self.void_from: int | None = None
        """Once closed, after a failed sync or cut: what the newest segment may hold from this
        operation on does not count, nor may the file be trusted to take more."""
        self._unsynced: tuple[int, int] | None = None
        """Where in the newest segment begins what waits, and its first operation."""
        self._lost: FailedError | None = None
        """Why what waited is not recorded."""
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._appender: Appender | None = None
        self._transaction: Transaction | None = None
        self._intact = self._chain.recent.intact = set[Oid]()
        self._packed = self._chain.recent.packed = set[Oid]()
        self._proof = Proof(store)

    @classmethod
    def create(cls, store: Path, *, randomness: RandomBytes) -> None:
        """Makes an empty journal in a store folder; leaves one that is there alone.

        Raises:
            FailedError: it cannot be made.
        """
        make_private_folder(store / FOLDER)
        make_private_folder(store / TEMPORARY)
        found = segment_files(store)
        if read_manifest(store) is None and all(_is_empty(segment_path(store, n)) for n in found):
            create_segment(store, 1, 1, randomness)
            write_manifest(store, Manifest((1,)))

    @classmethod
    def open_writer(
        cls,
        store: Path,
        lock: WriterLock,
        *,
        clock: Clock,
        randomness: RandomBytes,
        segment_bytes: int = SEGMENT_BYTES,
        durability: Durability = "durable",
        void_from: int | None = None,
    ) -> Self:
        """Opens the journal for writing and repairs what a crash left.

        `void_from` is that of the writer before, if nobody else has had the lock since: a new
        segment begins with that operation, which makes void what is left of it in the old one.

        Raises:
            BusyError: the lock is not held.
            FormatError: there is no journal, or its format is not known.
            FailedError: it cannot be read or repaired.
            IntegrityError: nothing of what it held can be read.
        """
        writer = cls(store, lock, clock, randomness, segment_bytes, durability)
        writer._check_lock()
        try:
            writer._clear_leftovers()
            writer._chain.read_manifest()
            if void_from is not None and not _is_lost(store, writer._chain.numbers[-1]):
                writer.next_number = void_from
                writer._add_segment()
            writer._settle_tail()
        except BaseException:
            writer.close()
            raise
        return writer

    def close(self) -> None:
        """Writes the derived files when that is worthwhile, and closes; not the lock.

        Raises:
            FailedError: as `sync`; it is closed all the same.
        """
        if self._transaction is not None:
            self._transaction.abort()
            # It refers to the writer: together they would stay, with all files, until garbage is collected.
            self._transaction = None
        try:
            self.sync()
        finally:
            self._close()

    def _close(self) -> None:
        if self._appender is not None:
            if self._appender.failed:
                self.void_from = self.next_number
            if any(_is_long(segment.tail) for segment in self._chain.loaded()):
                self._write_derived()
            self._appender.close()
            self._appender = None
        self._proof.close()
        super().close()

    def _clear_leftovers(self) -> None:
        """Removes what a killed writer left: temporary files, segments that do not count."""
        make_private_folder(self.store / FOLDER)
        for folder in (self.store, self.store / FOLDER):
            remove_leftovers(folder)
        listed = read_manifest(self.store)
        if listed is None:
            self._write_found_manifest()
            return
        unlisted = set(segment_files(self.store)) - set(listed.segments)
        # A segment is named before it takes its first frame, and until what it held is sealed.
        # One with other frames that is not named means that an old manifest came back.
        void = {number for number in unlisted if self._is_void(number, listed.sealed)}
        if unlisted - void:
            wanted = sorted({*listed.segments, *unlisted} - void)
            write_manifest(self.store, replace(listed, segments=tuple(wanted)))
        for number in void:
            remove_segment(self.store, number)

    def _write_found_manifest(self) -> None:
        found = guess_manifest(self.store)
        if found.sealed and not found.segments:
            self.next_number = found.sealed + 1
            create_segment(self.store, 1, self.next_number, self.randomness)
            found = replace(found, segments=(1,))
        if found.segments:
            write_manifest(self.store, found)

    def _is_void(self, number: int, sealed: int) -> bool:
        """Tells whether nothing of a segment counts."""
        path = segment_path(self.store, number)
        # A sealing that has packed it may be removing it this moment.
        with contextlib.suppress(FileNotFoundError):
            if _is_empty(path):
                return True
            segment = Segment(self.store, number)
            segment.load(None)
            last = max(segment.last_number, segment.proven)
            segment.close()
            path.stat()
            return segment.lost is None and not segment.gaps and 0 < last <= sealed
        return True

    def _settle_tail(self) -> None:
        newest = self._chain.newest()
        saved = self._saved_view()
        begun_with = newest.header.first - 1 if newest.header else 0
        readable = max(self.last_number, begun_with)
        proven = max(readable, saved.number if saved else 0, newest.proven)
        acknowledged = max(proven, read_proof(self.store))
        if newest.lost and not proven:
            # A new segment would make void whatever the lost one held, should its file come back.
            raise IntegrityError(
                f"the journal {newest.path} cannot be continued: {newest.lost}",
                hint="put the file back from a backup; nothing was written",
                path=str(newest.path),
            )
        self.next_number = acknowledged + 1
        if newest.lost or newest.gaps or newest.size() < HEADER_BYTES or acknowledged > readable:
            self._set_damaged_aside()
            return
        self._appender = Appender(newest)
        if newest.size() > newest.committed:
            self._appender.cut(newest.committed)
            self._appender.sync()

    def _set_damaged_aside(self) -> None:
        """Goes on in a new segment, whose header keeps the proof of what was lost."""
        self._start_segment()
        with contextlib.suppress(FailedError):
            self._save_view()

    def _start_segment(self) -> None:
        self._add_segment()
        self._appender = Appender(self._chain.newest())

    def _add_segment(self) -> None:
        number = max((0, *self._chain.numbers, *segment_files(self.store))) + 1
        create_segment(self.store, number, self.next_number, self.randomness)
        listed = (*self._chain.numbers, number)
        write_manifest(self.store, replace(self._chain.manifest, segments=listed))
        if self._appender is not None:
            self._appender.close()
            self._appender = None
        self._chain.read_manifest()

    def begin(self) -> Transaction:
        """Begins an operation; at most one at a time.

        Raises:
            UsageError: another one is open.
            BusyError: the lock was released.
            NoSpaceError, FailedError: a new segment was needed and cannot be made.
        """
        self._check_lock()
        if self._transaction is not None and self._transaction.open:
            raise UsageError("writing to the store failed: another transaction is open")
        appender = self._ready_appender()
        appender.check_untouched()
        self._transaction = Transaction(self, appender)
        return self._transaction

    def _check_lock(self) -> None:
        if not self._lock.held or self._lock.store != self.store:
            raise BusyError(
                f"the store {self.store} cannot be written: its writer lock is not held",
                pid=None,
            )

    def _ready_appender(self) -> Appender:
        newest, appender = self._chain.newest(), self._appender
        if appender is None:
            raise UsageError("writing to the store failed: the journal is closed")
        if appender.failed or appender.position != newest.committed:
            self.sync()
            self._start_segment()
        elif self.has_unsynced:
            # No derived file may know of it, and no other segment be begun before it counts.
            return appender
        elif newest.committed > self._segment_bytes and newest.operation_count:
            self._write_derived()
            self._start_segment()
        elif len(newest.tail.operations) >= RUN_OPERATIONS:
            self._write_derived()
        return self._appender or appender

    @property
    def has_unsynced(self) -> bool:
        """Tells whether something waits for `sync`."""
        return self._unsynced is not None

    def sync(self) -> None:
        """Forces to disk what was committed since this writer `defers`, which it does no more.

        Raises:
            FailedError: the journal is as it was before all of that, unless the error says that
                this is not known. This writer knows of more, so it can only be closed; it raises
                the same again each time, for whoever did not hear of it.
        """
        self.defers = False
        if self._lost is not None:
            raise self._lost
        if self._unsynced is None or self._appender is None:
            return
        try:
            self._appender.sync()
        except FailedError as error:
            start, self.void_from = self._unsynced
            self._lost = self._taken_back(self._appender, start, error)
            raise self._lost from None
        self._unsynced = None
        self._proof.note(self.next_number - 1)

    def _taken_back(self, appender: Appender, start: int, error: FailedError) -> FailedError:
        """Cuts off what could not be synced; returns the error, which says so where that fails."""
        self._appender = self._unsynced = None
        try:
            appender.cut(start)
            appender.sync()
        except FailedError:
            why = f"{error.message}; nor can it be taken back: what was recorded is not known"
            return FailedError(why, hint="look at the log before you do it again", **error.facts)
        finally:
            appender.close()
        return error

    def committed(self, group: Group, operation: Operation) -> None:
        """Takes in what a transaction has just written; it is on disk, or waits for `sync`."""
        newest = self._chain.newest()
        if self.durable and self.defers:
            self._unsynced = self._unsynced or (newest.committed, operation.number)
        elif self.durable:
            self._proof.note(operation.number)
        newest.add(group)
        self.next_number = operation.number + 1
        self._intact.update(oid for oid, _ in group.objects)
        if self._view is not None and self._view.number == operation.number - 1:
            self._view = fold(self._view, [operation])

    def rotate(self) -> tuple[int, ...]:
        """Begins a new segment unless the newest is empty; returns the numbers of those before it.

        Raises:
            NoSpaceError, FailedError: a new segment cannot be made.
        """
        self._check_lock()
        if self._chain.newest().operation_count:
            self._write_derived()
            self._start_segment()
        return self._chain.numbers[:-1]

    def switch(self, sealed: Manifest, segments: Collection[int]) -> None:
        """Makes the packs count instead of those segments; all that `sealed` lists is on disk.

        Raises:
            NoSpaceError, FailedError: the manifest cannot be written; the segments still count.
        """
        self._check_lock()
        left = (number for number in self._chain.numbers if number not in segments)
        write_manifest(self.store, replace(sealed, segments=tuple(left)))
        self._chain.read_manifest()

    def remember(self, oid: Oid, kind: str, content: bytes) -> None:
        """Keeps what a transaction adds in memory: it is often what is read next."""
        self._chain.recent.keep(oid, kind, content)

    def can_reuse(self, oid: Oid) -> bool:
        """Tells whether an intact copy is stored already; looks at its bytes once per writer."""
        if oid in self._intact:
            return True
        live = (segment.source.is_sound(offset, oid) for segment, offset in self.copies(oid))
        if not any(live) and not self._is_sound_packed(oid):
            return False
        self._intact.add(oid)
        return True

    def _is_sound_packed(self, oid: Oid) -> bool:
        return self._is_listed(oid) and (oid in self._packed or self.sealed.packs.is_sound(oid))

    def has(self, oid: Oid) -> bool:
        """Tells whether the journal holds the object where it stays: in no pack that may go."""
        return self._has_live(oid) or self._is_listed(oid)

    def _is_listed(self, oid: Oid) -> bool:
        """Tells whether a pack that counts has the object: one left by a killed sealing may go."""
        listed = self.manifest.packs
        return any(index.name in listed and oid in index for index in self.sealed.packs.indexes)

    def _write_derived(self) -> None:
        """Writes index and View. They only save time, so that a full disk is no reason to fail."""
        with contextlib.suppress(FailedError):
            if not self.durable and self._appender is not None:
                # What an index says was there must be there after a power loss, or it would be
                # taken for damage.
                self._appender.sync()
            for segment in self._chain.loaded():
                if segment.lost is None and segment.tail.operations:
                    segment.write_index()
            self._save_view()

    def _save_view(self) -> None:
        write_checked(self.store / VIEW, codec.canonical_json(codec.view_to_json(self.view())))


def _is_empty(segment: Path) -> bool:
    """Tells whether a segment holds nothing but its header, or not even that."""
    return segment.stat().st_size <= HEADER_BYTES


def _is_long(tail: TailIndex) -> bool:
    return tail.frames >= CLOSE_FRAMES or len(tail.operations) >= CLOSE_OPERATIONS


def _is_lost(store: Path, number: int) -> bool:
    """Tells whether a segment's file is gone or damaged, which a new one after it would hide."""
    segment = Segment(store, number)
    segment.load(None)
    segment.close()
    return segment.lost is not None
