"""Blotting content out of texts: every repeated stretch goes, the rest stays."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.pruning.blot import BLOT, Blotter

CONTENT = "alpha = 'q1w2e3r4t5y6'\n\tbeta: \"ümlaut\\path\"\n\n\ngamma: 8d9f7g6h5j4k3l2m1n\n"

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(texts, texts, st.integers(0, 60), st.integers(16, 90))
def test_no_stretch_of_the_content_is_left(before: str, after: str, at: int, length: int) -> None:
    """Wherever it is cut out of, as it is and escaped as JSON, and JSON stays JSON."""
    blotter = Blotter([CONTENT.encode()])
    part = CONTENT.strip()[at : at + length]
    stretches = {part[n : n + 16] for n in range(len(part) - 15) if len(set(part[n : n + 16])) > 4}
    blotted = blotter.text(before + part + after)
    assert not any(stretch in blotted for stretch in stretches)
    document = {"a": [before + part, {"b": after}], "n": 1}
    kept = json.loads(blotter.stored(json.dumps(document).encode()))
    assert not any(stretch in kept["a"][0] for stretch in stretches)
    assert kept["n"] == 1


@given(texts)
def test_a_text_that_repeats_nothing_stays_byte_by_byte(text: str) -> None:
    """And is not even written anew."""
    blotter = Blotter([b"zzzzyyyyxxxxwwwwvvvvuuuu"])
    for stored in (text.encode(), json.dumps({"t": text}, indent=1).encode(), b"\xff\xfe{"):
        assert blotter.stored(stored) == stored


def test_indents_and_rulers_are_not_content() -> None:
    """They are in every text; short secrets are found whole, binary content in no text."""
    blotter = Blotter([b" " * 40 + b"hunter2!\n", b"=" * 80, b"\0" * 50 + b"abcdefghijklmnop"])
    ruler = " " * 30 + "=" * 70 + "abcdefghijklmnop"
    assert blotter.text(ruler) == ruler
    assert blotter.text("it is hunter2! really") == f"it is {BLOT} really"


def test_too_much_text_is_said_to_be_too_much() -> None:
    """Rather than to take all memory."""
    assert Blotter([b"ab" * (3 << 20)]).left_out
