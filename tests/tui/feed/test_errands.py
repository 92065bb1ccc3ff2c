"""Background calls: newest first, superseded ones never run; changes always do, in their order."""

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


def test_changes_are_neither_replaced_nor_put_out_of_order() -> None:
    """Two with the same key are both made, the first one first, and before what reads."""
    errands, gate, done = Errands("test"), Gate(), list[str]()
    finished = threading.Event()
    errands.ask("gate", gate)
    assert gate.entered.wait(10)
    errands.ask("end", finished.set)
    errands.ask("change", lambda: done.append("first"), must_finish=True)
    errands.ask("change", lambda: done.append("second"), must_finish=True)
    errands.ask("page", lambda: done.append("page"))
    gate.leave.set()
    assert finished.wait(10)
    assert done == ["first", "second", "page"]
    errands.stop()


def test_leaving_waits_for_changes_that_wait_themselves() -> None:
    """Behind a reading errand, too; only what reads is dropped."""
    errands, gate, done = Errands("test"), Gate(), list[str]()
    errands.ask("scan", gate)
    assert gate.entered.wait(10)
    errands.ask("more", lambda: done.append("more"))
    errands.ask("change", lambda: done.append("first"), must_finish=True)
    errands.ask("change", lambda: done.append("second"), must_finish=True)
    leaving = threading.Thread(target=errands.stop)
    leaving.start()
    leaving.join(0.05)
    assert leaving.is_alive() and not errands.idle
    gate.leave.set()
    leaving.join(10)
    assert not leaving.is_alive()
    assert done == ["first", "second"]
    assert errands.idle
