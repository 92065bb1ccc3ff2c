"""Output is harmless, fits, and means the same without colours."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.cli.output import Channel, Output, Styled, fitted, padded, width
from stepwell.store.model.text import printable

_ANY = st.text(st.characters(exclude_categories=()), max_size=20)


def _channel(*, colour: bool = False, encoding: str = "utf-8", terminal: bool = False) -> Channel:
    return Channel(io.BytesIO(), terminal, colour, encoding)


def _written(channel: Channel) -> bytes:
    assert isinstance(channel.stream, io.BytesIO)
    return channel.stream.getvalue()


@settings(max_examples=300, deadline=None)
@given(_ANY, _ANY)
def test_no_text_can_put_a_control_character_on_a_line(plain: str, styled: str) -> None:
    """Only the module's own colour sequences and the line feed at the end are left."""
    channel = _channel(colour=True)
    channel.write([plain, Styled(styled, "bad")])
    text = re.sub(r"\x1b\[(31|0)m", "", _written(channel).decode())
    assert text.endswith("\n")
    assert text[:-1] == printable(plain) + printable(styled)


def test_a_line_reads_the_same_without_colours() -> None:
    """Colour carries no meaning of its own."""
    plain, coloured = _channel(), _channel(colour=True)
    for channel in (plain, coloured):
        channel.write(["a ", Styled("b", "good"), Styled("", "dim")])
    assert _written(plain) == b"a b\n"
    assert _written(coloured) == b"a \x1b[32mb\x1b[0m\n"


def test_a_stream_without_unicode_gets_signs_that_it_can_show() -> None:
    """And escapes for content that it cannot."""
    channel = _channel(encoding="ascii")
    channel.write(["◉ ⚑green ✎2 −3 é"])
    assert _written(channel) == b"@ !green ~2 -3 \\xe9\n"


@settings(max_examples=200, deadline=None)
@given(_ANY, st.integers(0, 12))
def test_fitted_text_never_takes_more_room_than_it_may(text: str, cells: int) -> None:
    """Wide characters count two; what fits is not cut."""
    cut = fitted(text, cells)
    assert width(cut) <= cells
    if width(printable(text)) <= cells:
        assert cut == printable(text)
    assert width(padded(text, cells)) == max(cells, width(printable(text)))


def test_wide_and_combining_characters_are_measured_in_cells() -> None:
    """As a terminal shows them."""
    assert (width("日本"), width("e\u0301"), width("abc")) == (4, 1, 3)
    assert fitted("日本語", 5) == "日本…"
    assert padded("7", 3, right=True) == "  7"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"plain\n\ttab\n", b"plain\n\ttab\n"),
        (b"\x1b]52;c;aGk=\x07", rb"\x1b]52;c;aGk=\x07"),
        (b"no end \xff", rb"no end \xff"),
    ],
)
def test_exact_content_is_made_harmless_on_a_terminal_only(content: bytes, shown: bytes) -> None:
    """And it is said when that changed anything."""
    terminal = Output(_channel(terminal=True), _channel())
    terminal.exact(content)
    assert _written(terminal.out) == shown
    assert bool(_written(terminal.err)) == (content != shown)
    piped = Output(_channel(), _channel())
    piped.exact(content)
    assert _written(piped.out) == content


def test_progress_is_for_terminals_and_for_work_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It appears after a while, at a pace, and is wiped before the next line."""
    clock = iter([1, 100_000_000, 500_000_000, 550_000_000, 650_000_000, 10**9, 2 * 10**9])
    monkeypatch.setattr("time.monotonic_ns", lambda: next(clock))
    terminal = Output(_channel(), _channel(terminal=True))
    for done in range(5):
        terminal.progress("reading", done, 5)
    assert _written(terminal.err) == b"\r\x1b[Kreading 2 of 5\r\x1b[Kreading 4 of 5"
    terminal.note("done")
    assert _written(terminal.err).endswith(b"4 of 5\r\x1b[Kdone\n")
    terminal.progress("reading", 5, 5)
    terminal.progress("reading", 5, 5)
    terminal.flush()
    assert _written(terminal.err).endswith(b"reading 5 of 5\r\x1b[K")
    piped = Output(_channel(), _channel())
    piped.progress("reading", 1, 5)
    assert _written(piped.err) == b""
