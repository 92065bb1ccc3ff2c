"""Long texts compared by a process of its own."""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store import FailedError, Workspace
from stepwell.store.engine import beside, lines, linework
from stepwell.store.engine.beside import Helper, LostError
from stepwell.store.engine.gitobjects import GitObjects
from stepwell.store.engine.lines import LONG, Compared, Side, compare, regions, tell
from stepwell.store.engine.told import Texts
from stepwell.store.model.patchlines import PatchLines

OLD = b"".join(b"line %d of many\r\n" % n for n in range(16_000))
NEW = OLD.replace(b"7 of many\r", b"7 of more")
WANTED = st.sampled_from(["counts", "places", "lines"])
TEXT = st.lists(st.sampled_from([b"a\n", b"\n", b" b\n", b"\\\n"]), max_size=40).map(b"".join)


@pytest.fixture
def helper() -> Iterator[Helper]:
    made = Helper()
    yield made
    made.close()


def compared(old: bytes, new: bytes, **named: bool) -> Compared:
    return compare(b"p", Side(None, old), Side(None, new), hunks=True, context=3, **named)


def process_of(helper: Helper) -> subprocess.Popen[bytes]:
    process = helper._process
    assert process is not None
    return process


@pytest.mark.parametrize("ignore_space", [False, True])
def test_long_texts_are_told_as_here(ignore_space: bool) -> None:
    """Hunks, lines, counts and regions are the same whoever compares."""
    assert len(OLD) + len(NEW) > LONG
    here = compared(OLD, NEW, ignore_space=ignore_space), regions(OLD, NEW)
    with beside.used():
        there = compared(OLD, NEW, ignore_space=ignore_space), regions(OLD, NEW)
    assert there == here
    bodies = [hunk.lines for hunk in there[0].hunks]
    assert all(isinstance(body, PatchLines) and body.is_deflated for body in bodies)


@given(TEXT, TEXT, WANTED)
def test_an_answer_is_the_same_when_it_is_packed(old: bytes, new: bytes, wanted: str) -> None:
    """Of whatever two texts, and with what makes the lines of long hunks quick to reach."""
    plain = tell(Texts(old, new, 1, wanted=wanted))  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linework, "LONG_LINES", 2)
        packed = linework.packed(plain)
    assert (packed.added, packed.deleted, packed.numbers) == (
        plain.added,
        plain.deleted,
        plain.numbers,
    )
    assert packed.patch[:] == plain.patch
    hunks = [list(lines._hunks(b"p", None, None, told, 4)) for told in (packed, plain)]
    for mine, own in zip(*hunks if wanted == "lines" else ([], []), strict=True):
        assert mine == own
        assert [mine.lines[at] for at in range(len(mine.lines))] == list(own.lines)


def test_short_texts_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take less time than asking."""
    monkeypatch.setattr(Helper, "tell", lambda *_: pytest.fail("a process was asked"))
    with beside.used():
        assert compared(b"a\n", b"b\n").added == 1
        assert compared(OLD, OLD + b"one more\n").added == 1


def test_one_that_was_killed_is_replaced(helper: Helper) -> None:
    """Between two texts, and nobody notices."""
    wanted = Texts(OLD, NEW, 3, False, "lines")
    first = helper.tell(wanted)
    os.kill(process_of(helper).pid, signal.SIGKILL)
    assert helper.tell(wanted).numbers == first.numbers == tell(wanted).numbers


def test_without_a_process_texts_are_compared_here(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it ends at once each time, and when it cannot be started."""
    here = compared(OLD, NEW)
    monkeypatch.setattr(beside, "_WORK", "stepwell.store.engine.no_such_module")
    with beside.used():
        assert compared(OLD, NEW) == here
        monkeypatch.setattr(beside.sys, "executable", "/no/such/interpreter")
        beside.expect()
        assert compared(OLD, NEW) == here
    with pytest.raises(LostError):
        helper.tell(Texts(OLD, NEW))


def once(patch: pytest.MonkeyPatch, instead: Callable[[Any], Any]) -> None:
    """Has the next answer read by `instead`, and those that follow as ever."""
    load = pickle.load

    def read(answers: Any) -> Any:
        patch.setattr(pickle, "load", load)
        return instead(answers)

    patch.setattr(pickle, "load", read)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, AttributeError, TypeError])
def test_an_answer_that_was_not_read_is_never_taken_for_another(
    helper: Helper, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Whatever kept it from being read; what does not concern the reader has it asked for again."""
    short = Texts(b"a\n", b"b\n")
    assert helper.tell(short).added == 1

    def fail(_: Any) -> None:
        raise error

    once(monkeypatch, fail)
    with suppress(MemoryError, KeyboardInterrupt):
        assert helper.tell(Texts(OLD, NEW)).added == tell(Texts(OLD, NEW)).added
    assert helper.tell(short).added == 1


def test_an_answer_to_other_texts_is_not_taken(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has another number; a new process is asked."""
    short, load = Texts(b"a\n", b"b\n"), pickle.load
    helper.tell(short)
    before = process_of(helper)
    once(monkeypatch, lambda answers: (load(answers)[0] - 1, None))
    assert helper.tell(short).added == 1
    assert process_of(helper) is not before


def test_one_that_cannot_work_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that ends at once by itself, nor one that ends when it is asked."""
    started, start = list[subprocess.Popen[bytes]](), subprocess.Popen

    def counted(*given: Any, **named: Any) -> subprocess.Popen[bytes]:
        started.append(start(*given, **named))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", counted)
    monkeypatch.setattr(beside, "_WORK", "stepwell.store.engine.no_such_module")
    with beside.used():
        beside.expect()
        assert started[0].wait(30)
        beside.expect()
        compared(OLD, NEW)
    assert len(started) == 1
    with beside.used():
        compared(OLD, NEW)
        compared(OLD, NEW)
        beside.expect()
    assert len(started) == 2


def test_pipes_that_cannot_be_larger_will_do(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may allow less."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    wanted = Texts(OLD, NEW, 3, False, "lines")
    assert helper.tell(wanted).numbers == tell(wanted).numbers


def test_it_ends_when_nothing_is_asked(helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, and with the one that started it; another one is started for what comes next."""
    helper.start()
    process = process_of(helper)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0
    assert helper.tell(Texts(b"a\n", b"b\n")).added == 1
    assert process_of(helper) is not process
    monkeypatch.setattr(linework, "_IDLE_S", 0.0)
    read, write = os.pipe()
    with os.fdopen(read, "rb") as asked, os.fdopen(write, "wb"):
        monkeypatch.setattr(linework.sys, "stdin", type("Pipe", (), {"buffer": asked}))
        assert linework.main() == 0


def test_closing_does_not_wait_for_what_is_compared(helper: Helper) -> None:
    """Whoever asked hears of it; no other process is started."""
    helper.start()
    process = process_of(helper)
    os.kill(process.pid, signal.SIGSTOP)
    lost = []

    def ask() -> None:
        try:
            helper.tell(Texts(OLD, NEW))
        except FailedError:
            lost.append(True)

    asking = threading.Thread(target=ask)
    asking.start()
    helper.close()
    asking.join(30)
    assert lost == [True]
    assert helper._process is None and process.returncode is not None


def test_one_that_comes_while_it_is_closed_compares_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does whoever asked compare in its place."""
    start = subprocess.Popen
    with beside.used():
        helper = beside.current()
        assert helper is not None

        def late(*given: Any, **named: Any) -> subprocess.Popen[bytes]:
            helper._closed = True  # as `close` does, which then sees no process
            return start(*given, **named)

        monkeypatch.setattr(subprocess, "Popen", late)
        monkeypatch.setattr(lines, "tell", lambda _: pytest.fail("it was compared here"))
        with pytest.raises(FailedError):
            compared(OLD, NEW)
        assert process_of(helper).wait(30) == -signal.SIGKILL


def test_nobody_waits_to_start_one_that_compares(helper: Helper) -> None:
    """It is there already."""
    with helper._turn:
        starting = threading.Thread(target=helper.start, daemon=True)
        starting.start()
        starting.join(30)
        assert not starting.is_alive()


def test_large_sealed_objects_are_read_in_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without libgit2, which would do it in one."""
    root = tmp_path / "orchard"
    root.mkdir()
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        for text in (OLD, NEW):
            (root / "data").write_bytes(text)
            workspace.capture()
        workspace.seal()
    with Workspace.open(root, home=tmp_path / "home") as workspace:
        step = workspace.get_step("@")
        (change,) = workspace.changed_files(step)
        plain = workspace.with_lines(change)
        monkeypatch.setattr(GitObjects, "read", lambda *_: pytest.fail("libgit2 was asked"))
        with beside.used():
            assert workspace.with_lines(change) == plain
