"""Which operation was acknowledged last, beside the journal: the proof when its end is cut off.

A journal that ends after a whole operation looks complete, whatever followed it once. So each
commit notes its number here, after it is on disk itself. The note is not synced: it may be behind
after a loss of power, never ahead.
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

from stepwell.store.engine.atomic import create_file

NAME = "acknowledged"

_MAGIC = b"stepwack"
_RECORD = struct.Struct("<8sQI")


class Proof:
    """The writing end; only for the holder of the writer lock. A failure to write is no error."""

    def __init__(self, store: Path) -> None:
        self._path = os.path.join(store, NAME)
        self._fd = -1

    def note(self, number: int) -> None:
        """Notes the number of an operation that is on disk."""
        with suppress(OSError):
            if self._fd < 0:
                self._fd = create_file(self._path)
            os.pwrite(self._fd, _record(number), 0)

    def close(self) -> None:
        """Closes the file; doing so again does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def read_proof(store: Path) -> int:
    """Returns the number that was noted last; 0 when there is none, or it is damaged."""
    with suppress(OSError):
        with open(os.path.join(store, NAME), "rb") as file:
            content = file.read(_RECORD.size + 1)
        if len(content) == _RECORD.size:
            _, number, _ = _RECORD.unpack(content)
            return int(number) if content == _record(number) else 0
    return 0


def _record(number: int) -> bytes:
    return _RECORD.pack(_MAGIC, number, zlib.crc32(_MAGIC + number.to_bytes(8, "little")))
