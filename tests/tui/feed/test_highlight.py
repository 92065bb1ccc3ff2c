"""Colour for what is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import pytest
from textual.message import Message

from stepwell.tui.feed.highlight import WHOLE, Highlighter, Piece
from stepwell.tui.messages import HunksNamed, LinesColoured
from stepwell.tui.values import Change, Hunk, Oid, TrackedPath

OLD, NEW = Oid(b"o" * 20), Oid(b"n" * 20)
SOURCE = b'class Box:\n    """Holds.\n\n    import nothing\n    """\n\n    def open(self):\n'


class Shelf:
    """Blobs in memory, read on another thread as the gateway does."""

    def __init__(self, **blobs: bytes) -> None:
        self.blobs = {Oid(name.encode() * 20): data for name, data in blobs.items()}
        self.reads = 0

    def read_blobs(
        self, oids: Sequence[Oid], limit: int, then: Callable[[Mapping[Oid, bytes]], None]
    ) -> None:
        self.reads += 1
        found = {o: self.blobs[o] for o in oids if o in self.blobs and len(self.blobs[o]) <= limit}
        threading.Thread(target=then, args=(found,)).start()


class View:
    """Stands for the widget: takes the messages and keeps the colours as it does."""

    def __init__(self, shelf: Shelf) -> None:
        self.messages: list[Message] = []
        self.highlighter = Highlighter(shelf)

    def post_message(self, message: Message) -> bool:
        self.messages.append(message)
        colours = self.highlighter.colours
        if isinstance(message, LinesColoured):
            colours.put(message.side, message.first, message.spans, message.last)
        elif isinstance(message, HunksNamed):
            colours.name_hunks(message.names)
        return True

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, "no colour came"
            time.sleep(0.002)


def piece(path: bytes = b"box.py", lines: tuple[bytes, ...] = (b"+    import nothing\n",)) -> Piece:
    hunk = Hunk("h1", 3, 0, 4, len(lines), lines)
    change = Change(TrackedPath(path), "M", old_blob=OLD, new_blob=NEW, hunks=(hunk,))
    return Piece(change, hunk, 0, len(lines) - 1, None, (4, 3 + len(lines)))


@pytest.fixture
def view() -> View:
    return View(Shelf(n=SOURCE, o=SOURCE))


def test_a_whole_side_is_lexed_so_that_strings_are_known(view: View) -> None:
    """Line 4 looks like an import; it stands in a docstring."""
    view.highlighter.want(view, [piece()])
    view.wait(lambda: view.highlighter.colours.spans(NEW, 4) is not None)
    assert {role for _, _, role in view.highlighter.colours.spans(NEW, 4) or ()} == {"doc"}
    view.highlighter.close()


def test_hunks_get_the_name_of_what_encloses_them(view: View) -> None:
    """Found in the same text that is lexed."""
    view.highlighter.want(view, [piece()])
    view.wait(lambda: view.highlighter.colours.hunk_name("h1") is not None)
    assert view.highlighter.colours.hunk_name("h1") == "class Box"
    view.highlighter.close()


def test_known_colours_are_not_made_again() -> None:
    """Scrolling back reads and lexes nothing."""
    shelf = Shelf(n=SOURCE, o=SOURCE)
    view = View(shelf)
    view.highlighter.want(view, [piece()])
    view.wait(lambda: view.highlighter.colours.has(NEW, 1, 7) and view.highlighter.idle)
    view.highlighter.want(view, [piece()])
    assert shelf.reads == 1
    view.highlighter.close()


def test_a_blob_that_is_not_stored_is_lexed_from_its_hunk() -> None:
    """What is only on disk has lines in the diff, and no blob."""
    view = View(Shelf())
    view.highlighter.want(view, [piece()])
    view.wait(lambda: view.highlighter.colours.spans(NEW, 4) is not None)
    assert ("keyword") in {role for _, _, role in view.highlighter.colours.spans(NEW, 4) or ()}
    view.wait(lambda: view.highlighter.colours.hunk_name("h1") == "")
    view.highlighter.close()


def test_of_a_large_file_only_what_is_in_view_is_lexed() -> None:
    """A side beyond the limit costs by the window, not by the file."""
    view = View(Shelf(n=b"x = 1\n" * WHOLE))
    lines = (b"+value = 1\n",) * 5_000
    shown = piece(lines=lines)._replace(first=1_000, last=1_040, new=(1_004, 1_044))
    view.highlighter.want(view, [shown])
    view.wait(lambda: view.highlighter.colours.has(NEW, 1_004, 1_044))
    view.wait(lambda: view.highlighter.idle)
    total = sum(len(m.spans) for m in view.messages if isinstance(m, LinesColoured))
    assert total <= 41 + 2 * 64
    view.highlighter.close()


def test_plain_files_are_asked_for_once() -> None:
    """A file without a language is not read again on every scroll."""
    shelf = Shelf(n=SOURCE)
    view = View(shelf)
    view.highlighter.want(view, [piece(b"LICENSE")])
    view.wait(lambda: view.highlighter.colours.hunk_name("h1") is not None)
    view.highlighter.want(view, [piece(b"LICENSE")])
    assert shelf.reads == 1
    view.highlighter.close()


def test_a_newer_wish_stops_the_older_one() -> None:
    """Leaving a long file ends its lexing between two slices."""
    view = View(Shelf(n=b"x = 1\n" * 20_000, o=b""))
    view.highlighter.want(view, [piece()])
    view.wait(lambda: len(view.messages) > 1)
    view.highlighter.want(view, [])
    view.wait(lambda: view.highlighter.idle)
    assert not any(isinstance(m, LinesColoured) and m.last for m in view.messages)
    view.highlighter.close()
