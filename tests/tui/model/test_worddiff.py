"""Which words of a replaced line differ."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.tui.model.worddiff import TOKENS, changed_spans, pair_lines


def cut(text: str, spans: tuple[tuple[int, int], ...]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_a_changed_word_is_the_only_span() -> None:
    """One word replaced is one span on each side."""
    old, new = 'return self.get("token")', 'return self.fetch("token")'
    left, right = changed_spans(old, new)
    assert cut(old, left) == ["get"]
    assert cut(new, right) == ["fetch"]


def test_inserted_words_leave_the_old_side_plain() -> None:
    """Nothing is marked on the side that lost nothing."""
    left, right = changed_spans("def f(self, store):", "def f(self, store, *, clock):")
    assert left == ()
    assert cut("def f(self, store, *, clock):", right) == [", *, clock"]


def test_unlike_lines_get_no_emphasis() -> None:
    """Lines that share next to nothing are simply other lines."""
    assert changed_spans("import os", "raise ValueError(problem) from error") == ((), ())


def test_neighbouring_words_are_one_span() -> None:
    """A lone space between changed words does not tear the emphasis apart."""
    new = "value = cache lookup table.get(name, default)"
    _, right = changed_spans("value = store item rows.get(name, default)", new)
    assert cut(new, right) == ["cache lookup table"]


def test_long_lines_are_marked_whole_and_fast() -> None:
    """Beyond the token cap the middle is one span: the cost stays bounded."""
    old = "a = [" + ", ".join(f"x{i}" for i in range(3 * TOKENS)) + "]"
    new = "a = [" + ", ".join(f"y{i}" for i in range(3 * TOKENS)) + "]"
    begun = time.process_time()
    left, right = changed_spans(old, new)
    assert time.process_time() - begun < 0.1
    assert len(left) == len(right) == 1
    assert old[: left[0][0]] == "a = ["


def test_pairs_ascend_and_skip_unlike_lines() -> None:
    """A line inserted in a replaced run does not shift the pairs."""
    olds = ["alpha = one(1)", "beta = two(2)"]
    news = ["# what follows was renamed", "alpha = uno(1)", "beta = dos(2)"]
    assert pair_lines(olds, news) == [(0, 1), (1, 2)]


@settings(max_examples=80, deadline=None)
@given(st.text("ab =+(x)", max_size=40), st.text("ab =+(x)", max_size=40))
def test_what_no_span_covers_is_common(old: str, new: str) -> None:
    """Without the emphasised parts both lines are equal, when anything is emphasised at all."""
    left, right = changed_spans(old, new)
    if not left and not right:
        return

    def rest(text: str, spans: tuple[tuple[int, int], ...]) -> str:
        kept = [
            text[a:b]
            for a, b in zip(
                (0, *(e for _, e in spans)), (*(s for s, _ in spans), len(text)), strict=True
            )
        ]
        return "".join("".join(kept).split())

    assert rest(old, left) == rest(new, right)
    for text, spans in ((old, left), (new, right)):
        assert all(0 <= a < b <= len(text) for a, b in spans)
        assert list(spans) == sorted(spans)
