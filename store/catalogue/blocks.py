"""Texts by number in deflated blocks: finding a few of them costs nothing of the others.

    content = magic, digest of what they were made of, number of blocks,
              (first number, size) of each block, CRC-32 of all before it, the blocks
    block   = zlib stream of lines: the numbers, then the text of each

Integers are little-endian.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby, islice

_MAGIC = b"stepwell-texts 2"
_HEAD = struct.Struct("<16s16sI")
_BLOCK = struct.Struct("<II")
_CRC = struct.Struct("<I")
_ROWS = 16
"""Texts of a block: few enough that a page pays for little beyond it, and similar enough to deflate well."""
_HELD = 256
"""Blocks that stay inflated: whoever goes through pages comes to the same block again."""


class Blocks:
    """The texts of one such content.

    Raises:
        ValueError: it is damaged, of another format, or made of something else.
    """

    def __init__(self, content: bytes, made_of: bytes) -> None:
        self.made_of = made_of
        self._content = content
        try:
            magic, digest, count = _HEAD.unpack_from(content)
            end = _HEAD.size + count * _BLOCK.size
            (crc,) = _CRC.unpack_from(content, end)
        except struct.error as error:
            raise ValueError("the texts are cut short") from error
        if (magic, digest) != (_MAGIC, _digest(made_of)) or crc != zlib.crc32(content[:end]):
            raise ValueError("the texts are of another kind, or damaged")
        at = end + _CRC.size
        self._firsts: list[int] = []
        self._places: list[slice] = []
        for first, size in _BLOCK.iter_unpack(content[_HEAD.size : end]):
            self._firsts.append(first)
            self._places.append(slice(at, at + size))
            at += size

    def texts(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Returns the texts with these numbers, as far as there are any.

        Raises:
            ValueError: a block is damaged.
        """
        found: dict[int, bytes] = {}
        for block, wanted in groupby(numbers, self._block_of):
            if block >= 0:
                held = _held(self, block)
                found |= {number: held[number] for number in wanted if number in held}
        return found

    def _block_of(self, number: int) -> int:
        return bisect_right(self._firsts, number) - 1

    def deflated(self, block: int) -> bytes:
        """Returns a block as it is stored."""
        return self._content[self._places[block]]


@lru_cache(_HELD)
def _held(blocks: Blocks, block: int) -> dict[int, bytes]:
    try:
        lines = zlib.decompress(blocks.deflated(block)).split(b"\n")
    except zlib.error as error:
        raise ValueError("a block of the texts is damaged") from error
    return dict(zip(map(int, lines[0].split()), lines[1:], strict=True))


def pack(made_of: bytes, texts: Iterable[tuple[int, bytes]]) -> bytes:
    """Returns the content that holds texts without line feeds, given in ascending order."""
    rows, blocks, left = [], [], iter(texts)
    while group := list(islice(left, _ROWS)):
        numbers = b" ".join(b"%d" % number for number, _ in group)
        blocks.append(zlib.compress(b"\n".join((numbers, *(text for _, text in group)))))
        rows.append(_BLOCK.pack(group[0][0], len(blocks[-1])))
    head = _HEAD.pack(_MAGIC, _digest(made_of), len(rows)) + b"".join(rows)
    return head + _CRC.pack(zlib.crc32(head)) + b"".join(blocks)


def _digest(made_of: bytes) -> bytes:
    return hashlib.sha256(made_of).digest()[:16]
