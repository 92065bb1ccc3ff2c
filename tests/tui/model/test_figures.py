"""Figures: bars, curves, lengths of time, lines of metrics."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.figures import area, bar, figures, fitted
from stepwell.tui.model.sessionlines import duration
from stepwell.tui.values import Grown, Memory, Stats, Tier, TierReport, Timing

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


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.integers(1, 120))
def test_a_curve_fits_and_keeps_its_peak(values: list[int], columns: int) -> None:
    """Fewer values than columns stay as they are; the largest is never lost."""
    drawn = fitted(values, columns)
    assert len(drawn) == min(len(values), columns) and max(drawn) == max(values)
    assert fitted(sorted(values), columns)[-1] == max(values)


def test_growth_and_latency_are_curves() -> None:
    """Steps and bytes by time, and the newest captures; other work of the daemon is not drawn."""
    memory = Memory(0, "calm", (1, 2, 3), 0, 0, 0, 0)
    growth = (Grown(1, 1, 500), Grown(2, 3, 2_000_000))
    timings = (Timing("record", 9, 4.25, 8.0, (4.0, 8.5)), Timing("status", 9, 1.0, 1.0, (1.0,)))
    told = {one.name: one for one in figures(STATS, TierReport((), memory), growth, timings)}
    assert told["steps"].curve == (1, 3)
    assert (told["as written"].value, told["as written"].curve) == ("2.0 MB", (500, 2_000_000))
    assert (told["record"].value, told["record"].curve) == ("4.2 ms", (4000, 8500))
    assert "status" not in told
    empty = {one.name: one for one in figures(STATS, TierReport((), memory), (), ())}
    assert (empty["as written"].value, empty["as written"].curve) == ("nothing yet", ())


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
    told = {one.name: one.value for one in figures(STATS, TierReport((tier,), memory), (), ())}
    assert (told["tier L2"], told["in memory"]) == ("1,234, 0.2 ms", "2.0 MB")
    assert told["ready"] == "75%"
    quiet = replace(tier, p50_ms=None)
    told = {
        one.name: one.value
        for one in figures(STATS, TierReport((quiet,), replace(memory, looks=0)), (), ())
    }
    assert (told["tier L2"], told["ready"]) == ("1,234", "no look yet")


def test_figures_without_a_drawing_say_what_they_are() -> None:
    """Whoever does not know the words learns them there; what takes more room is not called smaller."""
    tiers = tuple(Tier(name, 1, 1, 1.0, 0, 0, 0, 0, None, None) for name in ("L1", "L2", "L3"))
    report = TierReport(tiers, Memory(0, "calm", (1, 2, 3), 0, 0, 0, 0))
    found = figures(STATS, report, (), ())
    assert all(one.about for one in found[2:] if one.share is None)
    told = {one.name: one.value for one in found}
    assert (told["smaller"], told["sealed part"]) == ("not yet", "not yet")
    packed = replace(STATS, raw_bytes=30, segment_bytes=5, sealed_bytes=5, sealed_raw_bytes=20)
    told = {one.name: one.value for one in figures(packed, report, (), ())}
    assert (told["smaller"], told["sealed part"]) == ("3.0 times", "4.0 times")
