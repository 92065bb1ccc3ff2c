"""Background calls: newest first, superseded ones never run, leaving waits for changes only."""

from __future__ import annotations

import threading

from stepwell.tui.feed.errands import Errands


class Gate:
    """An errand that runs until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.leave = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        assert self.leave.wait(10)


def test_the_newest_errand_comes_first_and_replaces_its_like() -> None:
    """What was asked again is done once, as asked last."""
    errands, gate, done = Errands("test"), Gate(), list[str]()
    finished = threading.Event()
    errands.ask("gate", gate)
    assert gate.entered.wait(10)
    errands.ask("end", finished.set)
    errands.ask("page", lambda: done.append("page 1"))
    errands.ask("other", lambda: done.append("other"))
    errands.ask("page", lambda: done.append("page 2"))
    assert not errands.idle
    gate.leave.set()
    assert finished.wait(10)
    assert done == ["page 2", "other"]
    errands.stop()


def test_leaving_does_not_wait_for_reading() -> None:
    """A slow scan must not hold up the person who quits; what waits is dropped."""
    errands, gate, done = Errands("test"), Gate(), list[str]()
    errands.ask("scan", gate)
    assert gate.entered.wait(10)
    errands.ask("more", lambda: done.append("more"))
    errands.stop()
    assert not gate.leave.is_set()
    gate.leave.set()
    assert done == []


def test_leaving_waits_for_a_change_of_the_workspace() -> None:
    """An apply that runs is never cut off."""
    errands, gate, done = Errands("test"), Gate(), list[str]()

    def change() -> None:
        gate()
        done.append("applied")

    errands.ask("apply", change, must_finish=True)
    assert gate.entered.wait(10)
    leaving = threading.Thread(target=errands.stop)
    leaving.start()
    leaving.join(0.05)
    assert leaving.is_alive()
    gate.leave.set()
    leaving.join(10)
    assert done == ["applied"]
