"""One operation under way: objects are appended as they come, and the commit makes them count."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.appender import Appender
from stepwell.store.engine.journal.frames import CHUNK_BYTES, LargeObject
from stepwell.store.engine.journal.walk import Group
from stepwell.store.engine.objects import BLOB, FileMovedError
from stepwell.store.model.errors import FailedError, UsageError
from stepwell.store.model.ids import Oid, mint_operation_id, object_id
from stepwell.store.model.steps import Effect, Operation, StepRecorded

if TYPE_CHECKING:
    from stepwell.store.engine.journal.writer import JournalWriter


class Transaction:
    """An ObjectSink whose objects become part of the store with `commit`, or not at all.

    As a context it is aborted at the end unless it was committed. An object is not written again
    when the journal has it; the first time in the life of the writer that one is re-used its stored
    bytes are checked, and a damaged one is written anew.
    """

    def __init__(self, writer: JournalWriter, appender: Appender) -> None:
        self._writer = writer
        self._appender = appender
        self._start = appender.position
        self._own: dict[Oid, int] = {}
        self._count = 0
        self._digest = 0
        self.raw_bytes = 0
        """Bytes of the objects that were new, as they are."""
        self.stored_bytes = 0
        """The same, deflated."""
        self.open = True
        """False once it was committed or aborted."""

    def has(self, oid: Oid) -> bool:
        return oid in self._own or self._writer.has(oid)

    def read(self, oid: Oid) -> tuple[str, bytes]:
        if oid in self._own:
            found = self._appender.source.load(self._own[oid], oid)
            if found is not None:
                return found
        return self._writer.read(oid)

    def add(self, kind: str, data: bytes) -> Oid:
        """Adds an object and returns its id.

        Raises:
            NoSpaceError, FailedError: it cannot be written; the transaction is aborted.
        """
        self._check_open()
        oid = object_id(kind, data)
        if oid not in self._own and not self._writer.can_reuse(oid):
            with self._aborting():
                self._store(kind, oid, data)
            self._writer.remember(oid, kind, data)
        return oid

    def _store(self, kind: str, oid: Oid, data: bytes) -> None:
        if len(data) > CHUNK_BYTES:
            pieces = (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))
            self._store_large(kind, oid, len(data), pieces)
            return
        payload = frames.pack_object(kind, oid, data)
        stored = len(payload) - frames.OBJECT_HEAD_BYTES
        self._place(oid, frames.OBJECT, payload, len(data), stored)

    def _place(self, oid: Oid, kind: int, payload: bytes, raw: int, stored: int) -> None:
        self._own[oid] = self._appender.position
        self._append(kind, payload)
        self.raw_bytes += raw
        self.stored_bytes += stored

    def _append(self, kind: int, payload: bytes) -> None:
        crc = self._appender.add(kind, payload)
        self._count += 1
        self._digest = frames.extend_digest(self._digest, crc)

    def _store_large(self, kind: str, oid: Oid, size: int, pieces: Iterator[bytes]) -> None:
        first, count, stored = self._appender.position, 0, 0
        for piece in pieces:
            packed = zlib.compress(piece, frames.COMPRESSION)
            self._append(frames.CHUNK, packed)
            count, stored = count + 1, stored + len(packed)
        large = LargeObject(kind, oid, size, stored, first, count)
        self._place(oid, frames.LARGE, frames.pack_large(large), size, stored)

    def add_file(self, fd: int, size: int) -> Oid:
        """Adds the first `size` bytes of an open file as a blob, in bounded memory.

        A large file is hashed first and read again only when the store does not know it.

        Raises:
            FileMovedError: the file holds another number of bytes, or changed meanwhile; what was
                appended of it is taken back, and the transaction goes on.
            NoSpaceError, FailedError: it cannot be written; the transaction is aborted.
        """
        self._check_open()
        if size <= CHUNK_BYTES:
            return self.add(BLOB, b"".join(_pieces(fd, size)))
        oid = _hash_file(fd, size)
        if oid not in self._own and not self._writer.can_reuse(oid):
            with self._aborting():
                self._store_file(fd, size, oid)
        return oid

    def _store_file(self, fd: int, size: int, oid: Oid) -> None:
        before = (self._appender.position, self._count, self._digest)
        digest = _blob_digest(size)
        try:
            self._store_large(BLOB, oid, size, _hashed(_pieces(fd, size), digest))
            if digest.digest() != oid:
                raise FileMovedError
        except FileMovedError:
            position, self._count, self._digest = before
            self._own.pop(oid, None)
            self._appender.cut(position)
            raise

    def commit(
        self,
        kind: str,
        summary: str,
        effects: Sequence[Effect],
        *,
        inverse: Sequence[Effect] | None = None,
        session: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Makes the operation and its objects part of the store; on return they are on disk.

        Where the writer `defers`, they are once it has synced.

        Raises:
            NoSpaceError, FailedError: nothing was recorded; the transaction is aborted.
        """
        self._check_open()
        operation = Operation(
            number=self._writer.next_number,
            id=mint_operation_id(self._writer.randomness),
            kind=kind,
            time_ns=self._writer.clock(),
            summary=summary,
            effects=tuple(effects),
            inverse=None if inverse is None else tuple(inverse),
            session=session,
            details=dict(details or {}),
        )
        with self._aborting():
            offset = self._appender.position
            self._appender.add(
                frames.OPERATION, frames.pack_commit(operation, self._count, self._digest)
            )
            self._appender.flush()
            if self._writer.durable and not self._writer.defers:
                self._appender.sync()
        self.open = False
        self._writer.committed(self._group(operation, offset), operation)
        return operation

    def _group(self, operation: Operation, offset: int) -> Group:
        recorded = [e.step for e in operation.effects if isinstance(e, StepRecorded)]
        return Group(
            operation.number,
            offset,
            self._appender.position,
            tuple(self._own.items()),
            tuple(frames.StepKey(frames.step_key(s.id), s.seq) for s in recorded),
            self._count + 1,
            whole=True,
        )

    def abort(self) -> None:
        """Takes everything back; does nothing after a commit or an earlier abort.

        What cannot be cut off the file stays there without a commit, and so does not count.
        """
        if self.open:
            self.open = False
            with contextlib.suppress(FailedError):
                self._appender.cut(self._start)

    @contextlib.contextmanager
    def _aborting(self) -> Iterator[None]:
        try:
            yield
        except FileMovedError:
            raise
        except BaseException:
            self.abort()
            raise

    def _check_open(self) -> None:
        if not self.open:
            raise UsageError("writing to the store failed: the transaction is over")

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()


def _pieces(fd: int, size: int) -> Iterator[bytes]:
    """Yields the file's bytes in chunks, all full but the last.

    Raises:
        FileMovedError: the file does not hold exactly `size` bytes.
    """
    at = 0
    while at < size:
        piece = _read_exactly(fd, min(CHUNK_BYTES, size - at), at)
        at += len(piece)
        yield piece
    if _read(fd, 1, size):
        raise FileMovedError


def _read_exactly(fd: int, length: int, offset: int) -> bytes:
    parts = []
    while length > 0:
        part = _read(fd, length, offset)
        if not part:
            raise FileMovedError
        parts.append(part)
        length, offset = length - len(part), offset + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read(fd: int, length: int, offset: int) -> bytes:
    try:
        return os.pread(fd, length, offset)
    except OSError as error:
        raise system_error(error, "reading", "the file to be captured") from error


def _blob_digest(size: int) -> hashlib._Hash:
    return hashlib.sha1(f"{BLOB} {size}\0".encode(), usedforsecurity=False)


def _hash_file(fd: int, size: int) -> Oid:
    digest = _blob_digest(size)
    for piece in _pieces(fd, size):
        digest.update(piece)
    return Oid(digest.digest())


def _hashed(pieces: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece
