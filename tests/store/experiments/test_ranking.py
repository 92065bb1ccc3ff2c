"""Ranking: what passed comes first, then the figures, with reasons that say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.experiments.ranking import rank
from stepwell.store.model.errors import UsageError
from stepwell.store.model.experiments import Candidate, CheckResult
from stepwell.store.model.ids import StepId

BASE = StepId("0" * 32)
GOOD = CheckResult(True, 0, 1_000, 12, 0, 12)


def candidate(label: str, check: CheckResult | None = GOOD, **more: object) -> Candidate:
    figures = {"exit_code": 0, "tried": True, "added": 10, "deleted": 2, **more}
    return Candidate(label, f"x/{label}", ("true",), BASE, check=check, **figures)  # type: ignore[arg-type]


def test_the_smaller_change_wins_among_those_that_pass() -> None:
    """And the reasons name the figures."""
    ranked = rank([candidate("big", added=90), candidate("small")])
    assert [r.candidate.label for r in ranked] == ["small", "big"]
    assert ranked[0].why == "passes 12 of 12 tests; the smallest change, +10 −2"
    assert ranked[1].why == "passes 12 of 12 tests; a larger change, +90 −2 beside +10 −2"
    assert 1 == ranked[0].score > ranked[1].score > 0.8


def test_whatever_failed_comes_after_whatever_passed() -> None:
    """However good its other figures; more passed tests come first among the failed."""
    bad = CheckResult(False, 1, 10, 11, 1, 12, ("t::a",))
    worse = replace(bad, passed=2, failed=10)
    ranked = rank(
        [
            candidate("worse", worse, added=0, deleted=0),
            candidate("never", None, tried=False, exit_code=None),
            candidate("bad", bad, added=0, deleted=0),
            candidate("good", replace(GOOD, duration_ms=90_000), added=900),
            candidate("broken", None, exit_code=3),
        ]
    )
    assert [r.candidate.label for r in ranked] == ["good", "bad", "worse", "broken", "never"]
    assert ranked[1].why == "fails 1 of 12 tests"
    assert ranked[3].why == "its command failed with status 3"
    assert ranked[4].why == "it was not begun"


def test_weights_decide_and_metrics_join_in() -> None:
    """Below 0, less is better."""
    fast = candidate("fast", replace(GOOD, metrics={"speed": 900.0}), added=200)
    slow = candidate("slow", replace(GOOD, metrics={"speed": 100.0}))
    assert rank([fast, slow])[0].candidate is slow
    assert rank([fast, slow], {"speed": 5})[0].candidate is fast
    assert rank([fast, slow], {"speed": -5})[0].candidate is slow
    with pytest.raises(UsageError, match="no figure colour"):
        rank([fast], {"colour": 1})
    for wrong in ({"size": -1.0}, {"checks": 0.0, "size": 0, "complexity": 0, "duration": 0}):
        with pytest.raises(UsageError, match="make no sense"):
            rank([fast], wrong)


def test_without_a_check_the_command_speaks() -> None:
    """And complexity and duration are told where they matter."""
    simple = candidate("simple", None, complexity=-2)
    ranked = rank([candidate("twisted", None, complexity=9), simple])
    assert ranked[0].why.startswith("its command succeeded; nothing was checked")
    assert ranked[0].why.endswith("the least complexity, -2")
    assert ranked[1].why.endswith("more complexity, +9 beside -2")
    slow = rank([candidate("a"), candidate("b", replace(GOOD, duration_ms=3_000))])[1]
    assert slow.why.endswith("its check takes 3.0 times as long")


CHECKS = st.none() | st.builds(
    lambda ok, ms, passed, failed: CheckResult(ok, 0, ms, passed, failed, passed + failed),
    st.booleans(),
    st.integers(0, 10**7),
    st.integers(0, 50),
    st.integers(0, 50),
)


@given(
    st.lists(
        st.tuples(CHECKS, st.integers(0, 500), st.none() | st.integers(-50, 50), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_every_candidate_has_one_place_and_a_share(
    figures: list[tuple[CheckResult | None, int, int | None, bool]],
) -> None:
    """Ranks count from 1, scores lie between 0 and 1 and fall within each half, order is stable."""
    candidates = [
        candidate(f"c{at}", check, added=added, complexity=rise, exit_code=0 if ok else 1)
        for at, (check, added, rise, ok) in enumerate(figures)
    ]
    ranked = rank(candidates)
    assert sorted(r.candidate.label for r in ranked) == sorted(c.label for c in candidates)
    assert [r.rank for r in ranked] == list(range(1, len(candidates) + 1))
    assert all(0 <= r.score <= 1 and r.why for r in ranked)
    assert [r.candidate.passed for r in ranked] == sorted(
        (r.candidate.passed for r in ranked), reverse=True
    )
    assert rank(list(reversed(candidates))) == ranked
