"""The text of a filter while it is typed."""

from __future__ import annotations

from stepwell.tui.model.filterwords import completed, without_last, words_of

KEYS = ("text", "tag", "tool", "kind")
VALUES = {"kind": ("prompt", "tool", "capture", "checkpoint")}


def test_words_are_held_together_by_quotes() -> None:
    """Also by one that is not closed yet."""
    assert words_of('path:"a b" -word  "c d') == ['path:"a b"', "-word", '"c d']
    assert words_of(r'"a \" b" c') == [r'"a \" b"', "c"]
    assert words_of("  ") == []


def test_the_last_word_goes() -> None:
    """One at a time."""
    assert without_last('kind:tool "a b"') == "kind:tool"
    assert without_last("word") == ""


def test_a_key_or_value_is_completed_as_far_as_it_is_certain() -> None:
    """Where two go on differently, up to there."""
    assert completed("ki", KEYS, VALUES) == "kind:"
    assert completed("word -ki", KEYS, VALUES) == "word -kind:"
    assert completed("t", KEYS, VALUES) == "t"
    assert completed("kind:pr", KEYS, VALUES) == "kind:prompt"
    assert completed("kind:tool,ca", KEYS, VALUES) == "kind:tool,capture"
    assert completed("kind:c", KEYS, VALUES) == "kind:c"
    assert completed("tag:x", KEYS, VALUES) == "tag:x"
    assert completed("", KEYS, VALUES) == ""
