"""Programs that are ended because nothing moves, or too much comes."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from stepwell.store.engine.scratch import marked
from stepwell.store.engine.sharing import stalls

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found by /proc")


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked often."""
    monkeypatch.setattr(stalls, "PACE_S", 0.02)


def _started(scratch: Path, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env={**os.environ, **marked(scratch)})


def test_what_makes_too_much_is_ended_while_it_does(tmp_path: Path) -> None:
    """Whatever it is at; others are left alone."""
    with (
        _started(tmp_path / "a", "sleep", "60") as ours,
        _started(tmp_path, "sleep", "60") as other,
    ):
        with stalls.watched(tmp_path / "a", lambda: True) as watch:
            assert ours.wait() == -signal.SIGTERM
        assert watch.flooded and not watch.stalled
        assert other.poll() is None
        other.kill()


def test_what_ignores_being_asked_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a moment."""
    monkeypatch.setattr(stalls, "LOOKS", 5)
    with _started(tmp_path, "sh", "-c", "trap '' TERM; exec sleep 60") as ours:
        with stalls.watched(tmp_path, lambda: False) as watch:
            assert ours.wait() == -signal.SIGKILL
        assert watch.stalled and not watch.flooded
