"""The bytes of a bundle.

    "stepwell-bundle 1" LF
    entry*:  kind 1 | size 8 | (piece length 4, piece)* | 0 4       pieces are one zlib stream
    "E" | SHA-256 of everything before, 32

Kinds: B a blob, T a tree, S the steps as JSON. Objects come before the steps; integers are
little-endian. Writing and reading take bounded memory whatever an object's size.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from stepwell.store.engine.atomic import full_write
from stepwell.store.engine.objects import BLOB, TREE
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid

MAGIC = b"stepwell-bundle 1\n"
_FAMILY = b"stepwell-bundle "

STEPS = "steps"
_CODES = {BLOB: b"B", TREE: b"T", STEPS: b"S"}
_KINDS = {code: kind for kind, code in _CODES.items()}
_END = b"E"

_HEAD = struct.Struct("<cQ")
_LENGTH = struct.Struct("<I")
_PIECE = 1 << 20
_DIGEST = 32

LARGEST_ENTRY = 1 << 30
LARGEST_STEPS = 256 << 20
MOST_BYTES = 16 << 30
_MOST_ENTRIES = 5_000_000


class Entry(NamedTuple):
    """Where an entry lies."""

    kind: str
    size: int
    offset: int
    """Of its head."""


def malformed(what: str) -> IntegrityError:
    """Returns the error for a file that is no whole bundle."""
    return IntegrityError(
        f"the bundle was refused: {what}",
        hint="nothing was imported; have it exported again",
        reason=what,
    )


def is_bundle(start: bytes) -> bool:
    """Tells by its beginning whether a file is a bundle, of whatever version."""
    return start.startswith(_FAMILY)


class BundleWriter:
    """Writes entries to an open file, from its present position on; the caller syncs and closes."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        self._digest = hashlib.sha256()
        self._write(MAGIC)

    def add(self, kind: str, size: int, pieces: Iterable[bytes]) -> None:
        """Writes one entry of `size` bytes."""
        self._write(_HEAD.pack(_CODES[kind], size))
        packer = zlib.compressobj(6)
        for piece in pieces:
            self._piece(packer.compress(piece))
        self._piece(packer.flush())
        self._write(_LENGTH.pack(0))

    def finish(self) -> None:
        """Writes the end."""
        self._write(_END)
        full_write(self._fd, self._digest.digest(), self._name)

    def _piece(self, packed: bytes) -> None:
        for at in range(0, len(packed), _PIECE):
            part = packed[at : at + _PIECE]
            self._write(_LENGTH.pack(len(part)) + part)

    def _write(self, content: bytes) -> None:
        full_write(self._fd, content, self._name)
        self._digest.update(content)


class BundleReader:
    """Reads an open file; every read checks lengths, so that no entry can take more than it says."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size

    def check_whole(self) -> None:
        """Reads the whole file and compares its checksum.

        Raises:
            IntegrityError: it is no bundle, of another version, cut short, or damaged.
        """
        start = self._take(0, len(MAGIC)) if self._size >= len(MAGIC) else b""
        if start != MAGIC:
            other = start.startswith(_FAMILY)
            raise malformed("its version is not known here" if other else "it is no bundle")
        end = self._size - _DIGEST
        if end < len(MAGIC) + 1 or self._take(end - 1, 1) != _END:
            raise malformed("it is cut short")
        digest, at = hashlib.sha256(), 0
        while at < end:
            part = self._take(at, min(_PIECE, end - at))
            digest.update(part)
            at += len(part)
        if digest.digest() != self._take(end, _DIGEST):
            raise malformed("its checksum is wrong")

    def entries(self) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yields each entry with its bytes in pieces, which must be used up before the next one.

        Raises:
            IntegrityError: an entry is malformed or beyond the limits.
        """
        at, total, end = len(MAGIC), 0, self._size - _DIGEST - 1
        for _ in range(_MOST_ENTRIES):
            if at == end:
                return
            entry = self._head(at, end)
            total += entry.size
            if total > MOST_BYTES:
                raise malformed(f"it holds more than {MOST_BYTES >> 30} GiB")
            walk = _Walk(self._take, entry, end)
            yield entry, iter(walk)
            at = walk.end
        raise malformed("it has too many entries")

    def read(self, entry: Entry) -> bytes:
        """Returns the bytes of an entry."""
        return b"".join(_Walk(self._take, entry, self._size - _DIGEST - 1))

    def _head(self, at: int, end: int) -> Entry:
        if end - at < _HEAD.size:
            raise malformed("an entry is cut short")
        code, size = _HEAD.unpack(self._take(at, _HEAD.size))
        if code not in _KINDS:
            raise malformed("an entry is of an unknown kind")
        kind = _KINDS[code]
        if size > (LARGEST_STEPS if kind == STEPS else LARGEST_ENTRY):
            raise malformed("an entry is too large")
        return Entry(kind, size, at)

    def _take(self, at: int, length: int) -> bytes:
        parts = []
        while length:
            part = os.pread(self._fd, length, at)
            if not part:
                raise malformed("it became shorter while it was read")
            parts.append(part)
            at, length = at + len(part), length - len(part)
        return b"".join(parts)


class _Walk:
    """The bytes of one entry, piece by piece; `end` is known when they are used up."""

    def __init__(self, take: Callable[[int, int], bytes], entry: Entry, limit: int) -> None:
        self._take = take
        self._entry = entry
        self._limit = limit
        self.end = -1

    def __iter__(self) -> Iterator[bytes]:
        at = self._entry.offset + _HEAD.size
        unpacker, left = zlib.decompressobj(), self._entry.size
        while True:
            length = self._length(at)
            at += _LENGTH.size
            if length == 0:
                break
            packed = self._bytes(at, length)
            at += length
            while packed:
                piece = _inflated(unpacker, packed, min(left + 1, _PIECE))
                packed = unpacker.unconsumed_tail
                left -= len(piece)
                if left < 0:
                    raise malformed("an entry holds more than it says")
                if piece:
                    yield piece
                elif not packed:
                    break
        if left or not unpacker.eof or unpacker.unused_data:
            raise malformed("an entry does not hold what it says")
        self.end = at

    def _length(self, at: int) -> int:
        (length,) = _LENGTH.unpack(self._bytes(at, _LENGTH.size))
        if length > _PIECE:
            raise malformed("a piece is too large")
        return int(length)

    def _bytes(self, at: int, length: int) -> bytes:
        if at + length > self._limit:
            raise malformed("an entry is cut short")
        return self._take(at, length)


def _inflated(unpacker: zlib._Decompress, packed: bytes, room: int) -> bytes:
    try:
        return unpacker.decompress(packed, room)
    except zlib.error as error:
        raise malformed("an entry cannot be unpacked") from error


def object_digest(kind: str, size: int, pieces: Iterable[bytes]) -> Oid:
    """Returns the id of an object whose bytes come in pieces."""
    digest = hashlib.sha1(f"{kind} {size}\0".encode(), usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    return Oid(digest.digest())
