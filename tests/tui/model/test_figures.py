"""Figures: bars, curves, lengths of time, lines of metrics."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.figures import area, bar, figures, grown
from stepwell.tui.model.sessionlines import duration
from stepwell.tui.values import Memory, Stats, Tier, TierReport

STATS = Stats(*(1 for _ in fields(Stats)))

SIGNS = " .:|"


def test_bars_have_parts_of_cells_and_never_hide_something() -> None:
    """A tiny share is still seen; all is the whole width."""
    assert bar(0, 4, SIGNS) == ""
    assert bar(0.001, 4, SIGNS) == "."
    assert bar(0.5, 4, SIGNS) == "||"
    assert bar(7 / 12, 4, SIGNS) == "||."
    assert bar(1, 4, SIGNS) == "||||"


def test_a_curve_is_filled_from_below() -> None:
    """The top line first; the largest value fills its column."""
    assert area([0, 1, 3, 6], 2, SIGNS) == ["   |", " .||"]
    assert area([0, 0], 2, SIGNS) == ["  ", "  "]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60).map(sorted), st.integers(1, 40))
def test_growth_ends_with_every_step(times: list[int], columns: int) -> None:
    """It never falls."""
    values = grown(times, columns)
    assert len(values) == columns and values == sorted(values) and values[-1] == len(times)


def test_lengths_of_time_have_two_units() -> None:
    """Seconds alone, minutes, hours, days."""
    assert [duration(s) for s in (0, 59, 250, 7500, 90000)] == [
        "0s",
        "59s",
        "4m 10s",
        "2h 5m",
        "1d 1h",
    ]


def test_tiers_are_told_with_what_was_looked_at() -> None:
    """Steps and half of the times; without a look there is no time, and no rate."""
    tier = Tier("L2", 1_234, 10, 2.0, 3, 4, 5, 6, 0.25, 9.0)
    memory = Memory(2_000_000, "calm", (1, 2, 3), 0, 8, 6, 2)
    told = {one.name: one.value for one in figures(STATS, TierReport((tier,), memory))}
    assert (told["tier L2"], told["in memory"]) == ("1,234, 0.2 ms", "2.0 MB")
    assert told["looks"] == "75% ready"
    quiet = replace(tier, p50_ms=None)
    told = {
        one.name: one.value
        for one in figures(STATS, TierReport((quiet,), replace(memory, looks=0)))
    }
    assert (told["tier L2"], told["looks"]) == ("1,234", "none yet")
