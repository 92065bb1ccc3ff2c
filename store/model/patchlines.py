"""The lines of a hunk over one text, without an object for each."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

NO_NEWLINE = b"\\ No newline at end of file"
_MARK = ord("\\")
_FIRST = re.compile(rb"\n(.)", re.DOTALL)


class PatchLines(Sequence[bytes]):
    """Lines as `Hunk.lines` describes them; equal to a tuple of the same lines.

    Each is made when it is asked for: a diff of a million lines takes its text, and no more until
    a part of it is looked at. Hunks of one file share one text.
    """

    __slots__ = ("_begin", "_count", "_end", "_known", "_patch")

    def __init__(self, patch: bytes, begin: int = 0, end: int | None = None) -> None:
        """`patch` has the hunk's body from `begin` to before `end`: lines with sign and line feed."""
        self._patch = patch
        self._begin = begin
        self._end = len(patch) if end is None else end
        self._count = patch.count(b"\n", self._begin, self._end)
        self._known: array[int] | None = None

    @property
    def text(self) -> bytes:
        """The body, as it stands in the patch."""
        return self._patch[self._begin : self._end]

    @property
    def _starts(self) -> array[int]:
        """Where in the patch each line begins, and where the last one ends."""
        if self._known is None:
            sizes = (len(line) + 1 for line in self.text.split(b"\n")[:-1])
            self._known = array("L", accumulate(sizes, initial=self._begin))
        return self._known

    @property
    def signs(self) -> bytes:
        """The first byte of each line."""
        first = self._patch[self._begin : min(self._begin + 1, self._end)]
        return first + b"".join(_FIRST.findall(self._patch, self._begin, self._end - 1))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[bytes, ...]: ...
    def __getitem__(self, index: int | slice) -> bytes | tuple[bytes, ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(self._count)))
        at = index + self._count if index < 0 else index
        if not 0 <= at < self._count:
            raise IndexError(index)
        return self._line(self._starts[at], self._starts[at + 1])

    def _line(self, start: int, end: int) -> bytes:
        if self._patch[start] == _MARK:
            return NO_NEWLINE
        # What a patch ends with a line feed may have none in the file: the next line says so.
        is_marked = end < self._end and self._patch[end] == _MARK
        return self._patch[start : end - is_marked]

    def __iter__(self) -> Iterator[bytes]:
        start = self._begin
        while start < self._end:
            end = self._patch.index(b"\n", start) + 1
            yield self._line(start, end)
            start = end

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PatchLines):
            return self.text == other.text
        return isinstance(other, tuple) and tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def signs_of(lines: Sequence[bytes]) -> bytes:
    """Returns the first byte of each of a hunk's lines."""
    return lines.signs if isinstance(lines, PatchLines) else bytes(line[0] for line in lines)
