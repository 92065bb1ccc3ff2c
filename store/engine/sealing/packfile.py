"""Writing a pack without deltas, of gitformat-pack version 2: how git is given what segments hold.

PACK | version 4 | objects 4, then of each: kind and size, deflated bytes | SHA-1 of all before
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from stepwell.store.engine.atomic import create_file, full_write, system_error

_HEADER = struct.Struct(">4sII")
_CODES = {"commit": 1, "tree": 2, "blob": 3}
_BUFFER = 4 << 20


class PackWriter:
    """A pack under way; the number of its objects is known beforehand. Use it as a context."""

    def __init__(self, path: Path, count: int) -> None:
        """Creates the file.

        Raises:
            NoSpaceError, FailedError: it cannot be written; so do all other methods.
        """
        self._path = path
        try:
            self._fd = create_file(path)
        except OSError as error:
            raise system_error(error, "creating", path) from error
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._buffer = bytearray()
        self._put(_HEADER.pack(b"PACK", 2, count))

    def add(self, kind: str, content: bytes) -> None:
        """Adds an object."""
        self.add_deflated(kind, len(content), zlib.compress(content, 1))

    def add_deflated(self, kind: str, size: int, content: bytes) -> None:
        """Adds an object of `size` bytes that is deflated already."""
        self._put(_object_head(kind, size))
        self._put(content)

    def add_pieces(self, kind: str, size: int, pieces: Iterable[bytes]) -> None:
        """Adds an object of `size` bytes in pieces."""
        self._put(_object_head(kind, size))
        deflater = zlib.compressobj(1)
        for piece in pieces:
            self._put(deflater.compress(piece))
        self._put(deflater.flush())

    def finish(self) -> None:
        """Writes the end; git checks it."""
        self._put(self._digest.digest())
        self._flush()

    def _put(self, content: bytes) -> None:
        self._digest.update(content)
        self._buffer += content
        if len(self._buffer) > _BUFFER:
            self._flush()

    def _flush(self) -> None:
        full_write(self._fd, self._buffer, self._path)
        self._buffer.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)


def _object_head(kind: str, size: int) -> bytes:
    first, rest = size & 15, size >> 4
    head = [_CODES[kind] << 4 | first]
    while rest:
        head[-1] |= 0x80
        head.append(rest & 0x7F)
        rest >>= 7
    return bytes(head)
