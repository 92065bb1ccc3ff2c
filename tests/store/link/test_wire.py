"""Lines of the socket: what is written can be read, and nothing else is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.link import wire

WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


@given(st.integers(0, 10**6), WORD, WORD)
def test_a_greeting_is_read_as_it_was_written(protocol: int, version: str, word: str) -> None:
    """Of any protocol, so that an old daemon understands that a new client is one."""
    greeting = wire.Greeting(protocol, version, word)
    assert wire.parse_greeting(greeting.line()) == greeting


@given(WORD, st.integers(0, wire.BODY_BYTES), st.lists(WORD, max_size=3))
def test_a_head_is_read_as_it_was_written(kind: str, length: int, words: list[str]) -> None:
    """Kind, words and length."""
    head = wire.Head(kind, length, tuple(words))
    assert wire.parse_head(head.line()) == head


@given(st.binary(max_size=600))
def test_any_bytes_are_a_line_or_nothing(line: bytes) -> None:
    """No line makes a reader fail."""
    for found in (wire.parse_greeting(line), wire.parse_head(line)):
        assert found is None or found.line() == line


@pytest.mark.parametrize(
    "line",
    [
        b"call 99999999999\n",
        b"call %d\n" % (wire.BODY_BYTES + 1),
        b"call -1\n",
        b"call\n",
        b"call 1",
        b"call  1\n",
        b"x" * 600 + b" 1\n",
    ],
)
def test_a_head_that_asks_too_much_is_none(line: bytes) -> None:
    """Too long, too large, cut off, malformed."""
    assert wire.parse_head(line) is None


def test_versions_must_be_equal_unless_one_does_not_matter() -> None:
    """The hook client knows the protocol alone."""
    daemon = wire.Greeting(1, "1.2", "7")
    assert daemon.fits(wire.Greeting(1, "1.2", "8:9"))
    assert daemon.fits(wire.Greeting(1, wire.ANY_VERSION, "8:9"))
    assert not daemon.fits(wire.Greeting(1, "1.3", "8:9"))
    assert not daemon.fits(wire.Greeting(2, wire.ANY_VERSION, "8:9"))
