"""Keeping what is in a program's memory across its restarts."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.errors import StepwellError, UsageError
from stepwell.store.model.ids import Clock
from stepwell.store.state.documents import private_copy
from stepwell.store.state.envelope import Content, enclosed, opened
from stepwell.store.state.generations import Generations
from stepwell.store.state.hostsignals import HostSignals
from stepwell.store.state.persistable import Persistable, persistable
from stepwell.store.state.record import digest
from stepwell.store.state.ticker import Ticker

INTERVAL_MS = 300_000
KEEP = 3
DEADLINE_S = 10.0
"""How long a signal waits for the last snapshot before the host goes on."""

_ATTEMPTS = 3
_LOG = logging.getLogger("stepwell.persistence")
_LOG.addHandler(logging.NullHandler())


class Restored(NamedTuple):
    """What a storage was filled from."""

    path: Path
    timestamp: str
    """RFC 3339, of the snapshot."""


class _Taken(NamedTuple):
    """A storage's content, numbered in the order of taking: an older one never replaces a newer."""

    number: int
    text: bytes


class MemoryPersistence:
    """Loads a storage before the program serves, saves it every so often, on close and on signals.

    Use it as a context manager around serving, or as an asynchronous one within an event loop; there
    `snapshot` and `restore` are called on the loop. The storage offers `snapshot` and `restore`
    (see `Persistable`); for one that persists itself nothing happens at all. Nothing that goes
    wrong here ever reaches the program: it is logged, under `stepwell.persistence`.

    The folder is this service's alone. `keep` snapshots stay in it; one that cannot be used is put
    aside there and the one before it is used.

    Raises:
        UsageError: `interval_ms` or `keep` is below 1.
    """

    def __init__(
        self,
        storage: object,
        folder: str | os.PathLike[str],
        *,
        interval_ms: int = INTERVAL_MS,
        keep: int = KEEP,
        handle_signals: bool = True,
        wait_s: float = 5.0,
        clock: Clock = time.time_ns,
    ) -> None:
        if interval_ms < 1 or keep < 1:
            raise UsageError("interval_ms and keep start at 1", hint="as in interval_ms=300_000")
        self._storage = storage
        self._files = Generations(Path(folder))
        self._interval_s = interval_ms / 1000
        self._keep = keep
        self._wait_s = wait_s
        self._clock = clock
        self._signals = HostSignals(self._on_signal) if handle_signals else None
        self._saving = threading.Lock()
        self._lock: WriterLock | None = None
        self._pid = 0
        self._newest = ""
        self._numbers = itertools.count(1)
        self._stored = 0
        self._ticker: Ticker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._leaving = False

    def start(self) -> Restored | None:
        """Loads the newest snapshot that is whole, then begins to save; None: a fresh start."""
        if not self._begin():
            return None
        restored = self.load()
        self._ticker = Ticker(self._interval_s, self.save, "stepwell-persistence")
        self._ticker.start()
        self._watch_signals()
        return restored

    def close(self) -> None:
        """Ends saving at intervals, saves once more, and gives the signals back."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        self.save()
        self._end()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        if self._begin():
            self.load()
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._beat(self._loop))
            self._watch_signals()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.save()
        self._loop = self._task = None
        self._end()

    async def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            if (taken := self._take()) is not None:
                await loop.run_in_executor(None, self._store, taken)

    def _begin(self) -> bool:
        """Takes the folder; False when there is nothing to do for this storage."""
        if self._source() is None:
            _LOG.info("the storage persists itself: nothing is kept")
            return False
        try:
            self._files.prepare()
            self._lock = WriterLock.acquire(
                self._files.folder, wait_s=self._wait_s, clock=self._clock
            )
            self._pid = os.getpid()
        except StepwellError as error:
            _LOG.error("nothing will be saved: %s", error)
        return True

    def _source(self) -> Persistable | None:
        try:
            return persistable(self._storage)
        except Exception:
            _LOG.exception("the storage does not say whether it persists itself")
            return None

    def _watch_signals(self) -> None:
        if self._signals is not None:
            self._signals.install()

    def _end(self) -> None:
        if self._signals is not None:
            self._signals.remove()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        _LOG.info("closed")

    def load(self) -> Restored | None:
        """Fills the storage from the newest snapshot that is whole; None when there is none.

        A snapshot that is refused, by us or by the storage, is put aside with its reason logged.
        """
        storage = self._source()
        if storage is None:
            return None
        try:
            paths = self._files.newest_first()
            empty = storage.snapshot()
        except Exception as error:
            _LOG.error("nothing was loaded: %s", error)
            return None
        for path in paths:
            content = self._read(path)
            if content is not None and self._put_back(content.data, str(path)):
                _LOG.info("restored %s of %s", path, content.timestamp)
                self._newest = content.digest
                return Restored(path, content.timestamp)
            if self._lock is not None:
                self._files.set_aside(path)
        if paths:
            self._put_back(empty, "the empty state")
            _LOG.warning("no snapshot in %s could be used: starting fresh", self._files.folder)
        else:
            _LOG.info("no snapshot in %s: starting fresh", self._files.folder)
        return None

    def _read(self, path: Path) -> Content | None:
        try:
            return opened(self._files.read(path))
        except StepwellError as error:
            _LOG.warning("%s is refused: %s", path, error)
            return None

    def _put_back(self, data: Any, name: str) -> bool:
        storage = self._source()
        try:
            if storage is not None:
                storage.restore(data)
        except Exception:
            _LOG.exception("the storage does not take %s", name)
            return False
        return storage is not None

    def save(self) -> bool:
        """Saves what the storage holds now, unless that is saved already; False when it cannot be."""
        taken = self._take()
        return taken is not None and self._store(taken)

    def _take(self) -> _Taken | None:
        """Returns the storage's content as text; None when there is none to be had."""
        storage = self._source()
        if storage is None or self._lock is None or os.getpid() != self._pid:
            return None
        for attempt in range(1, _ATTEMPTS + 1):
            number = next(self._numbers)
            try:
                return _Taken(number, private_copy(storage.snapshot())[0])
            except RuntimeError:
                # What a storage without a lock gives when another thread changes it meanwhile.
                if attempt == _ATTEMPTS:
                    _LOG.exception("the storage gives no snapshot")
            except Exception:
                _LOG.exception("the storage gives no snapshot")
                break
        return None

    def _store(self, taken: _Taken) -> bool:
        found = digest(taken.text)
        with self._saving:
            if taken.number < self._stored or found == self._newest:
                _LOG.debug("nothing new to save")
                return True
            try:
                path = self._files.add(enclosed(taken.text, self._clock()))
                self._newest, self._stored = found, taken.number
                _LOG.info("saved %s, %d bytes of state", path, len(taken.text))
                for old in self._files.rotate(self._keep):
                    _LOG.info("removed %s", old)
            except StepwellError as error:
                _LOG.error("not saved: %s", error)
                return False
            return True

    def _on_signal(self, number: int, host: Callable[[], None]) -> None:
        if self._leaving:
            host()
            return
        self._leaving = True
        _LOG.info("signal %d: saving", number)
        if self._loop is not None and self._loop.is_running():
            # Not here, in the middle of whatever the loop is at.
            self._loop.call_soon_threadsafe(self._save_and_go_on, host)
            return
        # A thread, because the main thread may hold the storage's lock: then the host goes on.
        thread = threading.Thread(target=self.save, name="stepwell-persistence-last", daemon=True)
        thread.start()
        thread.join(DEADLINE_S)
        if thread.is_alive():
            _LOG.error("the last snapshot took too long")
        self._leaving = False
        host()

    def _save_and_go_on(self, host: Callable[[], None]) -> None:
        self.save()
        self._leaving = False
        host()


def newest_saved(folder: Path) -> Content | None:
    """Returns the newest snapshot of a folder that is whole, for a reader; None when there is none.

    Whoever writes there is not disturbed, and nothing is put aside.
    """
    files = Generations(folder)
    try:
        paths = files.newest_first()
    except StepwellError:
        return None
    for path in paths:
        with contextlib.suppress(StepwellError):
            return opened(files.read(path))
    return None
