"""The lines of a hunk over one text, without an object for each."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

from stepwell.store.model.deflated import DeflatedText

NO_NEWLINE = b"\\ No newline at end of file"
_MARK = b"\\"
_FIRST = re.compile(rb"\n(.)", re.DOTALL)


class PatchLines(Sequence[bytes]):
    """Lines as `Hunk.lines` describes them; equal to a tuple of the same lines.

    Each is made when it is asked for: a diff of a million lines takes its text, and no more until
    a part of it is looked at. Hunks of one file share one text, which may be deflated.
    """

    __slots__ = ("_begin", "_count", "_end", "_known", "_patch")

    def __init__(self, patch: bytes, begin: int = 0, end: int | None = None) -> None:
        """`patch` has the hunk's body from `begin` to before `end`: lines with sign and line feed."""
        self._patch: bytes | DeflatedText = patch
        self._begin = begin
        self._end = len(patch) if end is None else end
        self._count = patch.count(b"\n", self._begin, self._end)
        self._known: array[int] | None = None

    def _over(self, patch: DeflatedText) -> PatchLines:
        """Returns the same lines over the same text, deflated."""
        other = PatchLines(b"")
        other._patch, other._begin, other._end = patch, self._begin, self._end
        other._count = self._count
        return other

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
        text = self.text
        return text[:1] + b"".join(_FIRST.findall(text, 0, len(text) - 1))

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
        start, end = self._starts[at : at + 2]
        return _line(self._patch[start : min(end + 1, self._end)], 0, end - start)

    def __iter__(self) -> Iterator[bytes]:
        text, start = self.text, 0
        while start < len(text):
            end = text.index(b"\n", start) + 1
            yield _line(text, start, end)
            start = end

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PatchLines):
            return self.text == other.text
        return isinstance(other, tuple) and tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def _line(text: bytes, start: int, end: int) -> bytes:
    if text.startswith(_MARK, start):
        return NO_NEWLINE
    # What a patch ends with a line feed may have none in the file: the next line says so.
    return text[start : end - text.startswith(_MARK, end)]


def deflated(hunks: Sequence[Sequence[bytes]]) -> list[Sequence[bytes]]:
    """Returns the lines of hunks over deflated texts; those that are no `PatchLines` as they are."""
    texts: dict[int, DeflatedText] = {}
    found: list[Sequence[bytes]] = []
    for lines in hunks:
        if isinstance(lines, PatchLines) and isinstance(patch := lines._patch, bytes):
            if id(patch) not in texts:
                texts[id(patch)] = DeflatedText(patch)
            lines = lines._over(texts[id(patch)])
        found.append(lines)
    return found


def signs_of(lines: Sequence[bytes]) -> bytes:
    """Returns the first byte of each of a hunk's lines."""
    return lines.signs if isinstance(lines, PatchLines) else bytes(line[0] for line in lines)
