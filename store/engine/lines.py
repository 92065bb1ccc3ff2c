"""Line differences of two texts, by libgit2."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from stepwell.store.engine import beside
from stepwell.store.engine.told import Place, Texts, Told
from stepwell.store.model.changes import Hunk, hunk_id
from stepwell.store.model.hunknames import Lines
from stepwell.store.model.ids import Oid
from stepwell.store.model.patchlines import PatchLines, signs_of

_HEADER = re.compile(rb"@@ -([0-9]+)(?:,([0-9]+))? \+([0-9]+)(?:,([0-9]+))? @@[^\n]*\n")
_BEFORE_HEADER = b"\n@@ -"
"""No line of a text stands like that in a patch: each has its sign first."""
_MARGIN, _MARGIN_LINES = 1024, 8
"""So many bytes, and more lines than that, are compared on either side of what differs."""
_NEAR = 128
"""To so many bytes it is found where that begins and ends; what is alike there is compared, too."""
LONG = 256 << 10
"""Bytes of two texts from which on a process of its own compares them, where one is used."""


class Side(NamedTuple):
    """One side of a comparison; no blob, and no content, where nothing is."""

    blob: Oid | None
    content: bytes


class Compared(NamedTuple):
    """Lines added and deleted, and the hunks in order when they were asked for."""

    added: int
    deleted: int
    hunks: tuple[Hunk, ...]


def count_lines(text: bytes) -> int:
    """Returns the number of lines, a last one without a line feed included."""
    return text.count(b"\n") + (not text.endswith(b"\n") and text != b"")


def compare(
    path: bytes,
    old: Side,
    new: Side,
    *,
    hunks: bool,
    context: int,
    ignore_space: bool = False,
) -> Compared:
    """Compares two texts line by line; `path` only goes into the hunks' ids.

    `ignore_space` takes lines for equal that differ in white space only: such hunks are for
    reading, and must not be restored by.
    """
    if not hunks and not (old.content and new.content):
        return Compared(count_lines(new.content), count_lines(old.content), ())
    context = context if hunks else 0
    skipped, before, after = _around_change(old.content, new.content, context)
    wanted = Texts(before, after, context, ignore_space, "lines" if hunks else "counts")
    told = _told(wanted)
    return Compared(
        told.added, told.deleted, tuple(_hunks(path, old.blob, new.blob, told, skipped))
    )


def _told(texts: Texts) -> Told:
    # libgit2 keeps the interpreter to itself for as long as it compares: tenths of a second for
    # some megabytes, which a screen that answers keys in between cannot wait for.
    helper = beside.current() if len(texts.old) + len(texts.new) >= LONG else None
    if helper is not None:
        with suppress(beside.LostError):
            return helper.tell(texts)
    return tell(texts)


def tell(texts: Texts) -> Told:
    """Compares two texts by libgit2, here and now."""
    patch = _patch(texts)
    _, added, deleted = patch.line_stats
    if texts.wanted == "counts":
        return Told(added, deleted, array("q"), b"", {})
    data: bytes = patch.data
    return Told(added, deleted, _numbers(data), data if texts.wanted == "lines" else b"", {})


def _around_change(old: bytes, new: bytes, context: int) -> tuple[int, bytes, bytes]:
    """Returns what two texts are apart from most of the lines that they begin and end with alike.

    First comes how many lines were left out at the start. Enough is left for the context of hunks,
    and for a hunk to lie where it would in the whole text. libgit2 hashes what it is given, which
    takes most of the time of a small change in a file of usual size.
    """
    lines = max(context, _MARGIN_LINES)
    same = common_start(old, new, _NEAR)
    start = _before(old, same, lines)
    tail = common_end(old, new, min(len(old), len(new)) - same, _NEAR)
    left = len(old) - _after(old, len(old) - tail, lines)
    return old.count(b"\n", 0, start), old[start : len(old) - left], new[start : len(new) - left]


def _before(text: bytes, at: int, lines: int) -> int:
    """Returns the start of a line some lines above a place; 0 where it is not sure how many."""
    start = text.rfind(b"\n", 0, max(0, at - _MARGIN)) + 1
    return start if text.count(b"\n", start, at) > lines else 0


def _after(text: bytes, at: int, lines: int) -> int:
    """Returns the end of a line some lines below a place; the last one's as `_before`."""
    end = text.find(b"\n", at + _MARGIN) + 1
    return end if end and text.count(b"\n", at, end) > lines else len(text)


def common_start(a: bytes, b: bytes, near: int = 1) -> int:
    """Returns how many bytes two texts begin with alike, or up to `near` - 1 fewer.

    By halving, so that memcmp does the work.
    """
    low, high = 0, min(len(a), len(b))
    while high - low >= near:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_end(a: bytes, b: bytes, most: int, near: int = 1) -> int:
    """Returns how many bytes, at most so many, two texts end with alike, or up to `near` - 1 fewer."""
    low, high = 0, most
    end_a, end_b = len(a), len(b)
    while high - low >= near:
        middle = (low + high + 1) // 2
        if a[end_a - middle : end_a - low] == b[end_b - middle : end_b - low]:
            low = middle
        else:
            high = middle - 1
    return low


class Region(NamedTuple):
    """Lines of an old text and what takes their place in the new one: 0-based, ends excluded."""

    start: int
    end: int
    new_start: int
    new_end: int


def split_lines(text: bytes) -> list[bytes]:
    """Returns the lines with their line feeds; only a last one may have none."""
    lines = text.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def regions(old: bytes, new: bytes) -> list[Region]:
    """Returns what differs between two texts, in order; between two regions some line is equal."""
    return [_region(*place[:4]) for place in _told(Texts(old, new, wanted="places")).places()]


def _region(old_start: int, old_lines: int, new_start: int, new_lines: int) -> Region:
    # An empty side is said to be after the line that it names.
    start = old_start - 1 if old_lines else old_start
    new_first = new_start - 1 if new_lines else new_start
    return Region(start, start + old_lines, new_first, new_first + new_lines)


def with_hunks(
    old: bytes, new: bytes, hunks: Iterable[Hunk], only: Mapping[str, Lines] | None = None
) -> bytes:
    """Returns `old` with some of the hunks that lead from it to `new`, byte for byte.

    `only`: hunk ids -> the changed lines that are taken of them, the others of them staying as in
    `old`. A line that has no line feed and comes to stand above another gets that one's ending,
    else that of the line above it.
    """
    before, after = split_lines(old), split_lines(new)
    for hunk in sorted(hunks, key=_region_of, reverse=True):
        region, lines = _region_of(hunk), (only or {}).get(hunk.id)
        before[region.start : region.end] = (
            after[region.new_start : region.new_end] if lines is None else _some(hunk, lines)
        )
    return b"".join(_ended(before) if only else before)


def _region_of(hunk: Hunk) -> Region:
    return _region(hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines)


def _some(hunk: Hunk, taken: Lines) -> Iterator[bytes]:
    """Yields what is in a hunk's place when only some of its changed lines are taken."""
    numbers = chain.from_iterable(taken)
    number, upcoming = 0, next(numbers, 0)
    for line in hunk.lines:
        sign = line[:1]
        is_changed = sign in (b"-", b"+")
        number += is_changed
        is_taken = is_changed and number == upcoming
        if is_taken:
            upcoming = next(numbers, 0)
        if sign == b" " or (is_changed and is_taken == (sign == b"+")):
            yield line[1:]


def _ended(lines: Sequence[bytes]) -> Iterator[bytes]:
    above = b""
    for line, below in zip_longest(lines, lines[1:]):
        if below is None or line.endswith(b"\n"):
            yield line
        else:
            like = below if below.endswith(b"\n") else above
            has_return = line.endswith(b"\r") or not like.endswith(b"\r\n")
            yield line + (b"\n" if has_return else b"\r\n")
        above = line


def changed_lines(hunk: Hunk) -> int:
    """Returns how many lines a hunk removes and adds."""
    signs = signs_of(hunk.lines)
    return signs.count(b"-") + signs.count(b"+")


def load() -> None:
    """Loads libgit2, which the first comparison would otherwise wait for."""
    _patch(Texts(b"", b"", 0, False, "counts"))


def _patch(texts: Texts) -> Any:
    create, text, text_but_space = _libgit2()
    return create(
        texts.old,
        texts.new,
        flag=text_but_space if texts.ignore_space else text,
        context_lines=texts.context,
        interhunk_lines=0,
    )


@cache
def _libgit2() -> tuple[Callable[..., Any], int, int]:
    """Returns what compares two texts, and its flags without and with white space ignored."""
    import pygit2
    from pygit2.enums import DiffOption

    # The caller has decided what is text; libgit2's own guess would hide some of it.
    text = DiffOption.FORCE_TEXT
    return pygit2.Patch.create_from, int(text), int(text | DiffOption.IGNORE_WHITESPACE)


def _numbers(patch: bytes) -> array[int]:
    """Returns the places of a patch's hunks, one after the other."""
    found = array("q")
    start = patch.find(_BEFORE_HEADER) + 1
    while start:
        header = _HEADER.match(patch, start)
        assert header is not None, "libgit2 writes no other header"
        begin = header.end()
        start = patch.find(_BEFORE_HEADER, begin - 1) + 1
        end = start or len(patch)
        ranges = map(int, header.groups(b"1"))  # a count of one is left out
        found.extend((*ranges, begin, end, patch.count(b"\n", begin, end)))
    return found


def _hunks(
    path: bytes, old: Oid | None, new: Oid | None, told: Told, skipped: int
) -> Iterator[Hunk]:
    for place in told.places():
        old_start, old_lines, new_start, new_lines = place[:4]
        ranges = (old_start + skipped, old_lines, new_start + skipped, new_lines)
        yield Hunk(hunk_id(path, old, new, ranges), *ranges, _body(told, place))


def _body(told: Told, place: Place) -> PatchLines:
    return PatchLines(told.patch, *place[4:], told.known.get(place.begin))
