"""The open file of a segment, apart from what is known of its content.

Whoever reads frames holds the file and not the segment, so that a segment which nobody uses is gone
at once, with its index, and not when garbage is collected one day.
"""

from __future__ import annotations

import errno
import os
import weakref
from pathlib import Path
from typing import Self

from stepwell.store.engine.atomic import system_error


class OpenedFile:
    """A file for reading; closed by `close`, or when nobody refers to it any more."""

    def __init__(self, fd: int, path: Path) -> None:
        self.path = path
        self._fd = fd
        self._close = weakref.finalize(self, os.close, fd)

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Opens a file, never through a link; None when there is none.

        Raises:
            FailedError: the system refuses.
        """
        try:
            return cls(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise system_error(error, "opening", path) from error

    def close(self) -> None:
        """Closes it; does nothing the second time."""
        self._fd = -1
        self._close()

    def size(self) -> int:
        """Returns its size now."""
        return os.fstat(self._fd).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Returns bytes of it, fewer at its end; sectors that the disk lost read as end.

        Raises:
            FailedError: the system refuses to read.
        """
        try:
            block = os.pread(self._fd, length, offset)
            while len(block) < length and (more := self._read_more(block, offset, length)):
                block += more
            return block
        except OSError as error:
            if error.errno == errno.EIO:
                return b""
            raise system_error(error, "reading", self.path) from error

    def _read_more(self, block: bytes, offset: int, length: int) -> bytes:
        return os.pread(self._fd, length - len(block), offset + len(block))
