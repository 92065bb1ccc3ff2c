"""A pack's index, version 2 of gitformat-pack: which objects the pack holds, and where.

magic 4 | version 4 | fan-out 256 x 4 | ids 20 | CRC-32s 4 | offsets 4 | long offsets 8
| SHA-1 of the pack 20 | SHA-1 of all before 20
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from stepwell.store.engine.tables import Table, let_go, map_file
from stepwell.store.model.ids import Oid

_MAGIC = b"\xfftOc\0\0\0\x02"
_FAN = struct.Struct(">256I")
_IDS = len(_MAGIC) + _FAN.size
_ROW = 20 + 4 + 4
_TRAILER = 40
_LONG = 1 << 31
_BLOCK = 1 << 20


Identity = tuple[tuple[int, int, int], ...]
"""What differs between a pack with its index and others that had their names before."""


def pack_identity(index: Path) -> Identity:
    """Returns the identity of a pack and its index as they are now; zeros for what is gone."""
    return tuple(_stamp(path) for path in (index, index.with_suffix(".pack")))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


class PackIndex:
    """The index of one pack, looked up in mapped memory."""

    def __init__(self, path: Path, memory: mmap.mmap, identity: Identity) -> None:
        self.path = path
        self.name = path.stem
        """The pack's name, as the manifest lists it."""
        self.identity = identity
        self._memory = memory
        self._fan = _FAN.unpack_from(memory, len(_MAGIC))
        self._ids = Table(memory, _IDS, self._fan[255], 20, 20)

    @classmethod
    def open(cls, path: Path) -> PackIndex | None:
        """Returns the index in that file; None when the file is absent or none."""
        # Before the file is opened: one that comes meanwhile is then looked at again.
        identity = pack_identity(path)
        memory = map_file(path)
        if memory is None or len(memory) < _IDS + _TRAILER or memory[: len(_MAGIC)] != _MAGIC:
            return None
        fan = _FAN.unpack_from(memory, len(_MAGIC))
        left = len(memory) - _IDS - _TRAILER - fan[255] * _ROW
        if list(fan) != sorted(fan) or left < 0 or left % 8:
            return None
        return cls(path, memory, identity)

    @property
    def pack(self) -> Path:
        """The pack's own file."""
        return self.path.with_suffix(".pack")

    def file_bytes(self) -> int:
        """Returns the size of the pack and of its index; 0 when they are gone."""
        try:
            return self.pack.stat().st_size + self.path.stat().st_size
        except OSError:
            return 0

    @property
    def count(self) -> int:
        """How many objects the pack holds."""
        return self._ids.count

    def __contains__(self, oid: Oid) -> bool:
        return self._position(oid) is not None

    def _position(self, oid: Oid) -> int | None:
        first = oid[0]
        low = self._fan[first - 1] if first else 0
        at = self._ids.position(oid, low, self._fan[first])
        return at if at < self.count and self._ids.row(at) == oid else None

    def ids(self) -> Iterator[Oid]:
        """Yields the ids in order."""
        return (Oid(row) for row in self._ids.rows())

    def offset_of(self, oid: Oid) -> int | None:
        """Returns where in the pack an object begins; None when it is not in it."""
        at = self._position(oid)
        return None if at is None else self._offset(at)

    def stored_size(self, oid: Oid) -> int | None:
        """Returns how many bytes of the pack an object takes; None when it is not in it."""
        offset = self.offset_of(oid)
        if offset is None:
            return None
        following = bisect_left(self._sorted_offsets, offset + 1)
        return self._sorted_offsets[following] - offset

    @cached_property
    def _sorted_offsets(self) -> list[int]:
        end = self.pack.stat().st_size - 20
        return sorted([*(self._offset(at) for at in range(self.count)), end])

    def _offset(self, at: int) -> int:
        start = _IDS + self.count * 24 + at * 4
        offset = int.from_bytes(self._memory[start : start + 4], "big")
        if offset < _LONG:
            return offset
        start = _IDS + self.count * _ROW + (offset - _LONG) * 8
        return int.from_bytes(self._memory[start : start + 8], "big")

    def is_sound(self) -> bool:
        """Tells whether the index itself is as it was written."""
        with memoryview(self._memory) as view, view[:-20] as body:
            digest = hashlib.sha1(body, usedforsecurity=False).digest()
        let_go(self._memory)
        return digest == self._memory[-20:]

    def pack_is_there(self) -> bool:
        """Tells whether the pack exists and ends with the checksum that the index has of it."""
        try:
            with open(self.pack, "rb") as file:
                file.seek(-20, 2)
                return file.read() == self._memory[-40:-20]
        except OSError:
            return False

    def pack_is_sound(self) -> bool:
        """Tells whether every byte of the pack is as it was written; reads it whole."""
        digest = hashlib.sha1(usedforsecurity=False)
        try:
            with open(self.pack, "rb") as file:
                left = file.seek(0, 2) - 20
                file.seek(0)
                while left > 0 and (block := file.read(min(_BLOCK, left))):
                    digest.update(block)
                    left -= len(block)
                end = file.read()
        except OSError:
            return False
        return left == 0 and digest.digest() == end == self._memory[-40:-20]
