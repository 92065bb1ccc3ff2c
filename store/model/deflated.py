"""A long text that is kept deflated, for whoever looks at small parts of it now and then."""

from __future__ import annotations

import zlib
from functools import lru_cache

_PIECE = 64 << 10
_LEVEL = 1
"""The quickest: a fast answer counts more than the last tenth of its size."""


class DeflatedText:
    """Bytes that are sliced as any others; any thread may do so."""

    def __init__(self, text: bytes) -> None:
        self._size = len(text)
        self._pieces = [
            zlib.compress(text[at : at + _PIECE], _LEVEL) for at in range(0, len(text), _PIECE)
        ]

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, wanted: slice) -> bytes:
        start, end, step = wanted.indices(self._size)
        assert step == 1, "a part of it has no gaps"
        first = start // _PIECE
        pieces = self._pieces[first : -(-end // _PIECE)] if start < end else []
        return b"".join(map(_inflated, pieces))[start - first * _PIECE : end - first * _PIECE]


@lru_cache(maxsize=32)
def _inflated(piece: bytes) -> bytes:
    return zlib.decompress(piece)
