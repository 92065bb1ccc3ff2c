"""Label and tags as words; steps picked to be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepwell.tui.look.glyphs import UTF8
from stepwell.tui.model.marks import Marks, MarkWords, read_words, spell_words

Make = Callable[..., Any]


def test_words_are_read_as_they_are_spelled() -> None:
    """And back; `#` and commas are only ways to write."""
    words = MarkWords("v1", ("green", "flaky"))
    assert spell_words(words) == "label:v1 green flaky"
    assert read_words("label:v1 green flaky") == words
    assert read_words("#green, flaky green label:v1") == words
    assert read_words("  ") == MarkWords(None, ())


@pytest.mark.parametrize("text", ["label:", "label:a label:b"])
def test_an_unclear_label_is_refused(text: str) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match="label"):
        read_words(text)


def test_two_picked_steps_make_a_pair(make_step: Make) -> None:
    """Older first, whatever the order; the third takes the oldest one's place."""
    one, two, three = make_step(1), make_step(2), make_step(3)
    marks = Marks()
    marks.pick(two)
    assert marks.pair(two) is None
    assert marks.pair(one) == (one, two)
    assert marks.pair(None) == (two, None)
    marks.pick(one)
    assert marks.pair(three) == (one, two)
    marks.pick(three)
    assert marks.pair(None) == (one, three)
    marks.pick(three)
    assert [step.seq for step in marks.picked] == [1]


def test_a_base_comes_first_even_when_it_is_newer(make_step: Make) -> None:
    """It is what a person compares with."""
    one, two = make_step(1), make_step(2)
    marks = Marks()
    marks.set_base(two)
    assert marks.pair(one) == (two, one)
    assert marks.pair(two) is None
    assert marks.sign(two.id, UTF8) == "="
    assert marks.clear() and not marks.clear()
    marks.set_base(one)
    marks.set_base(one)
    assert marks.base is None
