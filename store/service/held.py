"""The workspace as its daemon has it: the writer lock held, the journal open for writing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from stepwell.store.engine.journal import Journal, JournalWriter, share_memory
from stepwell.store.engine.journal.chain import live_bytes
from stepwell.store.engine.leftovers import clear_leftovers
from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.settle import recover
from stepwell.store.engine.travel import current_head
from stepwell.store.link.link import Link
from stepwell.store.model.errors import FailedError, StepwellError
from stepwell.store.model.plans import Recovery
from stepwell.store.workspace import Workspace


class HeldWorkspace(Workspace):
    """A Workspace that keeps the writer lock and one writer for as long as it is `held`.

    Not thread-safe, as any Workspace. Between `lend` and `hold` somebody else may write.
    """

    _lock: WriterLock | None = None
    _held: JournalWriter | None = None
    _found: Recovery | None = None
    """What was settled when the lock was taken, until a verb's caller is told."""
    _sight: LiveSight | None = None
    _defers = False
    _lost: FailedError | None = None
    """Why what shares a sync at this moment is not recorded."""
    _void_from: int | None = None
    """After a failed sync: where the next writer begins a new segment."""
    sync_s = 0.002
    """How long the last sync took that was shared; at first a guess."""

    @property
    def held(self) -> bool:
        """Tells whether the lock is held."""
        return self._lock is not None

    @property
    def capture_config(self) -> CaptureConfig:
        """How it captures."""
        return self._context.capture

    @property
    def live_bytes(self) -> int:
        """Bytes of what waits to be sealed."""
        return live_bytes(self.store)

    def link(self) -> Link | None:
        return None

    def refresh(self) -> bool:
        """Takes in what was recorded; subscribers are not woken, so that they wait for the reply."""
        return self._journal.refresh()

    def hold(self, wait_s: float) -> None:
        """Takes the lock and settles what a crash interrupted.

        Raises:
            BusyError: another process has it for `wait_s`.
            StepwellError: the journal cannot be opened for writing.
        """
        self._lock = WriterLock.acquire(self.store, wait_s=wait_s, clock=self._context.clock)
        try:
            if self._sight is None:
                self._sight = LiveSight(self.root, self.store, self._context.capture)
                self._context = replace(self._context, sight=self._sight)
            self._open()
        except BaseException:
            self.lend()
            raise

    def lend(self) -> None:
        """Lets go of the lock; does nothing when it is not held."""
        try:
            self._close_writer()
        finally:
            # Whoever has the lock next may record an operation of that number.
            self._void_from = None
            lock, self._lock = self._lock, None
            if lock is not None:
                lock.release()

    def renew(self) -> None:
        """Opens the journal anew, which frees memory and files gathered; the lock stays held."""
        if self._lock is not None:
            self._close_writer()
            self._journal.close()
            self._journal = Journal.open(self.store)
            self._open()

    def rest(self) -> None:
        """Lets go of what is cheap to have again: what is mapped and inflated of packs."""
        self._journal.sealed.packs.rest()
        if self._held is not None:
            self._held.sealed.packs.rest()

    @contextmanager
    def one_sync(self) -> Iterator[None]:
        """Has what is recorded meanwhile share one sync, at the end; it counts after that only.

        What has to be synced earlier ends the sharing: see `shares`.

        Raises:
            FailedError: the sync failed, and nothing that was recorded meanwhile counts, unless the
                error says that this is not known. The next look is a scan.
        """
        self._defers, self._lost = True, None
        self._set_defers()
        try:
            yield
        finally:
            self._defers = False
            self._sync_held()
            lost, self._lost = self._lost, None
            if lost is not None:
                self._forget_unsynced()
                raise lost

    @property
    def shares(self) -> bool:
        """Tells whether what is recorded next is still synced with all since `one_sync` began."""
        return self._defers and (self._held is None or self._held.defers)

    def _set_defers(self) -> None:
        if self._held is not None:
            self._held.defers = self._defers

    def _sync_held(self) -> None:
        if self._held is None:
            return
        waits, begun = self._held.has_unsynced, time.monotonic()
        try:
            self._held.sync()
        except FailedError:
            self._close_writer()  # which is told the same
        if waits:
            self.sync_s = time.monotonic() - begun

    def _forget_unsynced(self) -> None:
        """Lets go of all that knows of operations which are not there."""
        if self._sight is not None:
            self._sight.forget()
        self._context.tiers.forget()
        # Where it cannot be opened now, the next verb tries again, and says so.
        with suppress(StepwellError):
            self.renew()

    @property
    def doubt(self) -> str:
        """Why the next capture scans every file; empty while the workspace is followed."""
        return self._sight.doubt if self._sight else "the lock was never held"

    def watched(self) -> int | None:
        """Returns a descriptor that is readable when something changed; None when nothing is watched."""
        return self._sight.fileno() if self._sight else None

    def hear(self) -> None:
        """Takes in what the watcher tells, so that its queue stays short."""
        if self._sight is not None:
            self._sight.hear()

    def sweep(self, folders: int) -> None:
        """Looks at some folders for what no watcher tells, for an idle moment."""
        if self._sight is not None:
            self._sight.sweep(folders)

    def sweep_all(self) -> None:
        """Looks at all folders for what no watcher tells."""
        if self._sight is not None:
            self._sight.sweep_all()

    def close(self) -> None:
        """Lets go of the lock, the watches and all files."""
        self.lend()
        sight, self._sight = self._sight, None
        if sight is not None:
            sight.close()
        super().close()

    def _open(self) -> None:
        assert self._lock is not None, "the journal is opened under the lock only"
        context = self._context
        writer = JournalWriter.open_writer(
            self.store,
            self._lock,
            clock=context.clock,
            randomness=context.randomness,
            durability=context.durability,
            void_from=self._void_from,
        )
        self._held, self._void_from = writer, None
        try:
            self._settle(writer)
        except BaseException:
            # As long as it is held the next verb would take it for settled.
            self._close_writer()
            raise
        self._set_defers()

    def _settle(self, writer: JournalWriter) -> None:
        share_memory(writer, self._journal)
        self._found = recover(writer, self._context) or self._found
        self.refresh()
        tiers = self._tiers  # without what was removed for good while the lock was lent
        # The writer's View is of now; the reader's would have to fold all captures since its last look.
        head = current_head(writer)
        if head is not None:
            tiers.note(head)

    def _close_writer(self) -> None:
        """Closes it; what it was to sync is on disk then, or `_lost`, and no more is to join that."""
        writer, self._held = self._held, None
        if writer is not None:
            self._defers = False
            try:
                writer.close()
            except FailedError as error:
                self._lost = error
            self._void_from = writer.void_from

    @contextmanager
    def _writer(self) -> Iterator[JournalWriter]:
        if self._lost is not None:
            # What was recorded before it in the same request is not there.
            raise self._lost
        if self._lock is None:
            # It could not be taken back when it was lent last; what prevented that may be over.
            self.hold(self._context.wait_s)
        elif self._held is None:
            self.renew()
        writer = self._held
        assert writer is not None, "the journal is open while the lock is held"
        clear_leftovers(self.store)
        self.recovered, self._found = self._found, None
        self._check_fence()
        try:
            yield writer
        except BaseException:
            # What it left half done is settled as by any next command.
            self._close_writer()
            raise
        finally:
            self.refresh()
