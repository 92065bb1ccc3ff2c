"""Everything that the command line prints goes through here, and nothing else prints.

Results go to stdout, the rest to stderr. Text is made of pieces: every piece is passed through the
sanitiser, so that only the styles of this module can put an escape sequence on a terminal.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, TextIO

from stepwell.store.model.text import printable

Style = Literal["strong", "dim", "good", "bad", "name", "kind", "mark"]

_SGR: dict[Style, str] = {
    "strong": "1",
    "dim": "2",
    "good": "32",
    "bad": "31",
    "name": "33",
    "kind": "36",
    "mark": "35",
}

# For a stream that cannot show them, as in the C locale.
_PLAIN_SIGNS = str.maketrans(
    {"−": "-", "→": "->", "…": "...", "✓": "ok", "✗": "failed", "⚑": "!", "✎": "~", "★": "*"}
    | {"↱": "branch", "◉": "@", "●": "o", "○": ".", "◆": "<", "◇": "s", "✕": "x", "·": "-"}
    | dict(zip("▁▂▃▄▅▆▇", ".:-=+*%", strict=True))
    | {"│": "|", "├": "|", "─": "-", "┼": "+", "┴": "+", "╯": "'", "█": "#", "░": "."}
)

_PATIENCE_NS = 400_000_000
_PACE_NS = 100_000_000


class OutputLost(Exception):
    """What was to be written could not be; carries the reason in words."""


@dataclass(frozen=True, slots=True)
class Styled:
    """Text with a style, which never carries a meaning of its own."""

    text: str
    style: Style


Piece = str | Styled


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error.strerror or str(error)) from error


@dataclass(slots=True)
class Channel:
    """One of the two streams."""

    stream: BinaryIO
    is_terminal: bool = False
    colour: bool = False
    encoding: str = "utf-8"

    def write(self, pieces: Iterable[Piece], end: str = "\n") -> None:
        """Writes pieces as one line, made harmless."""
        text = "".join(map(self._drawn, pieces)) + end
        if not self.encoding.lower().startswith("utf"):
            text = text.translate(_PLAIN_SIGNS)
        self.send(text.encode(self.encoding, "backslashreplace"))

    def send(self, content: bytes) -> None:
        """Writes bytes as they are.

        Raises:
            BrokenPipeError: nobody reads any more.
            OutputLost: the disk is full, or something else the system objects to.
        """
        left = memoryview(content)
        with _told():
            # One write is all unless the interpreter runs unbuffered.
            while left:
                left = left[self.stream.write(left) :]

    def flush(self) -> None:
        """Sends what is held back; raises as `send` does."""
        with _told():
            self.stream.flush()

    def _drawn(self, piece: Piece) -> str:
        if isinstance(piece, str):
            return printable(piece)
        text = printable(piece.text)
        return f"\x1b[{_SGR[piece.style]}m{text}\x1b[0m" if self.colour and text else text


@dataclass(slots=True)
class Output:
    """The two streams of a command, and how its answers are to look."""

    out: Channel
    err: Channel
    json: bool = False
    columns: int | None = None
    """Width of the terminal on stdout; None when stdout is none."""
    now_ns: int = 0
    can_ask: bool = False
    """Both a terminal to ask on and one to answer from."""
    shown: frozenset[str] | None = field(default=None, init=False)
    """What a person was shown to go, so that nothing else does; None: nothing was."""
    _begun_ns: int = field(default=0, init=False)
    _drawn_ns: int = field(default=0, init=False)
    _live: int = field(default=0, init=False)
    """Lines that `live` shows now."""

    def line(self, *pieces: Piece) -> None:
        """Writes one line of the result."""
        self.out.write(pieces)

    def note(self, *pieces: Piece) -> None:
        """Writes one line beside the result."""
        self.flush()
        self.err.write(pieces)
        self.err.flush()

    def document(self, form: Any) -> None:
        """Writes the one JSON document of a command."""
        indent = 2 if self.out.is_terminal else None
        text = json.dumps(form, ensure_ascii=True, indent=indent, allow_nan=False)
        self.out.send(text.encode("ascii") + b"\n")

    def exact(self, content: bytes) -> None:
        """Writes bytes as they are. On a terminal, text whose control characters are escaped."""
        self.out.send(self._harmless(content) if self.out.is_terminal else content)

    def _harmless(self, content: bytes) -> bytes:
        text = content.decode("utf-8", "surrogateescape")
        shown = "\n".join("\t".join(map(printable, li.split("\t"))) for li in text.split("\n"))
        if shown != text:
            self.note(
                Styled("control characters are shown escaped: send the output to a file", "dim")
            )
        return shown.encode(self.out.encoding, "backslashreplace")

    def ask(self, question: str) -> bool:
        """Asks on the terminal; only `y` or `yes` agrees."""
        self.flush()
        self.err.write([question, " [y/N] "], end="")
        self.err.flush()
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            self.err.write([])
        return answer.strip().lower() in ("y", "yes")

    def progress(self, what: str, done: int, total: int) -> None:
        """Shows how far long work is, on a terminal and only when it does take long."""
        if not self.err.is_terminal or self.json:
            return
        now = time.monotonic_ns()
        self._begun_ns = self._begun_ns or now
        if now - self._begun_ns < _PATIENCE_NS or now - self._drawn_ns < _PACE_NS:
            return
        self._drawn_ns = now
        share = f"{done:,} of {total:,}" if total else f"{done:,}"
        self.err.send(b"\r\x1b[K")
        self.err.write([Styled(f"{what} {share}", "dim")], end="")
        self.err.flush()

    def live(self, lines: Sequence[Sequence[Piece]]) -> None:
        """Shows lines on a terminal in place of the last such ones, until something else is written."""
        if not self.err.is_terminal or self.json:
            return
        self._wipe()
        for pieces in lines:
            self.err.write(_cut(pieces, (self.columns or 80) - 1))
        self._live = len(lines)
        self.err.flush()

    def _wipe(self) -> None:
        if self._live:
            self.err.send(b"\x1b[%dA\x1b[J" % self._live)
            self._live = 0
        if self._drawn_ns:
            self.err.send(b"\r\x1b[K")
            self.err.flush()
        self._begun_ns = self._drawn_ns = 0

    def flush(self) -> None:
        """Sends the result so far, in place of progress; raises as `Channel.send` does."""
        self._wipe()
        self.out.flush()

    def close(self) -> None:
        """Sends what is still held back; raises as `Channel.send` does."""
        self.flush()
        self.err.flush()


def standard_output(*, json: bool, may_colour: bool) -> Output:
    """Returns an Output on the process's own streams."""
    out = _channel(sys.stdout, may_colour)
    err = _channel(sys.stderr, may_colour)
    return Output(
        out,
        err,
        json,
        _terminal_width(sys.stdout) if out.is_terminal else None,
        time.time_ns(),
        can_ask=err.is_terminal and sys.stdin is not None and sys.stdin.isatty(),
    )


def _channel(stream: TextIO | None, may_colour: bool) -> Channel:
    if stream is None:  # the caller closed it
        return Channel(open(os.devnull, "wb"))
    is_terminal = stream.isatty()
    return Channel(stream.buffer, is_terminal, is_terminal and may_colour, stream.encoding)


def _terminal_width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def silence_stdout() -> None:
    """Points stdout at nothing, so that the interpreter's own last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def width(text: str) -> int:
    """Returns how many terminal cells a harmless text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fitted(text: str, cells: int) -> str:
    """Returns `text` made harmless and cut to `cells` terminal cells."""
    text = printable(text)
    if width(text) <= cells:
        return text
    kept, used = [], 0
    for char in text:
        used += _cells(char)
        if used > cells - 1:
            break
        kept.append(char)
    return "".join(kept) + "…" if cells > 0 else ""


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """Returns `text` made harmless and filled up to `cells` terminal cells; longer text stays."""
    text = printable(text)
    gap = " " * (cells - width(text))
    return gap + text if right else text + gap


def _cut(pieces: Sequence[Piece], cells: int) -> list[Piece]:
    """Returns the pieces of a line cut to so many cells."""
    found: list[Piece] = []
    for piece in pieces:
        text = fitted(text_of(piece), cells)
        cells -= width(text)
        found.append(text if isinstance(piece, str) else Styled(text, piece.style))
    return found


def text_of(piece: Piece) -> str:
    """Returns the text of a piece."""
    return piece if isinstance(piece, str) else piece.text


def cells_of(pieces: Sequence[Piece]) -> int:
    """Returns how many terminal cells a line of pieces takes."""
    return sum(width(printable(text_of(piece))) for piece in pieces)
