"""One line of a text, made harmless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.model.text import one_line, plural, printable

TEXT = st.text(st.sampled_from("a b\n\r\t\x1b\u202e\u2028é漢\udcff"), max_size=40)


@given(TEXT, st.integers(2, 30))
def test_the_first_line_is_shown_and_cut(text: str, limit: int) -> None:
    """What surrounds it is left out; nothing acts on a terminal; it is as long as was asked for."""
    found = one_line(text, limit)
    assert printable(found) == found and len(found) <= limit
    lines = text.strip().splitlines()
    whole = printable(lines[0].strip()) if lines else ""
    assert found.rstrip("…").startswith(whole[: limit - 1].rstrip()) or found == whole


def test_a_line_of_a_megabyte_costs_what_is_shown() -> None:
    """However long a text is, no more of it is looked at."""
    assert one_line("\x1b" * (1 << 20), 9) == r"\x1b\x1b…"


def test_counts_have_their_plural() -> None:
    """Of words that end in ch, too."""
    told = [plural(count, noun) for noun in ("step", "branch") for count in (0, 1, 2_000)]
    assert told == ["0 steps", "1 step", "2,000 steps", "0 branches", "1 branch", "2,000 branches"]
