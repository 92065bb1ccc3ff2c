"""State snapshots in a folder: a file each, replaced whole; events beside them.

<folder>/lock                      flock'ed by whoever writes
<folder>/snapshots/ID.snapshot     see `record`
<folder>/events/<16 hex of SHA-256 of the session>.events
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stepwell.store.engine.atomic import (
    fsync_folder,
    make_private_folder,
    remove_leftovers,
    system_error,
    write_atomic,
)
from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.errors import FailedError, IntegrityError, NotFoundError
from stepwell.store.model.ids import Clock
from stepwell.store.state import eventlog
from stepwell.store.state.record import Record, packed, read_head, unpacked
from stepwell.store.state.values import DamagedSnapshot, StateEvent, StateSnapshot

_SNAPSHOT, _BASE = ".snapshot", ".base"
_HEAD_BYTES = 4096
"""What is read of a file at first: enough for nearly every description."""

_GRAIN_S = 2.5
"""Longer than between two ticks of the coarsest file system's clock."""

Seen = tuple[str, int, int, int]
"""Suffix, inode, modification time and size: a file that is replaced gets others."""


class DiskStorage:
    """Keeps everything in a folder of its own, for any number of processes."""

    def __init__(self, folder: Path, *, clock: Clock, wait_s: float = 5.0) -> None:
        self._folder = folder
        self._clock = clock
        self._wait_s = wait_s
        self._seen: dict[str, Seen] = {}
        self._changed_ns, self._since, self._trusted = -1, 0.0, False
        self._snapshots: dict[str, StateSnapshot] = {}
        self._bases: dict[str, StateSnapshot] = {}
        self._damaged: dict[str, str] = {}
        for needed in (folder, self._files, folder / "events"):
            make_private_folder(needed)
        self._scan()

    @property
    def _files(self) -> Path:
        return self._folder / "snapshots"

    def _path(self, identity: str, suffix: str = _SNAPSHOT) -> Path:
        return self._files / f"{identity}{suffix}"

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        with WriterLock.acquire(self._folder, wait_s=self._wait_s, clock=self._clock):
            for folder in (self._folder, self._files, self._folder / "events"):
                remove_leftovers(folder)
            self._scan()
            yield

    def refresh(self) -> None:
        if not self._is_quiet():
            self._scan()

    def _is_quiet(self) -> bool:
        """Tells whether nothing can have changed since the last scan.

        A folder's time changes with the names in it, within the grain of its file system's clock:
        it is trusted once it has stayed for longer than that before a scan.
        """
        try:
            changed_ns, now = os.stat(self._files).st_mtime_ns, time.monotonic()
        except OSError as error:
            raise system_error(error, "reading", self._files) from error
        if changed_ns != self._changed_ns:
            self._changed_ns, self._since, self._trusted = changed_ns, now, False
        if self._trusted and not self._damaged:
            return True
        self._trusted = now - self._since > _GRAIN_S
        return False

    def _scan(self) -> None:
        found: dict[str, Seen] = {}
        for identity, seen in self._listed():
            # A base beside a snapshot of its id is what a crash left of storing it again.
            if identity not in found or seen[0] == _SNAPSHOT:
                found[identity] = seen
        for identity in (self._seen.keys() | self._damaged.keys()) - found.keys():
            self._forget(identity)
        for identity, seen in found.items():
            if self._seen.get(identity) != seen:
                self._take_in(identity, seen)

    def _listed(self) -> Iterator[tuple[str, Seen]]:
        try:
            with os.scandir(self._files) as entries:
                for entry in entries:
                    identity, suffix = os.path.splitext(entry.name)
                    if suffix in (_SNAPSHOT, _BASE) and not entry.name.startswith("."):
                        with contextlib.suppress(FileNotFoundError):
                            yield identity, _seen(suffix, entry.stat(follow_symlinks=False))
        except OSError as error:
            raise system_error(error, "listing", self._files) from error

    def _take_in(self, identity: str, seen: Seen) -> None:
        self._forget(identity)
        try:
            snapshot = self._head(identity, seen[0])
        except NotFoundError:
            return
        except FailedError as error:
            # It may be readable next time, so it does not count as seen.
            self._damaged[identity] = error.message
            return
        except IntegrityError as error:
            self._damaged[identity] = error.message
        else:
            (self._bases if seen[0] == _BASE else self._snapshots)[identity] = snapshot
        self._seen[identity] = seen

    def _head(self, identity: str, suffix: str) -> StateSnapshot:
        start = self._bytes(identity, suffix, _HEAD_BYTES)
        if start.count(b"\n") < 2 and len(start) == _HEAD_BYTES:
            start = self._bytes(identity, suffix)
        return read_head(start, identity).snapshot

    def _bytes(self, identity: str, suffix: str, limit: int = -1) -> bytes:
        path = self._path(identity, suffix)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(fd, "rb", buffering=0) as file:
                return file.read(limit)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no state snapshot {identity}") from error
        except OSError as error:
            raise system_error(error, "reading", path) from error

    def snapshots(self) -> Mapping[str, StateSnapshot]:
        return self._snapshots

    def bases(self) -> Mapping[str, StateSnapshot]:
        return self._bases

    def damaged(self) -> Sequence[DamagedSnapshot]:
        return [DamagedSnapshot(*one) for one in sorted(self._damaged.items())]

    def read(self, identity: str, *, validate: bool) -> Record:
        suffix = _BASE if identity in self._bases else _SNAPSHOT
        return unpacked(self._bytes(identity, suffix), identity, validate=validate)

    def write(self, record: Record) -> None:
        identity = record.snapshot.id
        path = self._path(identity)
        write_atomic(path, packed(record))
        if identity in self._bases:
            self._unlink(self._path(identity, _BASE))
        self._forget(identity)
        self._snapshots[identity] = record.snapshot
        with contextlib.suppress(FileNotFoundError):
            self._seen[identity] = _seen(_SNAPSHOT, os.stat(path, follow_symlinks=False))

    def retire(self, identity: str) -> None:
        path = self._path(identity)
        try:
            os.rename(path, self._path(identity, _BASE))
        except OSError as error:
            raise system_error(error, "renaming", path) from error
        fsync_folder(self._files)
        self._bases[identity] = self._snapshots.pop(identity)
        self._seen[identity] = (_BASE, *self._seen[identity][1:])

    def delete(self, identity: str) -> None:
        for suffix in (_SNAPSHOT, _BASE):
            self._unlink(self._path(identity, suffix))
        fsync_folder(self._files)
        self._forget(identity)

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise system_error(error, "removing", path) from error

    def _forget(self, identity: str) -> None:
        for known in (self._seen, self._snapshots, self._bases, self._damaged):
            known.pop(identity, None)

    def _log(self, session: str) -> Path:
        name = hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self._folder / "events" / f"{name}.events"

    def events(self, session: str) -> Sequence[StateEvent]:
        return eventlog.read_events(self._log(session), session)

    def last_event_ns(self, session: str) -> int | None:
        return eventlog.last_event_ns(self._log(session))

    def add_event(self, event: StateEvent) -> None:
        eventlog.add_event(self._log(event.session), event)

    def keep_events(self, session: str, events: Sequence[StateEvent]) -> None:
        eventlog.replace_events(self._log(session), events)


def _seen(suffix: str, state: os.stat_result) -> Seen:
    return suffix, state.st_ino, state.st_mtime_ns, state.st_size
