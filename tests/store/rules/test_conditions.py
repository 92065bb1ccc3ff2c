"""Conditions as people write them, and what they make of figures."""

from __future__ import annotations

import pytest

from stepwell.store.checks.counted import Counted
from stepwell.store.checks.figures import Figures
from stepwell.store.model.errors import UsageError
from stepwell.store.rules.conditions import is_met, parse_condition
from stepwell.store.rules.measured import Measured


def ran(passed: int, failed: int, exit_code: int | None = 1, **numbers: float) -> Measured:
    ok = exit_code == 0 and not failed
    tests = Counted(passed, failed) if passed + failed else None
    figures = Figures(ok, "pytest", exit_code, 10, tests, numbers=numbers)
    return Measured(None if exit_code is None else ok, figures)


@pytest.mark.parametrize(
    ("text", "measured", "met"),
    [
        ("failures > 30%", ran(7, 3), False),
        ("failures > 30%", ran(6, 4), True),
        ("failures > 30%", ran(0, 0, 2), True),
        ("failures > 30%", ran(0, 0, 0), False),
        ("failures > 30%", ran(0, 0, None), None),
        ("failed > 2", ran(6, 3), True),
        ("fails", ran(3, 0, 1), True),
        ("fails", ran(3, 0, 0), False),
        ("fails", ran(0, 0, None), None),
        ("passes", ran(3, 0, 0), True),
        ("duration > 5", ran(1, 0, 0), True),
        ("size<100", ran(1, 0, 0, size=99.5), True),
        ("size<100", ran(1, 0, 0), None),
        (" slower  >  20 % ", Measured(values={"slower": 0.21}), True),
        ("complexity > 10", Measured(values={"complexity": 10}), False),
        ("maintainability < 20", Measured(), None),
    ],
)
def test_a_condition_is_met_or_not_or_cannot_be_told(
    text: str, measured: Measured, met: bool | None
) -> None:
    """A command that never came to its end says nothing."""
    assert is_met(parse_condition(text, ("size",)), measured) is met


@pytest.mark.parametrize(
    "text",
    ["", "failures", "fails > 3", "failures > 30", "weather > 3", "failed => 3", "failed > x"],
)
def test_a_condition_that_makes_no_sense_is_refused(text: str) -> None:
    """With an example of one that does."""
    with pytest.raises(UsageError) as refused:
        parse_condition(text)
    assert "failures > 30%" in refused.value.hint
