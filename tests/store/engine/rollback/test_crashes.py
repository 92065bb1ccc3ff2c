"""A rollback killed at each of its system calls, and its recovery killed as well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[3]


def killed_at_each_point(step: int, *options: str) -> dict[str, Any]:
    """Runs the killing program, which forks and so must be a process of its own."""
    done = subprocess.run(
        [sys.executable, str(TESTS / "support" / "kill_points.py"), "1", str(step), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("options", [(), ("user",), ("together",), ("staged",)])
def test_after_a_kill_anywhere_recovery_finishes(options: tuple[str, ...]) -> None:
    """Everything is as the target says, byte and mode exact, and no temporary file is left."""
    report = killed_at_each_point(3, *options)
    assert report["wrong"] == []
    assert report["points"] > 150
    assert report["undone"] == 0


def test_after_a_kill_anywhere_a_damaged_target_is_undone() -> None:
    """Everything is as before, unless what needs the damaged object was already done."""
    report = killed_at_each_point(5, "damaged")
    assert report["wrong"] == []
    assert report["undone"] > 20


@pytest.mark.parametrize("options", [("saved",), ("saved", "staged")])
def test_after_a_kill_anywhere_what_somebody_saved_is_there(options: tuple[str, ...]) -> None:
    """A file saved in the moment of its change is at its name and listed, the rest is finished."""
    report = killed_at_each_point(3, *options)
    assert report["wrong"] == []
    assert report["points"] > 150


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("user",),
        ("damaged",),
        ("damaged", "user"),
        ("saved",),
        ("together",),
        ("together", "saved", "user"),
        ("staged",),
        ("staged", "damaged"),
        ("staged", "saved", "user"),
    ],
)
def test_every_single_point(options: tuple[str, ...]) -> None:
    """As above, leaving none out."""
    assert killed_at_each_point(1, *options)["wrong"] == []
