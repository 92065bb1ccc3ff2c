"""Numbers, times and cells as short text, and palettes that can be read."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stepwell.tui.look import syntax
from stepwell.tui.look.fit import clip, clip_middle, fit, fit_path, fit_right, wrapped
from stepwell.tui.look.glyphs import ASCII, UTF8, Glyphs, glyphs_for
from stepwell.tui.look.moments import AGE_CELLS, STAMP_CELLS, age, full_stamp, stamp, took
from stepwell.tui.look.numbers import brief, buckets, grouped, spark
from stepwell.tui.look.palette import DARK, LIGHT, TERMINAL_DARK_PAINT, Palette
from stepwell.tui.look.terminal import TERMINAL_DARK, TERMINAL_LIGHT

SECOND = 1_000_000_000
NOW = 1_783_087_339 * SECOND


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"), (12, "12s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"),
        (86399, "23h"), (86400, "1d"), (13 * 86400, "13d"), (14 * 86400, "2w"),
        (59 * 86400, "8w"), (60 * 86400, "2mo"), (364 * 86400, "12mo"), (365 * 86400, "1y"),
        (-5, "now"),
    ],
)  # fmt: skip
def test_ages(seconds: int, text: str) -> None:
    """How long ago, in a few cells; a clock that went back shows no nonsense."""
    assert age(NOW, NOW - seconds * SECOND) == text


@given(st.integers(0, 40 * 365 * 86400))
def test_ages_and_stamps_fit_their_columns(seconds: int) -> None:
    """No age or stamp is wider than its column."""
    assert len(age(NOW, NOW - seconds * SECOND)) <= AGE_CELLS
    assert len(stamp(NOW, NOW - seconds * SECOND, UTC)) <= STAMP_CELLS


def test_stamps_follow_the_zone() -> None:
    """The same moment is another time of day elsewhere."""
    assert stamp(NOW, NOW, UTC) == "14:02:19"
    assert stamp(NOW, NOW, timezone(timedelta(hours=2))) == "16:02:19"
    assert stamp(NOW, NOW - 40 * 86400 * SECOND, UTC) == "May 24"
    assert full_stamp(NOW, UTC) == "2026-07-03 14:02:19"


def test_durations() -> None:
    """Milliseconds in the unit that a person would use."""
    assert [took(80), took(1210), took(190_000)] == ["80 ms", "1.2 s", "3m 10s"]


@given(st.integers(0, 10**11))
def test_brief_counts_need_four_cells_at_most(count: int) -> None:
    """Columns of counts stay aligned."""
    assert len(brief(count)) <= 4


def test_counts() -> None:
    """Grouped and brief forms."""
    assert grouped(1284) == "1,284"
    assert [brief(n) for n in (999, 1219, 9_960, 88_200, 3_100_000)] == [
        "999", "1.2k", "10k", "88k", "3.1M"
    ]  # fmt: skip
    assert brief(1219, exact=False) == "1k"


def test_buckets_count_every_time_once() -> None:
    """The spans cover everything, the last moment too."""
    times = [0, 1, 2, 50, 99, 100]
    assert buckets(times, 2) == [3, 3]
    assert sum(buckets(times, 7)) == len(times)
    assert buckets([], 3) == [0, 0, 0]
    assert buckets([5, 5, 5], 3) == [0, 0, 3]


def test_spark_levels() -> None:
    """Zero is the lowest sign, the most the highest, anything is more than nothing."""
    assert spark([0, 1, 100], " ab") == " ab"
    assert spark([0, 0], " ab") == "  "


@given(st.text(st.characters(exclude_categories=["C"]), max_size=30), st.integers(1, 20))
def test_fitted_text_has_exactly_the_width(text: str, width: int) -> None:
    """Wide and combining characters included."""
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width
    assert cell_len(clip(text, width)) <= width
    assert cell_len(fit_path(text, width)) <= width


def test_a_long_path_keeps_its_name() -> None:
    """The beginning gives way."""
    assert fit_path("a/very/long/path/name.py", 12) == "…ath/name.py"


@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
def test_every_sign_is_one_cell(glyphs: Glyphs) -> None:
    """Columns would shift otherwise."""
    for name in Glyphs.__slots__:
        for sign in getattr(glyphs, name):
            assert cell_len(sign) == 1, name
    assert all(getattr(ASCII, name).isascii() for name in Glyphs.__slots__)


def test_glyphs_follow_the_encoding() -> None:
    """A terminal that is not UTF-8 gets ASCII."""
    assert glyphs_for("utf-8") is UTF8
    assert glyphs_for("UTF8") is UTF8
    assert glyphs_for("latin-1") is ASCII


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


DECORATION = {"faint", "bar", "bar_away", "spark"}
SECONDARY = {"quiet"}
"""Line numbers and the like: what they say stands elsewhere, too."""
GROUNDS = ("ground", "panel", "wash", "wash_away")


@pytest.mark.parametrize("palette", [DARK, LIGHT])
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_can_be_read_on_every_ground(palette: Palette, ground: str) -> None:
    """Every role that paints words reaches the contrast that WCAG asks of text."""
    inks = [
        role
        for role in palette
        if role not in GROUNDS
        and role not in DECORATION | SECONDARY
        and not role.endswith(("ground", "word"))
    ]
    weak = {r: contrast(palette[r], palette[ground]) for r in inks}
    assert {role: value for role, value in weak.items() if value < 4.5} == {}


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_secondary_signs_can_be_made_out(palette: Palette) -> None:
    """They reach the contrast that WCAG asks of what is not text."""
    assert all(contrast(palette[role], palette["ground"]) >= 3 for role in SECONDARY)


@pytest.mark.parametrize("palette", [DARK, LIGHT, TERMINAL_DARK, TERMINAL_LIGHT])
def test_all_palettes_know_the_same_roles(palette: Palette) -> None:
    """A role that one lacks would fail only for those who use that theme."""
    assert set(palette) == set(DARK)


@pytest.mark.parametrize(
    ("inks", "unread"),
    [
        ({**TERMINAL_DARK, **syntax.TERMINAL_DARK}, {"black", "blue", "bright_black"}),
        (
            {**TERMINAL_LIGHT, **syntax.TERMINAL_LIGHT, "hit": ""},
            {"white", "yellow", "cyan", "bright_black"},
        ),
    ],
)
def test_no_text_has_a_colour_that_schemes_hide(inks: Palette, unread: set[str]) -> None:
    """No blue on black, no yellow on white, nowhere the bright black that may be the ground."""
    assert unread & set(inks.values()) == set()
    if "yellow" in unread:
        assert not [ink for ink in inks.values() if ink.startswith("bright")]


def test_a_selected_row_is_swapped_whatever_its_words_are() -> None:
    """With a terminal's own colours no two of them have to go together."""
    paint = TERMINAL_DARK_PAINT
    assert all(paint(role, "wash").reverse for role in ("text", "failed", "dim"))
    assert {paint(role, "wash").color.name for role in ("text", "failed")} == {"default"}  # type: ignore[union-attr]
    assert paint.code("keyword", "added", strong=True).reverse
    assert paint.code("keyword", "added") == paint.code("string", "added")


@given(st.text(st.sampled_from("a  é界\u0301x"), max_size=90), st.integers(2, 30))
def test_wrapped_lines_fit_and_hold_all(text: str, width: int) -> None:
    """Nothing of the text is dropped; a word is broken only where no space is near."""
    lines = wrapped(text, width)
    assert "".join(lines) == text
    assert all(cell_len(line) <= width for line in lines)
    assert wrapped("one two three", 9) == ["one two ", "three"]


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(0, 60))
def test_a_sentence_is_cut_before_its_end(text: str, width: int) -> None:
    """At most as wide as there is room; the last part is whole where it takes no more than half."""
    assert cell_len(clip_middle(text, width)) <= max(0, width)
    ending = " u takes it back."
    assert clip_middle(f"{text};{ending}", 40).endswith(ending)
    assert clip_middle("done. u takes it back.", 30) == "done. u takes it back."
