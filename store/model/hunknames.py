"""How hunks, and single changed lines of them, are named: `ID`, or `ID:1,3-5`.

The lines that a hunk removes or adds are counted from 1, in the order in which it has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.text import one_line, plural

Lines = tuple[range, ...]
"""Changed lines of a hunk, counted from 1: ascending, neither touching nor empty."""

_LINES = re.compile("[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?(,[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?)*")


def lines_of(numbers: Iterable[int]) -> Lines:
    """Returns single numbers, in any order, as ranges."""
    return _joined([range(number, number + 1) for number in numbers])


def hunk_name(hunk: str, lines: Lines | None) -> str:
    """Returns how a hunk is called; None: the whole of it."""
    if lines is None:
        return hunk
    parts = (f"{one[0]}-{one[-1]}" if len(one) > 1 else f"{one[0]}" for one in lines)
    return f"{hunk}:{','.join(parts)}"


def read_hunk_names(names: Iterable[str]) -> dict[str, Lines | None]:
    """Returns hunk ids -> the lines that are meant; None: the whole hunk.

    Raises:
        UsageError: what stands behind a colon is no list of lines.
    """
    found: dict[str, Lines | None] = {}
    for name in names:
        hunk, colon, lines = name.partition(":")
        known = found.get(hunk, ())
        if not colon or known is None:
            found[hunk] = None
        else:
            found[hunk] = _joined([*known, *_read(name, lines)])
    return found


def _read(name: str, lines: str) -> list[range]:
    listed = lines.split(",") if _LINES.fullmatch(lines) else []
    parts = [part.partition("-") for part in listed]
    ranges = [range(int(first), int(last or first) + 1) for first, _, last in parts]
    if not all(ranges) or not ranges:
        raise UsageError(
            f"{one_line(name)!r} names no lines of a hunk",
            hint="write ID:1,3-5, with the changed lines of the hunk counted from 1",
            hunk=name,
        )
    return ranges


def _joined(ranges: Sequence[range]) -> Lines:
    found: list[range] = []
    for one in sorted(ranges, key=lambda one: one.start):
        if found and one.start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, one.stop))
        else:
            found.append(one)
    return tuple(found)


def without_whole(named: Mapping[str, Lines | None], hunk: str, changed: int) -> Lines | None:
    """Returns the lines meant of a hunk that changes so many; None: all of them.

    Raises:
        NotFoundError: it does not change as many as that.
    """
    lines = named[hunk]
    if lines is None:
        return None
    if lines[-1].stop > changed + 1:
        raise NotFoundError(
            f"hunk {hunk} changes {plural(changed, 'line')}: there is no {lines[-1][-1]}",
            hint="look again with --dry-run --json; only lines that begin with - or + count",
            hunk=hunk,
        )
    return None if len(lines[0]) == changed else lines


def hunks_in_words(names: Sequence[str]) -> list[str]:
    """Returns `2 hunks` and `3 lines`, of which there may be none."""
    read = read_hunk_names(names)
    whole = sum(lines is None for lines in read.values())
    single = sum(sum(map(len, lines)) for lines in read.values() if lines is not None)
    return [
        *([plural(whole, "hunk")] if whole else []),
        *([plural(single, "line")] if single else []),
    ]
