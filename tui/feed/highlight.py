"""Colour for the part of a diff that is looked at: plain first, colour when it is ready.

The store reads blobs on its own thread; another one lexes. A newer wish replaces one that has not
begun and stops one that runs, between two slices. Results go to the widget as messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple, Protocol

from textual.message import Message

from stepwell.tui.feed.errands import Errands
from stepwell.tui.feed.lexing import coloured, language_of
from stepwell.tui.messages import HunksNamed, LinesColoured
from stepwell.tui.model.colours import Colours, ColourSpans
from stepwell.tui.model.diffrows import LINES, DiffRows, Kind, Row, side_lines
from stepwell.tui.model.linetext import line_text
from stepwell.tui.model.outline import enclosing
from stepwell.tui.values import Change, Hunk, Oid

WHOLE = 256 * 1024
"""Bytes up to which a whole side is lexed; above, only the lines in view and some before them."""

_LARGE_LINES = 40_000

LEAD_IN = 64
"""Lines lexed before and after those in view when the whole side is not lexed."""

_REST_S = 0.002
"""Pause between slices, so that the screen's thread gets the interpreter at once."""


Numbers = tuple[int, int]


class Piece(NamedTuple):
    """Lines of one hunk that are in view."""

    change: Change
    hunk: Hunk
    first: int
    """Index in the hunk's lines; `last` is the last one's."""
    last: int
    old: Numbers | None
    """First and last line number of the old side, None when none of its lines is in view."""
    new: Numbers | None


def pieces(rows: DiffRows, shown: Sequence[Row]) -> list[Piece]:
    """Returns the pieces that consecutive rows show, one a hunk, in order."""
    grouped: dict[tuple[int, int], list[Row]] = {}
    for row in shown:
        if row.kind in LINES:
            grouped.setdefault((row.change, row.hunk), []).append(row)
    return [_piece(rows.changes[group[0].change], group) for group in grouped.values()]


def _piece(change: Change, shown: Sequence[Row]) -> Piece:
    # A context line takes its colour from the new side, so of the old one only removed lines count.
    old = [row.old for row in shown if row.kind is Kind.DELETE and row.old is not None]
    new = [row.new for row in shown if row.new is not None]
    return Piece(
        change,
        change.hunks[shown[0].hunk],
        shown[0].line,
        shown[-1].line,
        (old[0], old[-1]) if old else None,
        (new[0], new[-1]) if new else None,
    )


class Blobs(Protocol):
    """What is needed of the gateway."""

    def read_blobs(
        self, oids: Sequence[Oid], limit: int, then: Callable[[Mapping[Oid, bytes]], None]
    ) -> None:
        """Calls `then`, on another thread, with those that are stored and within `limit` bytes."""


class Poster(Protocol):
    """A widget, which takes messages from any thread."""

    def post_message(self, message: Message) -> bool: ...


class Highlighter:
    """Colours pieces of diffs for widgets; `colours` is owned by the screen's thread."""

    def __init__(self, blobs: Blobs) -> None:
        self.colours = Colours()
        self._blobs = blobs
        self._errands = Errands("stepwell-colour")
        self._numbers = count(1)
        self._current = 0

    @property
    def idle(self) -> bool:
        """Nothing is being coloured (blobs may still be on their way)."""
        return self._errands.idle

    def want(self, view: Poster, pieces: Sequence[Piece]) -> None:
        """Colours what of `pieces` is not coloured yet; replaces the wish before."""
        self._current = number = next(self._numbers)
        missing = [piece for piece in pieces if self._lacks(piece)]
        if not missing:
            return
        whole = (piece.change for piece in missing if not _is_large(piece.change))
        sides = {oid for change in whole for oid, _ in _sided(change)}

        def begin(contents: Mapping[Oid, bytes]) -> None:
            self._errands.ask("colour", lambda: self._work(view, number, missing, contents))

        self._blobs.read_blobs(sorted(sides), WHOLE, begin)

    def aside(self, view: Poster, call: Callable[[], None]) -> None:
        """Runs a call for a view on the same thread; it replaces one of that view that has not begun."""
        self._errands.ask(("aside", view), call)

    def hold(self) -> None:
        """Stops between two slices until the next wish; what is coloured stays known."""
        self._current = 0

    def close(self) -> None:
        """Stops the thread."""
        self._current = 0
        self._errands.stop()

    def _lacks(self, piece: Piece) -> bool:
        if self.colours.hunk_name(piece.hunk.id) is None:
            return True
        if language_of(piece.change.path, _first_line(piece.change)) is None:
            return False
        return any(
            not self.colours.has(oid, *numbers)
            for oid, numbers in (
                (piece.change.new_blob, piece.new),
                (piece.change.old_blob, piece.old),
            )
            if oid is not None and numbers is not None
        )

    def _work(
        self, view: Poster, number: int, pieces: Sequence[Piece], contents: Mapping[Oid, bytes]
    ) -> None:
        done: set[Oid] = set()
        for piece in pieces:
            for message in _messages(piece, contents, done):
                if self._current != number:
                    return
                view.post_message(message)
                time.sleep(_REST_S)


def _messages(piece: Piece, contents: Mapping[Oid, bytes], done: set[Oid]) -> Iterator[Message]:
    """The new side comes first: it holds most of what is in view."""
    language = language_of(piece.change.path, _first_line(piece.change))
    named = False
    for oid, is_old in _sided(piece.change):
        content = contents.get(oid)
        if content is None:
            yield from _in_view(piece, oid, is_old, language)
        elif oid not in done:
            done.add(oid)
            lines = [line_text(line) for line in content.split(b"\n")]
            if not named:
                yield HunksNamed(_names(piece.change, lines, is_old))
            yield from _slices(oid, 1, lines, language, whole=True)
        named = named or content is not None
    if not named:
        yield HunksNamed({piece.hunk.id: ""})


def _in_view(piece: Piece, oid: Oid, is_old: bool, language: str | None) -> Iterator[Message]:
    first = max(piece.first - LEAD_IN, 0)
    start, lines = side_lines(piece.hunk, is_old, first, piece.last + LEAD_IN)
    return _slices(oid, start, [line_text(line) for line in lines], language, whole=False)


def _slices(
    oid: Oid, start: int, lines: Sequence[str], language: str | None, *, whole: bool
) -> Iterator[Message]:
    if language is None:
        return
    first = start
    try:
        for spans in coloured(language, lines):
            first += len(spans)
            done = whole and first - start >= len(lines)
            yield LinesColoured(oid, first - len(spans), spans, done)
    except Exception:
        # A defect in one of the many lexers costs this side its colour, never the screen.
        plain: list[ColourSpans] = [()] * (len(lines) - (first - start))
        yield LinesColoured(oid, first, plain, whole)


def _names(change: Change, lines: Sequence[str], is_old: bool) -> dict[str, str]:
    starts = ((hunk.id, hunk.old_start if is_old else hunk.new_start) for hunk in change.hunks)
    return {name: enclosing(lines, max(start, 1), change.path) for name, start in starts}


def _sided(change: Change) -> list[tuple[Oid, bool]]:
    """The sides as (blob, is it the old one), the new one first."""
    sides = ((change.new_blob, False), (change.old_blob, True))
    return [(oid, is_old) for oid, is_old in sides if oid is not None]


def _is_large(change: Change) -> bool:
    """Tells whether a change is so large that its files need not even be read for their colours."""
    return sum(hunk.old_lines + hunk.new_lines for hunk in change.hunks) > _LARGE_LINES


def _first_line(change: Change) -> str:
    hunk = change.hunks[0] if change.hunks else None
    if hunk is None or min(hunk.old_start, hunk.new_start) > 1 or not hunk.lines:
        return ""
    return hunk.lines[0][1:200].decode("utf-8", "replace")
