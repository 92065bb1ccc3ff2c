"""Which rules are due, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stepwell.store.model.ids import StepId
from stepwell.store.model.rules import Rule
from stepwell.store.model.steps import Snapshot, Step
from stepwell.store.rules.conditions import parse_condition
from stepwell.store.rules.pending import TURN_S, Pending, concerns

RULE = Rule("r", "command", ("true",), parse_condition("fails"), "suggest", quiet_ms=1_000)
STEP = Step(
    StepId("a" * 32),
    1,
    "main",
    (),
    "tool",
    "edit",
    0,
    Snapshot(b"\0" * 20, b"\0" * 20),  # type: ignore[arg-type]
)


@pytest.mark.parametrize(
    ("patterns", "path", "fits"),
    [
        ((), b"a", True),
        (("src/",), b"src/deep/a.py", True),
        (("*.py",), b"src/deep/a.py", True),
        (("/a.py",), b"src/a.py", False),
        (("*.py", "!test_*.py"), b"src/test_a.py", False),
        (("src/**/gen",), b"src/x/gen/file", True),
    ],
)
def test_paths_are_patterns_as_in_gitignore(
    patterns: tuple[str, ...], path: bytes, fits: bool
) -> None:
    """One changed path that matches is enough."""
    assert concerns(replace(RULE, paths=patterns), STEP, [b"other/thing.txt", path][1:]) is fits


def test_what_is_no_work_is_not_looked_at() -> None:
    """Nor a step that changed no file."""
    assert not concerns(RULE, STEP, [])
    assert not concerns(RULE, replace(STEP, kind="rollback"), [b"a"])
    assert not concerns(RULE, replace(STEP, flags=("safety",)), [b"a"])


def test_a_rule_waits_for_quiet_and_sees_only_the_newest() -> None:
    """Each step that concerns it begins the quiet anew."""
    pending, rules = Pending(), {"r": RULE}
    newer = replace(STEP, id=StepId("b" * 32), seq=2)
    pending.recorded([RULE], STEP, [b"a"], 10.0)
    assert pending.due(rules, 10.9) == []
    pending.recorded([RULE], newer, [b"a"], 10.9)
    assert pending.due(rules, 11.5) == [] and pending.due(rules, 11.9) == [RULE]
    assert pending.waiting["r"].step == newer
    assert pending.due({}, 20.0) == [] and not pending.waiting


def test_a_rule_of_turns_waits_for_the_end_of_one() -> None:
    """Which somebody tells, a prompt begins the next, or nothing comes for long."""
    rule = replace(RULE, when="turn")
    prompt = replace(STEP, kind="prompt", seq=2)
    for ends in ("told", "prompt", "silence"):
        pending, now = Pending(), 12.0
        pending.recorded([rule], STEP, [b"a"], 10.0)
        assert pending.due({"r": rule}, now) == []
        if ends == "told":
            pending.turn_ended()
        elif ends == "prompt":
            pending.recorded([rule], prompt, [], 11.0)
        else:
            now = 10.0 + TURN_S
        assert pending.due({"r": rule}, now) == [rule]
