"""The colours that are known so far, by side of a file and line number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from stepwell.tui.values import Oid

ColourSpan = tuple[int, int, str]
ColourSpans = tuple[ColourSpan, ...]
"""Ascending (start, end, role) of one line as shown; what no span covers is plain."""

LINES = 16_000
"""How many coloured lines are remembered; about a kilobyte each."""


class Colours:
    """A bounded memory of coloured lines; a side is one blob, so diffs that share it share it."""

    def __init__(self, limit: int = LINES) -> None:
        self._limit = limit
        self._count = 0
        self._sides: OrderedDict[Oid, dict[int, ColourSpans]] = OrderedDict()
        self._whole: set[Oid] = set()
        self._names: dict[str, str] = {}

    def put(self, side: Oid, first: int, spans: Sequence[ColourSpans], last: bool = False) -> None:
        """Takes the colours of consecutive lines from number `first`; `last`: the side is done."""
        known = self._sides.setdefault(side, {})
        self._sides.move_to_end(side)
        before = len(known)
        known.update(enumerate(spans, first))
        self._count += len(known) - before
        if last:
            self._whole.add(side)
        while self._count > self._limit and len(self._sides) > 1:
            oldest, lines = self._sides.popitem(last=False)
            self._whole.discard(oldest)
            self._count -= len(lines)

    def spans(self, side: Oid | None, number: int | None) -> ColourSpans | None:
        """Returns a line's colours, None while they are unknown."""
        known = self._sides.get(side) if side is not None else None
        return known.get(number) if known is not None and number is not None else None

    def has(self, side: Oid, first: int, last: int) -> bool:
        """Tells whether lines `first` to `last` need no more work."""
        known = self._sides.get(side, {})
        return side in self._whole or all(number in known for number in (first, last))

    def name_hunks(self, names: Mapping[str, str]) -> None:
        """Takes what encloses hunks, by hunk id."""
        if len(self._names) > 5_000:
            self._names.clear()
        self._names.update(names)

    def hunk_name(self, hunk: str) -> str | None:
        """Returns what encloses a hunk, None while it is unknown."""
        return self._names.get(hunk)
