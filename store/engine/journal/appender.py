"""Appending frames to one segment file: buffered, and cut back whenever that is asked for."""

from __future__ import annotations

import os

from stepwell.store.engine.atomic import full_write, sync_content, system_error
from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.segment import Segment
from stepwell.store.engine.journal.stored import FrameSource
from stepwell.store.model.errors import FailedError

BUFFER_BYTES = 4 << 20
"""A transaction that has more than this waiting writes it out before its commit."""


class Appender:
    """The writing end of the newest segment; only for the holder of the writer lock."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._written = segment.committed
        self._buffer = bytearray()
        self.failed = False
        """After a failed sync or cut nobody knows what is on disk: the file takes no more."""
        try:
            self._fd = os.open(segment.path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise system_error(error, "opening", segment.path) from error

    def close(self) -> None:
        """Closes the file; what was not flushed is dropped."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def source(self) -> FrameSource:
        """What was appended, flushed or not; made anew, so that an unused appender refers to nothing."""
        return FrameSource(self._read_at, self._segment.salt)

    @property
    def position(self) -> int:
        """Where the next frame goes."""
        return self._written + len(self._buffer)

    def add(self, kind: int, payload: bytes) -> int:
        """Appends a frame and returns its checksum; writes out a buffer that has grown large.

        Raises:
            NoSpaceError, FailedError: the system refused; `cut` takes back what was begun.
        """
        frame, crc = frames.encode(kind, payload, self.position, self._segment.salt)
        self._buffer += frame
        if len(self._buffer) > BUFFER_BYTES:
            self.flush()
        return crc

    def flush(self) -> None:
        """Writes the buffer out, with one call when all goes well."""
        if self._buffer:
            full_write(self._fd, self._buffer, self._segment.path)
            self._written += len(self._buffer)
            self._buffer.clear()

    def sync(self) -> None:
        """Forces the file to disk.

        Raises:
            FailedError: it cannot be; what was appended since the last sync counts as not written.
        """
        try:
            sync_content(self._fd)
        except OSError as error:
            self.failed = True
            raise system_error(error, "syncing", self._segment.path) from error

    def cut(self, offset: int) -> None:
        """Takes back everything from `offset` on, written out or not.

        Raises:
            FailedError: the file cannot be cut; readers ignore the rest, as no commit follows it.
        """
        if offset >= self._written and not self.size_differs():
            del self._buffer[offset - self._written :]
            return
        self._buffer.clear()
        try:
            os.ftruncate(self._fd, offset)
        except OSError as error:
            self.failed = True
            raise system_error(error, "cutting back", self._segment.path) from error
        self._written = offset

    def size_differs(self) -> bool:
        """Tells whether the file does not end where this appender has written to."""
        return os.fstat(self._fd).st_size != self._written

    def check_untouched(self) -> None:
        """Raises FailedError when somebody else has changed the file's length, or removed the file."""
        if self.size_differs() or not self._is_in_place():
            self.failed = True
            raise FailedError(
                f"writing {self._segment.path} was refused: another program has changed the file",
                hint="run the command again; it starts a new segment if needed",
                path=str(self._segment.path),
            )

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), os.lstat(self._segment.path))
        except OSError:
            return False

    def _read_at(self, offset: int, length: int) -> bytes:
        """Returns bytes that were appended, from the file or from the buffer."""
        inside = max(0, min(length, self._written - offset))
        block = self._segment.read_at(offset, inside) if inside else b""
        start = max(0, offset - self._written)
        return block + bytes(self._buffer[start : start + length - len(block)])
