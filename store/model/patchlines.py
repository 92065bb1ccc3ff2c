"""The lines of a hunk over one text, without an object for each."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from stepwell.store.model.deflated import DeflatedText

NO_NEWLINE = b"\\ No newline at end of file"
_MARK = b"\\"
_STRIDE = 64
"""The place of every so many lines is known; from there the others are a few steps away."""
_AT_ONCE = 4_096
"""Lines whose signs are found in one go. Of fewer no index is made for what is asked of all:
one of each hunk of a large diff would take megabytes."""
_PIECE = re.compile(rb"(?:[^\n]*\n){1,%d}" % _STRIDE)
_FIRST = re.compile(rb"\n(.)", re.DOTALL)


class Signs(NamedTuple):
    """How many of some lines are removed, added, and marks of a missing line feed."""

    removed: int = 0
    added: int = 0
    marks: int = 0

    def and_of(self, signs: bytes) -> Signs:
        """Returns these and those of the first bytes of further lines."""
        return Signs(
            self.removed + signs.count(b"-"),
            self.added + signs.count(b"+"),
            self.marks + signs.count(_MARK),
        )


class LineIndex:
    """Where every 64th line begins, what stands before it, and how many lines end in CR LF."""

    def __init__(self, text: bytes) -> None:
        self.starts = array("I", [0])
        self.signs = array("I")
        self.returns = 0
        total = Signs()
        # In pieces, so that no other thread waits for the whole of a large text.
        for piece in _PIECE.finditer(text):
            lines = piece.group()
            self.signs.extend(total)
            total = total.and_of(_firsts(lines))
            self.starts.append(piece.end())
            self.returns += lines.count(b"\r\n")
        self.signs.extend(total)

    def before(self, block: int) -> Signs:
        """Returns what stands before a block of 64 lines."""
        return Signs(*self.signs[3 * block : 3 * block + 3])


class PatchLines(Sequence[bytes]):
    """Lines as `Hunk.lines` describes them; equal to a tuple of the same lines.

    Each is made when it is asked for: a diff of a million lines takes its text, and no more until
    a part of it is looked at. Hunks of one file share one text, which may be deflated.
    """

    __slots__ = ("_begin", "_count", "_end", "_known", "_patch")

    def __init__(
        self,
        patch: bytes | DeflatedText,
        begin: int = 0,
        end: int | None = None,
        count: int | None = None,
        known: LineIndex | None = None,
    ) -> None:
        """`patch` has the hunk's body from `begin` to before `end`: lines with sign and line feed.

        `count` is how many lines it has, `known` their index; None: to be found.
        """
        self._patch = patch
        self._begin = begin
        self._end = len(patch) if end is None else end
        self._known = known
        self._count = self.text.count(b"\n") if count is None else count

    def _over(self, patch: DeflatedText) -> PatchLines:
        """Returns the same lines over the same text, deflated."""
        return PatchLines(patch, self._begin, self._end, self._count, self._known)

    @property
    def is_deflated(self) -> bool:
        """The text is kept deflated."""
        return isinstance(self._patch, DeflatedText)

    @property
    def text(self) -> bytes:
        """The body, as it stands in the patch."""
        return self._patch[self._begin : self._end]

    def prepare(self) -> None:
        """Finds what makes each line quick to reach; without it the first look does. Any thread may."""
        if self._known is None:
            self._known = LineIndex(self.text)

    @property
    def _index(self) -> LineIndex:
        self.prepare()
        assert self._known is not None
        return self._known

    @property
    def returns(self) -> int:
        """How many lines end in a carriage return and a line feed."""
        if self._known is None and self._count <= _AT_ONCE:
            return self.text.count(b"\r\n")
        return self._index.returns

    def signs(self, first: int, end: int) -> bytes:
        """Returns the first byte of each of some lines."""
        if self._known is None and end - first == self._count <= _AT_ONCE:
            return _firsts(self.text)
        parts = (self._signs(at, min(at + _AT_ONCE, end)) for at in range(first, end, _AT_ONCE))
        return b"".join(parts)

    def _signs(self, first: int, end: int) -> bytes:
        index, block = self._index, first // _STRIDE
        last = -(-end // _STRIDE)
        found = _firsts(self._part(index.starts[block], index.starts[last]))
        return found[first - block * _STRIDE : end - block * _STRIDE]

    def signs_before(self, line: int) -> Signs:
        """Returns what stands before a line."""
        block = line // _STRIDE
        return self._index.before(block).and_of(self._signs(block * _STRIDE, line))

    def _part(self, start: int, end: int) -> bytes:
        return self._patch[self._begin + start : self._begin + end]

    def pieces(self, lines: int) -> Iterator[tuple[bytes, int]]:
        """Yields the body in pieces of whole lines, at most so many, and how many each has."""
        if self._count <= lines:
            yield self.text, self._count
            return
        starts = self._index.starts
        step = max(1, lines // _STRIDE)
        for block in range(0, len(starts) - 1, step):
            end = min(block + step, len(starts) - 1)
            part = self._part(starts[block], starts[end])
            yield part, min(self._count, end * _STRIDE) - block * _STRIDE

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
        known, (block, steps) = self._index, divmod(at, _STRIDE)
        part = self._part(known.starts[block], known.starts[block + 1] + 1)
        part = part[: self._end - self._begin - known.starts[block]]
        start = 0
        for _ in range(steps):
            start = part.index(b"\n", start) + 1
        return _line(part, start, part.index(b"\n", start) + 1)

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


def _firsts(lines: bytes) -> bytes:
    """Returns the first byte of each of some whole lines."""
    return lines[:1] + b"".join(_FIRST.findall(lines, 0, len(lines) - 1))


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


def signs_of(lines: Sequence[bytes], first: int = 0, end: int | None = None) -> bytes:
    """Returns the first byte of each of a hunk's lines, or of some of them."""
    end = len(lines) if end is None else min(end, len(lines))
    if isinstance(lines, PatchLines):
        return lines.signs(first, end)
    return bytes(line[0] for line in lines[first:end])


def signs_before(lines: Sequence[bytes], line: int) -> Signs:
    """Returns how many of each sign stand before one of a hunk's lines."""
    if isinstance(lines, PatchLines):
        return lines.signs_before(line)
    return Signs().and_of(signs_of(lines, 0, line))


def pieces_of(lines: Sequence[bytes], most: int) -> Iterator[tuple[bytes, int]]:
    """Yields the text of a hunk's lines, each ended by a line feed, as `PatchLines.pieces` does."""
    if isinstance(lines, PatchLines):
        yield from lines.pieces(most)
        return
    for at in range(0, len(lines), most):
        part = lines[at : at + most]
        yield b"".join(one if one.endswith(b"\n") else one + b"\n" for one in part), len(part)
