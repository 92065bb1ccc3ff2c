"""Sorted tables in mapped memory: how derived indexes are looked up without being read.

Rows are of one width and ordered by their bytes, keys come first, integers are big-endian.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

CRC = struct.Struct(">I")
"""The last bytes of an index file: CRC-32 of all before them."""


class Table:
    """Sorted rows of one width in mapped memory; the key comes first in each row."""

    def __init__(
        self, memory: mmap.mmap | bytes, start: int, count: int, width: int, key: int
    ) -> None:
        self._memory = memory
        self._start = start
        self._width = width
        self._key = key
        self.count = count

    def row(self, index: int) -> bytes:
        at = self._start + index * self._width
        return self._memory[at : at + self._width]

    def rows(self) -> list[bytes]:
        end = self._start + self.count * self._width
        block = self._memory[self._start : end]
        return [block[at : at + self._width] for at in range(0, len(block), self._width)]

    def position(self, key: bytes, low: int = 0, high: int | None = None) -> int:
        """Returns the index of the first row, of those given, whose key is not below `key`."""
        top = self.count if high is None else high
        # Without a call for each look, which `bisect` would need: this is half of a read's cost.
        memory, start, width, length = self._memory, self._start, self._width, self._key
        while low < top:
            middle = (low + top) // 2
            at = start + middle * width
            if memory[at : at + length] < key:
                low = middle + 1
            else:
                top = middle
        return low

    def matches(self, key: bytes) -> list[bytes]:
        """Returns the rows with that key, in order."""
        found = []
        index = self.position(key)
        while index < self.count and (row := self.row(index))[: self._key] == key:
            found.append(row)
            index += 1
        return found

    def beginnings(self) -> bytes:
        """Returns a bit for each two bytes that a key may begin with: set where one does."""
        found, width = bytearray(1 << 13), self._width
        start, end = self._start, self._start + self.count * width
        firsts, seconds = self._memory[start:end:width], self._memory[start + 1 : end : width]
        for first, second in zip(firsts, seconds, strict=True):
            found[first << 5 | second >> 3] |= 1 << (second & 7)
        return bytes(found)

    def keys_between(self, low: bytes, high: bytes) -> list[bytes]:
        """Returns the keys from `low` to `high`, both included, in order."""
        found = []
        index = self.position(low)
        while index < self.count and (key := self.row(index)[: self._key]) <= high:
            found.append(key)
            index += 1
        return found


def map_file(path: Path) -> mmap.mmap | None:
    """Returns a file in memory; None when it is absent, empty or cannot be opened."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)


def is_sound(memory: mmap.mmap, body: int) -> bool:
    """Tells whether the checksum at `body` is that of all bytes before it."""
    with memoryview(memory) as view, view[:body] as part:
        found = zlib.crc32(part)
    let_go(memory)
    return bool(CRC.unpack_from(memory, body)[0] == found)


def let_go(memory: mmap.mmap) -> None:
    """Frees what is resident of a mapped file; what is looked up next is read again."""
    if hasattr(mmap, "MADV_DONTNEED"):
        # Whoever has all memory locked keeps it: only a saving is lost.
        with suppress(OSError, ValueError):
            memory.madvise(mmap.MADV_DONTNEED)


def integer(raw: bytes) -> int:
    """Returns the integer of a column."""
    return int.from_bytes(raw, "big")
