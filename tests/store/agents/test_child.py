"""Commands that we started: when they end, how, and what memory they took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stepwell.store.agents.child import Child
from stepwell.store.engine.lock import peak_memory


@contextmanager
def _started(*command: str) -> Iterator[tuple[subprocess.Popen[bytes], Child]]:
    with subprocess.Popen(command) as process:
        yield process, Child(process)


def _ours() -> int:
    return peak_memory(os.getpid()) or 0


def test_the_end_is_waited_for_as_long_as_is_said() -> None:
    """And the status is that of the process, whoever asks."""
    with _started("sleep", "60") as (process, child):
        assert child.ended(0.0) is False
        assert child.ended(0.01) is False
        process.terminate()
        assert child.wait() == process.wait() == -signal.SIGTERM
        assert child.ended(0.0) is True


def test_a_signal_sent_meanwhile_takes_no_status_away() -> None:
    """`Popen` looks whether a process has ended before it sends anything."""
    with _started("sh", "-c", "exit 3") as (process, child):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.send_signal(signal.SIGTERM)
        assert (child.wait(), child.peak_memory) == (3, None)


@pytest.mark.parametrize("words", [(), ("sh", "-c", '"$@"; true', "sh")], ids=["it", "its child"])
def test_the_memory_is_the_commands_own(words: tuple[str, ...]) -> None:
    """Or that of what it ran; never ours, nor that of others that we ran."""
    with _started(*words, sys.executable, "-c", f"bytearray({_ours() + 50_000_000})") as (_, child):
        child.wait()
    assert child.peak_memory is not None and child.peak_memory > _ours() + 50_000_000
    with _started("true") as (_, small):
        small.wait()
    assert small.peak_memory is None
